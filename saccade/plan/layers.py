"""Which layer of a card decides a setting, and what the settings of a run, a phase or a point are. No torch."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from saccade.cards.address import with_edition
from saccade.cards.dataset import Dataset, load_dataset
from saccade.cards.method import Method, load_method
from saccade.editions import parse_edition
from saccade.plan.published import heads_of_weights
from saccade.plan.runs import Run
from saccade.project import load_module
from saccade.records import Head, SaccadeError, suggest


@dataclass(frozen=True)
class Resolved:
    """Settings with, for each, the layer of the card that decided it. `typed` is the method's own `Settings`."""

    values: Mapping[str, Any]
    origins: Mapping[str, str]
    typed: Any


def resolve(root: Path, run: Run, phase: str | None = None, point: str | None = None) -> Resolved:
    """The settings of a run, in one of its phases or at one of its operating points.

    Order, later wins: defaults < settings < datasets.<d> < budgets.<b> < variants.<v> < points.<p>; within a layer,
    what stands under `phases.<phase>` wins over the rest.
    """
    method = load_method(root, run.method)
    values, origins = dict(method.defaults), dict.fromkeys(method.defaults, "default")
    for label, layer in _layers(method, run, point):
        inner = layer.get("phases", {}).get(phase, {}) if phase else {}
        for source, body in ((label, layer), (f"{label}.phases.{phase}", inner)):
            for key, value in body.items():
                if key in method.keys:
                    values[key], origins[key] = value, source
    return Resolved(values, origins, _typed(method.file, run.name, values))


def without_defaults(values: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that aren't at their published default: what re-runs a job when it changes."""
    return {key: value for key, value in values.items() if key not in defaults or value != defaults[key]}


def heads_of(root: Path, run: Run) -> tuple[Head, ...]:
    """The label spaces that the run learns: those that `heads` names, or all that its data has. Published weights
    bring their own classes, and where they name several heads these, too, where the dataset's are what lies in raw/."""
    dataset, method, resolved = load_dataset(root, run.dataset), load_method(root, run.method), resolve(root, run)
    released = method.variants[run.variant].released
    own = dataset.heads_in(run.edition)
    theirs = heads_of_weights(method, released, dataset, run.edition) if released else {}
    known = {**own, **theirs}
    wanted = resolved.values["heads"] or (released and theirs and released.heads) or own
    for head in wanted:
        if head not in known:
            raise SaccadeError(
                f"{method.file}: {resolved.origins['heads']}.heads: {run.name}: head '{head}' is unknown to "
                f"{dataset.file}" + suggest(head, known)
            )
    if len(set(wanted)) != len(wanted):
        raise SaccadeError(f"{method.file}: {run.name}: heads names one twice: {wanted}")
    return tuple(known[head] for head in wanted)


def data_settings(root: Path, dataset: Dataset, budget: str, edition: str = "") -> dict[str, Any]:
    """The settings of a dataset's preparation: defaults < settings < budgets.<b> < editions.<e>. A subset has those of
    its edition, and so have videos encoded anew."""
    values, own = dict(dataset.defaults), parse_edition(edition).own
    for label in ("settings", f"budgets.{budget}", f"editions.{own}"):
        values.update(dataset.layers.get(label, {}))
    if dataset.keys:
        _typed(dataset.file, f"{with_edition(dataset.name, edition)} under budget {budget}", values)
    return values


def tests_only(root: Path, dataset: Dataset, budget: str, edition: str = "") -> bool:
    """Whether nothing is trained on the dataset under that budget, as its setting `tests_only` says."""
    return bool(data_settings(root, dataset, budget, edition).get("tests_only"))


def _typed(card: Path, whose: str, values: Mapping[str, Any]) -> Any:
    """The values as the `Settings` beside the card; raises SaccadeError where they don't go together."""
    try:
        return load_module(card.parent / "settings.py").Settings(**values)
    except (ValueError, TypeError) as error:
        raise SaccadeError(f"{card}: the settings of {whose} don't go together: {error}") from None


def _layers(method: Method, run: Run, point: str | None) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for label in ("settings", f"datasets.{run.dataset}", f"budgets.{run.budget}"):
        yield label, method.layers.get(label, {})
    yield f"variants.{run.variant}", method.variants[run.variant].layer
    if point is not None:
        if point not in method.points:
            raise SaccadeError(f"{method.file}: unknown point '{point}'" + suggest(point, method.points))
        yield f"points.{point}", method.points[point].layer
