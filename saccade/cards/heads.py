"""The heads of a dataset's card. Their classes are what it lists, a text file beside it, or what lies in raw/; some
editions may have others. No torch."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from saccade.cards.validation import Body, OrEmpty, check_value
from saccade.class_lists import read_names
from saccade.files import need_utf8
from saccade.records import Head, SaccadeError, suggest

FROM_RAW = "from-raw"  # in place of classes: they are what lies in raw/; the dataset's listing.py tells them

ClassLists = Mapping[str, Sequence[str]]  # head -> its classes


class HeadBody(Body):
    """A head as the card has it. `classes`: their names, the name of a file beside the card, or FROM_RAW; `editions`:
    names or a file for each edition whose classes are others."""

    kind: Literal["single", "multi"]
    classes: Any
    editions: Annotated[dict[str, Any], OrEmpty] = {}


def read_heads(
    card: Path, bodies: Mapping[str, HeadBody], editions: Collection[str], found: ClassLists
) -> dict[str, dict[str, Head]]:
    """{edition: {head: it}} for the card's editions and for '', none of them. `found` are the classes that raw/ tells,
    empty where nothing lies there yet."""
    for name, body in bodies.items():
        for edition in body.editions:
            if edition not in editions:
                raise SaccadeError(
                    f"{card}: heads.{name}.editions: unknown edition '{edition}'" + suggest(edition, editions)
                )
    usual = {name: Head(name, body.kind, _classes(card, name, body, found)) for name, body in bodies.items()}
    return {edition: usual | _others(card, bodies, edition) for edition in ("", *editions)}


def _others(card: Path, bodies: Mapping[str, HeadBody], edition: str) -> dict[str, Head]:
    """The heads whose classes are others in that edition."""
    return {
        name: Head(name, body.kind, _stated(card, f"heads.{name}.editions.{edition}", body.editions[edition]))
        for name, body in bodies.items()
        if edition in body.editions
    }


def _classes(card: Path, name: str, body: HeadBody, found: ClassLists) -> tuple[str, ...]:
    if body.classes != FROM_RAW:
        return _stated(card, f"heads.{name}.classes", body.classes)
    listing = card.parent / "listing.py"
    if body.editions:
        raise SaccadeError(f"{card}: heads.{name}: {listing} tells its classes, the same for every edition")
    if found and name not in found:
        raise SaccadeError(f"{card}: heads.{name}: {listing} tells the classes of {', '.join(found)} only")
    return tuple(found.get(name, ()))


def _stated(card: Path, place: str, value: Any) -> tuple[str, ...]:
    """The classes that a list names, or a file. Raises SaccadeError where they aren't two or more different ones."""
    if isinstance(value, str):
        names, where = _from_file(card, place, value), f"{card}: {place}: {value}"
    else:
        names, where = tuple(check_value(list[str], value, f"{card}: {place}")), f"{card}: {place}"
    if len(names) < 2 or len(set(names)) != len(names) or not all(names):
        raise SaccadeError(
            f"{where}: two or more different names are needed; there are {len(names)}, of which "
            f"{len(set(names) - {''})} differ"
        )
    return names


def _from_file(card: Path, place: str, value: str) -> tuple[str, ...]:
    file = need_utf8(card.parent / value)
    if Path(value).name != value or not file.is_file():
        raise SaccadeError(
            f"{card}: {place}: there is no file '{value}' beside the card; write the classes as a list, or name a text "
            f"file that has one a line ({FROM_RAW}: what lies in raw/)"
        )
    return read_names(file)
