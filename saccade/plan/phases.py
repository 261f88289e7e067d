"""The phases that a run is made of, what they need from each other and from other runs, and what decides their weights.
No torch."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from saccade.cards.address import NEED, parse_address
from saccade.cards.method import IMPORT, Method, Phase, load_method
from saccade.editions import parse_edition
from saccade.plan.layers import _layers, resolve
from saccade.plan.runs import Run, check_run
from saccade.records import SaccadeError, suggest

NAMING = {"needs": "needs", "features": "takes the features of"}  # keys of a phase that name others, in words
FINISHED = Phase()  # not a phase: what needs what a variant `borrows`


@dataclass(frozen=True)
class Need:
    """A trained phase that another one starts from."""

    run: Run
    phase: Phase

    @property
    def product(self) -> Path:
        return self.run.folder / f"{self.phase.name}.json"


def phases_of(root: Path, run: Run) -> list[Phase]:
    """The run's own phases, each after those it needs."""
    method = load_method(root, run.method)
    use = method.variants[run.variant].use
    if use is None:
        use = tuple(name for name in method.phases if name != IMPORT)
    own = {name: _in_run(method, run, method.phases[name]) for name in use}
    ordered: list[Phase] = []

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            raise SaccadeError(f"{method.file}: phases need each other in a circle: {' -> '.join((*path, name))}")
        for need in own[name].needs:
            if "/" not in need:
                if need not in own:
                    raise SaccadeError(
                        f"{method.file}: phases.{name}.needs: no phase '{need}' in variant {run.variant}"
                        + suggest(need, own)
                    )
                visit(need, (*path, name))
        if own[name] not in ordered:
            ordered.append(own[name])

    for name in own:
        visit(name, ())
    return ordered


def phase_of(root: Path, run: Run, name: str) -> Phase:
    found = {phase.name: phase for phase in phases_of(root, run)}
    if name not in found:
        raise SaccadeError(f"{run.name} has no phase '{name}'" + suggest(name, found))
    return found[name]


def needs_of(root: Path, run: Run, phase: Phase, _path: tuple[str, ...] = ()) -> list[Need]:
    """All that must be loaded before `phase` starts, in order; a need's own needs come before it. Raises SaccadeError
    where a need doesn't exist, or was trained with other settings than those that it reads have here."""
    found: list[Need] = []
    for text in phase.needs:
        need = named_phase(root, run, phase, "needs", text)
        other = need.run
        label = str(need.product)
        if label in _path:
            raise SaccadeError(f"{run.name}: phases need each other in a circle: {' -> '.join((*_path, label))}")
        # another method, and other data, have their own recipe
        if (other.method, other.dataset, other.edition) == (run.method, run.dataset, run.edition) and other != run:
            _check_shared(root, run, need)
        for inner in [*needs_of(root, other, need.phase, (*_path, label)), need]:
            if inner not in found:
                found.append(inner)
    return found


def weights_of(root: Path, run: Run) -> list[Need]:
    """Every phase that the finished model is made of, in loading order: those that its variant `borrows`, then
    its own, each behind what it needs."""
    others = load_method(root, run.method).variants[run.variant].borrows
    found = needs_of(root, run, FINISHED.model_copy(update={"needs": others}))
    for phase in phases_of(root, run):
        for need in [*needs_of(root, run, phase), Need(run, phase)]:
            if need not in found:
                found.append(need)
    return found


def drops_of(root: Path, run: Run) -> dict[Path, tuple[str, ...]]:
    """Globs over tensors of other runs' phases, by product. This run leaves these tensors out when it loads the phase:
    what its own phases that need it drop, and where none of them drops any, what all others do that drop some."""
    others: dict[Path, tuple[str, ...]] = {}
    for taker in weights_of(root, run):
        for product, globs in _dropped(root, [taker]).items():
            others[product] = tuple(glob for glob in others.get(product, globs) if glob in globs)
    own = _dropped(root, [Need(run, phase) for phase in phases_of(root, run)])
    return {product: globs for product, globs in others.items() if globs} | own


def _dropped(root: Path, takers: list[Need]) -> dict[Path, tuple[str, ...]]:
    """What these phases drop of those of other runs that they need."""
    found: dict[Path, tuple[str, ...]] = {}
    for taker in takers:
        for need in needs_of(root, taker.run, taker.phase) if taker.phase.drops else ():
            if need.run != taker.run:
                found[need.product] = (*found.get(need.product, ()), *taker.phase.drops)
    return found


def phase_settings(root: Path, run: Run, phase: Phase) -> dict[str, Any]:
    """The settings of the sections that decide the phase's weights."""
    values, sections = resolve(root, run, phase.name).values, load_method(root, run.method).sections
    read = sections if phase.reads is None else phase.reads
    return {key: values[key] for key in sorted(key for section in read for key in sections[section])}


def _in_run(method: Method, run: Run, phase: Phase) -> Phase:
    """The phase as it is in this run: what it needs and whose features it takes (`{dataset}`, `{edition}` and
    `{variant}` there are the run's), what it drops of that, what it trains, and the gate that holds. Raises
    SaccadeError for `{edition}` in either where the run has none. A subset's edition is the one that it is of; so is
    that of videos encoded anew."""
    edition = parse_edition(run.edition).own
    for _, layer in _layers(method, run, None):
        inner = layer.get("phases", {}).get(phase.name, {})
        said = {key: tuple(inner.get(key, getattr(phase, key))) for key in ("needs", "trains", "drops", "features")}
        phase = phase.model_copy(update={**said, "gate": inner.get("gate", phase.gate)})
    for key in NAMING if not edition else ():
        if of_edition := [one for one in getattr(phase, key) if "{edition}" in one]:
            raise SaccadeError(
                f"{method.file}: phases.{phase.name}.{key}: {', '.join(of_edition)} names the run's edition, but "
                f"{run.name} has none; take {run.dataset}@<edition>"
            )
    own = {"{dataset}": run.dataset, "{edition}": edition, "{variant}": run.variant}
    named = {key: tuple(_filled(one, own) for one in getattr(phase, key)) for key in NAMING}
    return phase.model_copy(update=named)


def _filled(text: str, own: Mapping[str, str]) -> str:
    for name, value in own.items():
        text = text.replace(name, value)
    return text


def named_phase(root: Path, run: Run, phase: Phase, key: str, text: str) -> Need:
    """The phase that one entry of `phase`'s `needs` or `features` (`key`) names, by `address.NEED`; parts that aren't
    said are this run's own. Of the run's dataset a subset's run needs the same subset, whose classes are its own, and
    videos encoded anew the same ones. Raises SaccadeError where there is none."""
    card = load_method(root, run.method).file
    place = f"variants.{run.variant}.borrows" if not phase.name else f"phases.{phase.name}.{key}"
    named = parse_address(text, NEED, run.address, where=f"{card}: {place}: ")
    if named.dataset == run.dataset:
        theirs, mine = parse_edition(named.edition), parse_edition(run.edition)
        edition = dataclasses.replace(theirs, way=theirs.way or mine.way, subset=theirs.subset or mine.subset)
        named = dataclasses.replace(named, edition=str(edition))
    other = Run.of(named)
    try:
        check_run(root, other)
        return Need(other, phase_of(root, other, named.phase))
    except SaccadeError as error:
        who = "the finished model" if not phase.name else f"phase {phase.name}"
        raise SaccadeError(
            f"{card}: in {run.name}, {who} {NAMING[key]} '{text}', which doesn't exist: {error}"
        ) from None


def _check_shared(root: Path, run: Run, need: Need) -> None:
    theirs, mine = phase_settings(root, need.run, need.phase), resolve(root, run, need.phase.name).values
    differ = [
        f"{key} ({mine[key]!r} here, {theirs[key]!r} there)"
        for key in theirs
        if key in mine and mine[key] != theirs[key]
    ]
    if differ:
        raise SaccadeError(
            f"{run.name} needs {need.product.with_suffix('')}, which was trained with other settings: "
            f"{', '.join(differ)}; make them equal, or leave their section out of what the phase `reads`, where it "
            "doesn't decide the weights"
        )
