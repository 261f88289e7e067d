"""What a card says of its variants and operating points: each is an entry. One with a `grid` stands for several, which
are filled in here."""

import itertools
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from saccade.cards.typed_settings import read_layer
from saccade.cards.validation import AsTuple, Body, Names, check_value, read_body
from saccade.project import NAME
from saccade.records import SaccadeError


def _form(value: Any) -> str:
    return "each" if isinstance(value, dict) else "one"


# one for the only head, or {head: one}; what is wrong is told of the form that is there
Classes = Annotated[int, Field(ge=2)]
NumClasses = Annotated[
    Annotated[Classes, Tag("one")] | Annotated[dict[str, Classes], Tag("each")], Discriminator(_form)
]
# in a phase's need these stand for what the run is of (`saccade.plan.phases`)
OF_THE_RUN = {name: "{" + name + "}" for name in ("dataset", "edition", "variant")}
FileNames = Annotated[Annotated[str, Tag("one")] | Annotated[dict[str, str], Tag("each")], Discriminator(_form)]


class Released(Body):
    """Published weights that the user brings. `file`: below methods/<m>/released/; `num_classes`: the outputs of their
    classifier, for each head where they have several, and nothing where they are a backbone alone; `class_names`: a
    text file below methods/<m>/, a name a line in the order of these outputs, or one for each head; `drops`: globs over
    published names left out."""

    file: str
    get: str
    num_classes: NumClasses | None = None
    class_names: FileNames = ""
    sha256: str = ""
    drops: Names = ()

    @property
    def heads(self) -> tuple[str, ...]:
        """The heads that the weights name themselves; none where their one classifier is whatever head a run has."""
        return tuple(self.num_classes) if isinstance(self.num_classes, dict) else ()

    def classes_of(self, head: str) -> int:
        """How many classes of the head they tell apart; the card was checked to say so."""
        found = self.num_classes[head] if isinstance(self.num_classes, dict) else self.num_classes
        assert found is not None, f"{self.file} is a backbone's"
        return found

    def names_of(self, head: str) -> str:
        """The file with the names of the head's classes, below methods/<m>/; '' where the card names none."""
        return self.class_names.get(head, "") if isinstance(self.class_names, dict) else self.class_names


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
    borrows: tuple[str, ...] = ()  # trained phases (as in `needs`) that a variant's finished model has beside its own
    part: bool = False  # a variant that only gives phases for others to need, and is never predicted itself
    released: Released | None = None  # where a variant's phase `import` finds its file
    only: tuple[str, ...] | None = None  # a point's variants (globs), where not all
    # a point's static counterpart, or one per variant that has one: see `against`
    against: str | Mapping[str, str] | None = None
    # the variant or point whose answers it must give: the same choices computed otherwise, or none made
    same_as: str | None = None
    mixes_videos: bool = False  # a point whose answers depend on the rest of the batch, as some published code's do


class _Entry(Body):
    """What a variant or a point says beside its settings."""

    title: str = ""
    stand_in: Literal["oracle", "random", "fixed", "static"] | None = None
    of: Names = ()
    same_as: str | None = None


class _Variant(_Entry):
    use: Names | None = None
    borrows: Names = ()
    part: bool = False
    released: Released | None = None


class _Point(_Entry):
    requires: Annotated[tuple[Literal["truth"], ...], AsTuple] = ()
    only: Names | None = None
    against: str | dict[str, str] | None = None
    mixes_videos: bool = False


BODIES: dict[str, type[_Entry]] = {"variants": _Variant, "points": _Point}


def read_entries(
    file: Path,
    kind: str,
    bodies: Mapping[str, dict[str, Any]],
    keys: Mapping[str, Any],
    phases: Collection[str],
) -> dict[str, Entry]:
    """The variants or points, `grid` ones expanded: {name: "s{k}", grid: {k: [1, 2]}} gives s1 and s2."""
    model = BODIES[kind]
    entries: dict[str, Entry] = {}
    for pattern, body in bodies.items():
        place = f"{kind}.{pattern}"
        grid = check_value(dict[str, list[Any]], body.get("grid", {}), f"{file}: {place}.grid")
        rest = {key: value for key, value in body.items() if key != "grid"}
        if set(re.findall(r"{(\w+)}", pattern)) != set(grid):
            raise SaccadeError(
                f"{file}: {place}: the name must hold one {{key}} for each key of its grid "
                f"({', '.join(grid) or 'none given'})"
            )
        for combination in itertools.product(*grid.values()):
            chosen = dict(zip(grid, combination, strict=True))
            name = _filled(file, place, pattern, chosen)
            entry = _entry(file, place, pattern, name, rest | chosen, keys, phases, model)
            if entry.name in entries:
                raise SaccadeError(f"{file}: {place}: '{entry.name}' is given twice")
            entries[entry.name] = entry
    if not entries:
        raise SaccadeError(f"{file}: {kind}: at least one is needed")
    return entries


def _filled(file: Path, place: str, value: Any, values: Mapping[str, Any]) -> Any:
    """The text, or every text in the list or mapping, with `{key}` replaced by the entry's value; others as they
    are, and what a run knows (`OF_THE_RUN`)."""
    if isinstance(value, dict):
        return {key: _filled(file, f"{place}.{key}", inner, values) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(file, place, inner, values) for inner in value]
    if not isinstance(value, str):
        return value
    try:
        return value.format(**{**OF_THE_RUN, **values})
    except (KeyError, IndexError, ValueError) as error:
        raise SaccadeError(
            f"{file}: {place}: '{value}' can't be filled in ({error}); between braces stand keys of the entry, "
            f"or {' and '.join(OF_THE_RUN)} in a need"
        ) from None


def _entry(
    file: Path,
    place: str,
    family: str,
    name: str,
    body: dict[str, Any],
    keys: Mapping[str, Any],
    phases: Collection[str],
    model: type[_Entry],
) -> Entry:
    if not NAME.fullmatch(name):
        raise SaccadeError(f"{file}: {place}: '{name}' must be lower-case letters, digits, '-', '_' or '.'")
    extra = model.model_fields
    try:
        layer = read_layer(file, place, {key: body[key] for key in body if key not in extra}, keys, phases)
    except SaccadeError as error:
        raise SaccadeError(f"{error}; beside settings it may hold {', '.join(extra)}, grid") from None
    texts = {key: _filled(file, f"{place}.{key}", body[key], body) for key in body if key in extra}
    said = read_body(model, texts, file, place)
    # a grid's variants may each need another one: {k} becomes its value
    for phase, inner in layer.get("phases", {}).items():
        if "needs" in inner:
            inner["needs"] = _filled(file, f"{place}.phases.{phase}.needs", inner["needs"], body)
    found = {key: getattr(said, key) for key in extra}
    return Entry(**found | {"name": name, "family": family, "layer": layer, "title": said.title or name})
