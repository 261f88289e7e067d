"""Which operating points a stand-in (oracle, random, fixed, equal-cost static) stands beside, as the card's `of` says.

A cell is a variant and one of its points. A point's `of` names `[<variant>/]<point>`, without a variant one of its own variant: the
same weights, another choice. A variant's `of` names `<variant>` or `<variant>/<point>`: weights trained for that choice.
"""

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from saccade.records import SaccadeError
from saccade.strict import suggest

if TYPE_CHECKING:
    from saccade.cards import Entry, Method

Cell = tuple[str, str]  # variant, point


def role(method: "Method", variant: str, point: str) -> str | None:
    """What the cell stands in as; None for one of the method's own."""
    return method.points[point].stand_in or method.variants[variant].stand_in


def stands_for(method: "Method", variant: str, point: str) -> list[Cell]:
    """The method's own cells that this one stands beside; none where it is one itself.

    A stand-in variant's point stands beside the point of its own name; where the variant has none of that name, each of its
    points stands beside.
    """
    entry = method.points[point]
    if entry.stand_in:
        found = [_split(text, variant) for text in entry.of]
    else:
        found = [cell for text in method.variants[variant].of for cell in _beside(method, variant, point, text)]
    return [cell for cell in dict.fromkeys(found) if _exists(method, *cell) and role(method, *cell) is None]


def check_stand_ins(method: "Method") -> None:
    """Raises SaccadeError where `stand_in` and `of` don't come together, or an `of` names what isn't there or is a stand-in itself."""
    for kind, entries in (("variants", method.variants), ("points", method.points)):
        for entry in entries.values():
            where = f"{method.file}: {kind}.{entry.name}"
            if bool(entry.of) != bool(entry.stand_in):
                missing = "of: [<what it stands for>]" if entry.stand_in else "stand_in: <oracle, random, fixed or static>"
                raise SaccadeError(f"{where}: `stand_in` and `of` go together; it lacks {missing}")
            for text in entry.of:
                _check_reference(method, kind, entry, text, f"{where}.of")


def _check_reference(method: "Method", kind: str, entry: "Entry", text: str, where: str) -> None:
    parts = text.split("/")
    if len(parts) > 2 or not all(parts):
        shape = "[<variant>/]<point>" if kind == "points" else "<variant>[/<point>]"
        raise SaccadeError(f"{where}: '{text}' is not {shape}")
    variant = parts[0] if kind == "variants" or len(parts) == 2 else ""
    point = parts[-1] if kind == "points" or len(parts) == 2 else ""
    for name, what, known in ((variant, "variant", method.variants), (point, "point", method.points)):
        if name and name not in known:
            raise SaccadeError(f"{where}: unknown {what} '{name}'" + suggest(name, known))
        if name and known[name].stand_in:
            raise SaccadeError(f"{where}: the {what} '{name}' is a stand-in itself ({known[name].stand_in}); name what it stands for")
    own = [entry.name] if kind == "variants" else [name for name in method.variants if _exists(method, name, entry.name)]
    if point and own and not any(_exists(method, variant or name, point) for name in own):
        raise SaccadeError(
            f"{where}: {variant or ', '.join(own)} has no point '{point}' (its `only` says {', '.join(method.points[point].only or ())})"
        )


def _beside(method: "Method", variant: str, point: str, text: str) -> list[Cell]:
    """The cells among those that a stand-in variant's `of` names which its point stands beside."""
    other, _, named = text.partition("/")
    targets = [named] if named else [name for name in method.points if _exists(method, other, name)]
    return [(other, name) for name in targets if name == point or not _exists(method, variant, name)]


def _split(text: str, variant: str) -> Cell:
    other, _, point = text.rpartition("/")
    return other or variant, point


def _exists(method: "Method", variant: str, point: str) -> bool:
    entry = method.points[point]
    return entry.only is None or any(fnmatchcase(variant, pattern) for pattern in entry.only)
