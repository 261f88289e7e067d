"""Reads the methods' cards, `methods/<m>/card.yml`, strictly.

Every mistake is a `SaccadeError` naming the file, the place, and what would be right. No torch, so a dry run stays
quick.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

from saccade.cards.address import OF_POINT, OF_VARIANT, parse_address
from saccade.cards.entries import Entry, read_entries
from saccade.cards.plain_yaml import read_yaml
from saccade.cards.typed_settings import Gate, check_complete, read_layer
from saccade.cards.validation import Body, Names, OrEmpty, check_value, read_body
from saccade.project import card_file, sections_of, settings_class
from saccade.records import SaccadeError, suggest

RESERVED_PHASES = {"metrics", "latency", "provenance", "plan", "cost"}
# the phase that brings in published weights; no function's name, so the method's is `import_released`
IMPORT = "import"


class Phase(Body):
    """One training stage. `reads`: the sections of the settings that decide its weights (None: all); `trains`:
    state-dict globs; `drops`: globs over tensors of other runs' phases, needed here, that are left out (a classifier of
    other classes); `features`: phases, needed here, whose networks' features it trains on."""

    GIVEN = ("name",)
    name: str = ""
    needs: Names = ()
    trains: Names = ("*",)
    reads: Names | None = None
    gate: Gate | None = None
    drops: Names = ()
    features: Names = ()


@dataclass(frozen=True)
class Method:
    """A method's card. `layers` maps `settings`, `datasets.<d>`, `budgets.<b>` to what each sets."""

    name: str
    file: Path
    title: str
    summary: str
    paper: str | None
    keys: Mapping[str, Any]  # the settings that exist, with their types
    defaults: Mapping[str, Any]
    sections: Mapping[str, Sequence[str]]  # the settings that may decide a result, by section
    layers: Mapping[str, Mapping[str, Any]]
    phases: Mapping[str, Phase]
    variants: Mapping[str, Entry]
    points: Mapping[str, Entry]
    contract: tuple[str, ...]  # the variants that the contract tests build, run and train
    points_under: Mapping[str, tuple[str, ...]]  # by budget: those that are predicted (globs), where not all
    baseline: bool = False  # whether its own points make the static frontier


class _Card(Body):
    """card.yml as it is written."""

    method: str
    title: str
    summary: str | None = None
    paper: str | None = None
    baseline: bool = False
    settings: Annotated[dict[str, Any], OrEmpty]
    phases: dict[str, Annotated[Phase, OrEmpty]]
    datasets: Annotated[dict[str, Any], OrEmpty] = {}
    budgets: Annotated[dict[str, Any], OrEmpty] = {}
    contract: Names
    variants: dict[str, Annotated[dict[str, Any], OrEmpty]]
    points: dict[str, Annotated[dict[str, Any], OrEmpty]]


@lru_cache
def load_method(root: Path, name: str) -> Method:
    """The card of method `name`; raises SaccadeError where it's unknown or anything in it is."""
    file = card_file(root, "methods", name, "method")
    card = read_body(_Card, read_yaml(file), file)
    if card.method != name:
        raise SaccadeError(f"{file}: method is '{card.method}' but the folder is '{name}'; they must be equal")
    keys, defaults = settings_class(file.parent)
    sections = sections_of(file.parent)
    phases = {phase: _named(file, phase, body) for phase, body in card.phases.items()}
    layers: dict[str, Mapping[str, Any]] = {"settings": read_layer(file, "settings", card.settings, keys, phases)}
    points_under = {label: body.pop("points") for label, body in card.budgets.items() if body and "points" in body}
    for kind, bodies in (("datasets", card.datasets), ("budgets", card.budgets)):
        for label, body in bodies.items():
            layers[f"{kind}.{label}"] = read_layer(file, f"{kind}.{label}", body, keys, phases)
    check_complete(file, "settings", keys, defaults, layers["settings"])
    for phase in phases.values():
        _check_reads(file, phase, sections)
    variants = read_entries(file, "variants", card.variants, keys, phases)
    for variant in variants.values():
        _check_released(file, variant)
        _check_use(file, variant, phases)
    points = read_entries(file, "points", card.points, keys, phases)
    for point in points.values():
        for named in point.against if isinstance(point.against, Mapping) else ():
            if named not in variants:
                raise SaccadeError(
                    f"{file}: points.{point.name}.against: unknown variant '{named}'" + suggest(named, variants)
                )
    _check_same(file, "variants", variants)
    _check_same(file, "points", points)
    _check_contract(file, card.contract, variants)
    for budget, named in points_under.items():
        _check_points_under(file, budget, named, points)
    method = Method(
        name,
        file,
        card.title,
        card.summary or "",
        card.paper,
        keys,
        defaults,
        sections,
        layers,
        phases,
        variants,
        points,
        card.contract,
        {budget: tuple(named) for budget, named in points_under.items()},
        card.baseline,
    )
    check_stand_ins(method)
    return method


def _named(file: Path, name: str, phase: Phase) -> Phase:
    if name in RESERVED_PHASES or not name.isidentifier():
        raise SaccadeError(
            f"{file}: phases: '{name}' can't name a phase: it must be a function's name, and not "
            f"{', '.join(sorted(RESERVED_PHASES))}"
        )
    return phase.model_copy(update={"name": name})


def _check_contract(file: Path, named: Sequence[str], variants: Mapping[str, Entry]) -> None:
    if not named:
        raise SaccadeError(f"{file}: contract: name the variants that the contract tests build, run and train")
    for name in named:
        if name not in variants:
            raise SaccadeError(f"{file}: contract: unknown variant '{name}'" + suggest(name, variants))


def _check_points_under(file: Path, budget: str, named: Any, points: Mapping[str, Entry]) -> None:
    place = f"{file}: budgets.{budget}.points"
    for glob in check_value(list[str], named, place):
        if not any(fnmatchcase(name, glob) for name in points):
            raise SaccadeError(f"{place}: unknown point '{glob}'" + suggest(glob, points))


def _check_same(file: Path, kind: str, entries: Mapping[str, Entry]) -> None:
    for entry in entries.values():
        if entry.same_as is not None and entry.same_as not in entries:
            raise SaccadeError(
                f"{file}: {kind}.{entry.name}.same_as: unknown {kind[:-1]} '{entry.same_as}'"
                + suggest(entry.same_as, entries)
            )


def _check_use(file: Path, variant: Entry, phases: Mapping[str, Phase]) -> None:
    if variant.use == () and not variant.borrows:
        raise SaccadeError(
            f"{file}: variants.{variant.name}.use: it has no phase; name one, or in `borrows` those of others"
        )
    for phase in variant.use or ():
        if phase not in phases:
            raise SaccadeError(f"{file}: variants.{variant.name}.use: unknown phase '{phase}'" + suggest(phase, phases))
    if (IMPORT in (variant.use or ())) != (variant.released is not None):
        raise SaccadeError(
            f"{file}: variants.{variant.name}: `use: [{IMPORT}]` and `released: {{file, get}}` go together; one is "
            "missing"
        )


def _check_reads(file: Path, phase: Phase, sections: Mapping[str, Sequence[str]]) -> None:
    for name in phase.reads or ():
        if name not in sections:
            raise SaccadeError(
                f"{file}: phases.{phase.name}.reads: unknown section '{name}' of the settings" + suggest(name, sections)
            )


def _check_released(file: Path, variant: Entry) -> None:
    if (released := variant.released) is None:
        return
    place, folder = f"{file}: variants.{variant.name}.released", f"{file.parent.name}/"
    if released.num_classes is None and not variant.part:
        raise SaccadeError(
            f"{place}: 'num_classes' is missing: what the classifier tells apart; only a backbone, whose variant says "
            "`part: true`, has none"
        )
    named = released.class_names
    if isinstance(named, dict) and (unknown := [head for head in named if head not in released.heads]):
        raise SaccadeError(f"{place}.class_names: unknown head '{unknown[0]}'" + suggest(unknown[0], released.heads))
    if isinstance(named, str) and named and released.heads:
        raise SaccadeError(f"{place}.class_names: a file for each head of `num_classes` is needed, not one")
    names = list(named.values()) if isinstance(named, dict) else [named]
    for key, path, below in (
        ("file", released.file, folder + "released/"),
        *(("class_names", path, folder) for path in names),
    ):
        if Path(path).is_absolute() or ".." in Path(path).parts:
            raise SaccadeError(f"{place}.{key}: '{path}' must be a path below {below}")


def check_stand_ins(method: Method) -> None:
    """Raises SaccadeError where `stand_in` and `of` don't come together, or an `of` names what isn't there or is a
    stand-in itself."""
    for kind, entries in (("variants", method.variants), ("points", method.points)):
        for entry in entries.values():
            where = f"{method.file}: {kind}.{entry.name}"
            if bool(entry.of) != bool(entry.stand_in):
                missing = (
                    "of: [<what it stands for>]" if entry.stand_in else "stand_in: <oracle, random, fixed or static>"
                )
                raise SaccadeError(f"{where}: `stand_in` and `of` go together; it lacks {missing}")
            for text in entry.of:
                _check_reference(method, kind, entry, text, f"{where}.of")


def _check_reference(method: Method, kind: str, entry: Entry, text: str, where: str) -> None:
    named = parse_address(text, OF_POINT if kind == "points" else OF_VARIANT, where=f"{where}: ")
    variant, point = named.variant, named.point
    for name, what, known in ((variant, "variant", method.variants), (point, "point", method.points)):
        if name and name not in known:
            raise SaccadeError(f"{where}: unknown {what} '{name}'" + suggest(name, known))
        if name and known[name].stand_in:
            raise SaccadeError(
                f"{where}: the {what} '{name}' is a stand-in itself ({known[name].stand_in}); name what it stands for"
            )
    own = [entry.name] if kind == "variants" else [name for name in method.variants if offers(method, name, entry.name)]
    if point and own and not any(offers(method, variant or name, point) for name in own):
        raise SaccadeError(
            f"{where}: {variant or ', '.join(own)} has no point '{point}' (its `only` says "
            f"{', '.join(method.points[point].only or ())})"
        )


def offers(method: Method, variant: str, point: str) -> bool:
    """Whether the variant has the point: all do, but where its `only` says which."""
    entry = method.points[point]
    return entry.only is None or any(fnmatchcase(variant, pattern) for pattern in entry.only)
