"""The features that a phase trains on: those of frozen networks, computed once per video. Whose they are, with which
settings they are computed, and where they lie. No torch."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from saccade.cards.method import Phase, load_method
from saccade.plan.layers import resolve
from saccade.plan.phases import Need, named_phase, needs_of
from saccade.plan.runs import Run
from saccade.records import FEATURES_ENDS, SaccadeError


@dataclass(frozen=True)
class Cached:
    """The features of a trained phase's network, of the videos that its run trains on and validates with."""

    run: Run
    phase: Phase

    @property
    def product(self) -> Path:
        return self.run.folder / f"{self.phase.name}{FEATURES_ENDS}.json"


def features_of(root: Path, run: Run, phase: Phase) -> list[Cached]:
    """What the phase trains on beside clips, in the card's order. Raises SaccadeError for a phase that isn't among what
    this one needs, that is trained on other data, or that is named as another one here."""
    needs, found = needs_of(root, run, phase), dict[str, Need]()
    place = f"{load_method(root, run.method).file}: phases.{phase.name}.features: in {run.name}, "
    for text in phase.features:
        need = named_phase(root, run, phase, "features", text)
        if need not in needs:
            known = ", ".join(str(one.product.with_suffix("")) for one in needs) or "nothing"
            raise SaccadeError(
                f"{place}'{text}' isn't among what the phase needs, and its network isn't loaded ({known} is); add it "
                "to `needs`"
            )
        if need.run.data != run.data:
            raise SaccadeError(
                f"{place}'{text}' gives features of its own data's videos, {need.run.data}, and not of {run.data}'s; "
                f"name a phase on {run.data} that needs it"
            )
        if need.phase.name in found:
            raise SaccadeError(
                f"{place}two phases are named {need.phase.name}, by which the code asks for them; leave one out"
            )
        found[need.phase.name] = need
    return [Cached(need.run, need.phase) for need in found.values()]


def features_settings(root: Path, run: Run, phase: Phase) -> Any:
    """The method's `Settings` with which the phase's features are computed: those of the phase in its run, but frames
    are decoded on demand."""
    settings = resolve(root, run, phase.name).typed
    try:
        return dataclasses.replace(settings, on_demand=True)
    except ValueError as error:
        card = load_method(root, run.method).file
        raise SaccadeError(f"{card}: {run.name}: no features of phase {phase.name} can be computed: {error}") from None


def deciding_features(root: Path, run: Run, phase: Phase) -> dict[str, Any]:
    """The settings that decide the features: all but those of the machine. What a features function reads is told by no
    card: it may read more than its phase does, as how many places of a video are looked at."""
    settings, sections = features_settings(root, run, phase), load_method(root, run.method).sections
    return {key: getattr(settings, key) for key in sorted(key for keys in sections.values() for key in keys)}
