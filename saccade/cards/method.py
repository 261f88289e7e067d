"""Reads the methods' cards, `methods/<m>/card.yml`, strictly.

Every mistake is a `SaccadeError` naming the file, the place, and what would be right. No torch, so a dry run stays
quick.
"""

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from saccade.cards.address import OF_POINT, OF_VARIANT, parse_address
from saccade.cards.yaml import (
    as_mapping,
    check_complete,
    check_value,
    read_gate,
    read_layer,
    read_yaml,
    refuse_unknown_keys,
)
from saccade.project import NAME, card_file, sections_of, settings_class
from saccade.records import SaccadeError, suggest

RESERVED_PHASES = {"metrics", "latency", "provenance", "plan", "cost"}
STAND_INS = ("oracle", "random", "fixed", "static")
REQUIREMENTS = ("truth",)
VARIANT_KEYS = ("title", "stand_in", "of", "same_as", "use", "part", "released")  # beside settings
POINT_KEYS = ("title", "stand_in", "of", "same_as", "requires", "only", "against", "mixes_videos")
# the phase that brings in published weights; no function's name, so the method's is `import_released`
IMPORT = "import"


@dataclass(frozen=True)
class Phase:
    """One training stage. `reads`: the sections of the settings that decide its weights (None: all); `trains`:
    state-dict globs; `drops`: globs over tensors of other runs' phases, needed here, that are left out (a classifier of
    other classes)."""

    name: str
    needs: tuple[str, ...] = ()
    trains: tuple[str, ...] = ("*",)
    reads: tuple[str, ...] | None = None
    gate: Mapping[str, Any] | None = None
    drops: tuple[str, ...] = ()


@dataclass(frozen=True)
class Released:
    """Published weights that the user brings. `file`: below methods/<m>/released/; `drops`: globs over published names
    left out."""

    file: str
    get: str
    sha256: str = ""
    drops: tuple[str, ...] = ()


@dataclass(frozen=True)
class Entry:
    """A variant or an operating point: its settings, and what the report should know of it."""

    name: str
    family: str  # its name in the card, before a grid is filled in: `prefix{first}`
    layer: Mapping[str, Any]
    title: str = ""
    stand_in: str | None = None
    of: tuple[str, ...] = ()  # what a stand-in stands for: see `stand_ins`
    requires: tuple[str, ...] = ()
    use: tuple[str, ...] | None = None  # a variant's phases, where not all (but `import`)
    part: bool = False  # a variant that only gives phases for others to need, and is never predicted itself
    released: Released | None = None  # where a variant's phase `import` finds its file
    only: tuple[str, ...] | None = None  # a point's variants (globs), where not all
    # a point's static counterpart, or one per variant that has one: see `against`
    against: str | Mapping[str, str] | None = None
    # the variant or point whose answers it must give: the same choices computed otherwise, or none made
    same_as: str | None = None
    mixes_videos: bool = False  # a point whose answers depend on the rest of the batch, as some published code's do


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
    baseline: bool = False  # whether its own points make the static frontier


@lru_cache
def load_method(root: Path, name: str) -> Method:
    """The card of method `name`; raises SaccadeError where it's unknown or anything in it is."""
    file = card_file(root, "methods", name, "method")
    card = as_mapping(file, "", read_yaml(file))
    top = [
        "method",
        "title",
        "summary",
        "paper",
        "baseline",
        "settings",
        "phases",
        "datasets",
        "budgets",
        "contract",
        "variants",
        "points",
    ]
    needed = ["method", "title", "settings", "phases", "contract", "variants", "points"]
    refuse_unknown_keys(file, "", card, top, required=needed)
    if card["method"] != name:
        raise SaccadeError(f"{file}: method is '{card['method']}' but the folder is '{name}'; they must be equal")
    keys, defaults = settings_class(file.parent)
    sections = sections_of(file.parent)
    phases = {
        phase: _phase(file, phase, body or {}, keys)
        for phase, body in as_mapping(file, "phases", card["phases"]).items()
    }
    layers: dict[str, Mapping[str, Any]] = {"settings": read_layer(file, "settings", card["settings"], keys, phases)}
    for kind in ("datasets", "budgets"):
        for label, body in as_mapping(file, kind, card.get(kind) or {}).items():
            layers[f"{kind}.{label}"] = read_layer(file, f"{kind}.{label}", body or {}, keys, phases)
    check_complete(file, "settings", keys, defaults, layers["settings"])
    for phase in phases.values():
        _check_reads(file, phase, sections)
    variants = _entries(file, "variants", card["variants"], keys, phases, VARIANT_KEYS)
    for variant in variants.values():
        _check_use(file, variant, phases)
    points = _entries(file, "points", card["points"], keys, phases, POINT_KEYS)
    for point in points.values():
        for named in point.against if isinstance(point.against, Mapping) else ():
            if named not in variants:
                raise SaccadeError(
                    f"{file}: points.{point.name}.against: unknown variant '{named}'" + suggest(named, variants)
                )
    _check_same(file, "variants", variants)
    _check_same(file, "points", points)
    contract = _contract(file, card["contract"], variants)
    baseline = check_value(bool, card.get("baseline", False), f"{file}: baseline")
    title, summary, paper = str(card["title"]), str(card.get("summary") or ""), card.get("paper")
    method = Method(
        name,
        file,
        title,
        summary,
        paper,
        keys,
        defaults,
        sections,
        layers,
        phases,
        variants,
        points,
        contract,
        baseline,
    )
    check_stand_ins(method)
    return method


def _phase(file: Path, name: str, body: Any, keys: Mapping[str, Any]) -> Phase:
    if name in RESERVED_PHASES or not name.isidentifier():
        raise SaccadeError(
            f"{file}: phases: '{name}' can't name a phase: it must be a function's name, and not "
            f"{', '.join(sorted(RESERVED_PHASES))}"
        )
    body = as_mapping(file, f"phases.{name}", body)
    refuse_unknown_keys(file, f"phases.{name}", body, ["needs", "trains", "reads", "gate", "drops"])
    lists = {
        key: tuple(check_value(list[str], body[key], f"{file}: phases.{name}.{key}"))
        for key in ("needs", "trains", "reads", "drops")
        if key in body
    }
    return Phase(name=name, gate=read_gate(file, f"phases.{name}.gate", body.get("gate")), **lists)


def _contract(file: Path, body: Any, variants: Mapping[str, Entry]) -> tuple[str, ...]:
    named = tuple(check_value(list[str], body, f"{file}: contract"))
    if not named:
        raise SaccadeError(f"{file}: contract: name the variants that the contract tests build, run and train")
    for name in named:
        if name not in variants:
            raise SaccadeError(f"{file}: contract: unknown variant '{name}'" + suggest(name, variants))
    return named


def _check_same(file: Path, kind: str, entries: Mapping[str, Entry]) -> None:
    for entry in entries.values():
        if entry.same_as is not None and entry.same_as not in entries:
            raise SaccadeError(
                f"{file}: {kind}.{entry.name}.same_as: unknown {kind[:-1]} '{entry.same_as}'"
                + suggest(entry.same_as, entries)
            )


def _check_use(file: Path, variant: Entry, phases: Mapping[str, Phase]) -> None:
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


def _entries(
    file: Path, kind: str, body: Any, keys: Mapping[str, Any], phases: Mapping[str, Phase], extra: Sequence[str]
) -> dict[str, Entry]:
    """The variants or points, `grid` ones expanded: {name: "s{k}", grid: {k: [1, 2]}} gives s1 and s2."""
    entries: dict[str, Entry] = {}
    for pattern, value in as_mapping(file, kind, body).items():
        place = f"{kind}.{pattern}"
        value = as_mapping(file, place, value or {})
        grid = as_mapping(file, f"{place}.grid", value.pop("grid", {}))
        if set(re.findall(r"{(\w+)}", pattern)) != set(grid):
            raise SaccadeError(
                f"{file}: {place}: the name must hold one {{key}} for each key of its grid "
                f"({', '.join(grid) or 'none given'})"
            )
        for combination in itertools.product(
            *(check_value(list[Any], grid[key], f"{file}: {place}.grid.{key}") for key in grid)
        ):
            chosen = dict(zip(grid, combination, strict=True))
            name = _filled(file, place, pattern, chosen)
            entry = _entry(file, place, pattern, name, value | chosen, keys, phases, extra)
            if entry.name in entries:
                raise SaccadeError(f"{file}: {place}: '{entry.name}' is given twice")
            entries[entry.name] = entry
    if not entries:
        raise SaccadeError(f"{file}: {kind}: at least one is needed")
    return entries


def _filled(file: Path, place: str, pattern: str, values: Mapping[str, Any]) -> str:
    try:
        return pattern.format(**values)
    except (KeyError, IndexError, ValueError) as error:
        raise SaccadeError(
            f"{file}: {place}: '{pattern}' can't be filled in ({error}); between braces stand keys of the entry"
        ) from None


def _entry(
    file: Path,
    place: str,
    family: str,
    name: str,
    body: dict[str, Any],
    keys: Mapping[str, Any],
    phases: Mapping[str, Phase],
    extra: Sequence[str],
) -> Entry:
    if not NAME.fullmatch(name):
        raise SaccadeError(f"{file}: {place}: '{name}' must be lower-case letters, digits, '-', '_' or '.'")
    layer = {key: value for key, value in body.items() if key not in extra}
    try:
        layer = read_layer(file, place, layer, keys, phases)
    except SaccadeError as error:
        raise SaccadeError(f"{error}; beside settings it may hold {', '.join(extra)}, grid") from None
    stand_in = check_value(Literal[*STAND_INS] | None, body.get("stand_in"), f"{file}: {place}.stand_in")
    lists: dict[str, Any] = {}
    of = check_value(list[str], body.get("of") or [], f"{file}: {place}.of")
    lists["of"] = tuple(_filled(file, f"{place}.of", text, body) for text in of)
    for key, kind in (("requires", list[Literal[*REQUIREMENTS]]), ("use", list[str]), ("only", list[str])):  # type: ignore[valid-type]
        if key in body:
            lists[key] = tuple(check_value(kind, body[key], f"{file}: {place}.{key}"))
    if "released" in body:
        lists["released"] = _released(file, f"{place}.released", body["released"], body)
    lists["same_as"] = check_value(str | None, body.get("same_as"), f"{file}: {place}.same_as")
    lists["mixes_videos"] = check_value(bool, body.get("mixes_videos", False), f"{file}: {place}.mixes_videos")
    part = check_value(bool, body.get("part", False), f"{file}: {place}.part")
    against = _against(file, f"{place}.against", body.get("against"), body)
    # a grid's variants may each need another one: {k} becomes its value
    for phase, inner in layer.get("phases", {}).items():
        if "needs" in inner:
            inner["needs"] = [_filled(file, f"{place}.phases.{phase}.needs", need, body) for need in inner["needs"]]
    title = _filled(file, f"{place}.title", str(body.get("title", "")), body) or name
    return Entry(
        name=name, family=family, layer=layer, title=title, stand_in=stand_in, part=part, against=against, **lists
    )


def _against(file: Path, place: str, said: Any, body: Mapping[str, Any]) -> str | dict[str, str] | None:
    if isinstance(said, dict):
        return {
            name: _filled(file, place, check_value(str, text, f"{file}: {place}.{name}"), body)
            for name, text in said.items()
        }
    text = check_value(str | None, said, f"{file}: {place}")
    return text and _filled(file, place, text, body)


def _released(file: Path, place: str, body: Any, entry: Mapping[str, Any]) -> Released:
    body = as_mapping(file, place, body)
    refuse_unknown_keys(file, place, body, ["file", "get", "sha256", "drops"], required=["file", "get"])
    texts = {
        key: check_value(str, body[key], f"{file}: {place}.{key}") for key in ("file", "get", "sha256") if key in body
    }
    texts |= {key: _filled(file, f"{place}.{key}", texts[key], entry) for key in ("file", "get")}
    if Path(texts["file"]).is_absolute() or ".." in Path(texts["file"]).parts:
        raise SaccadeError(f"{file}: {place}.file: '{texts['file']}' must be a path below {file.parent.name}/released/")
    return Released(drops=tuple(check_value(list[str], body.get("drops") or [], f"{file}: {place}.drops")), **texts)


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
