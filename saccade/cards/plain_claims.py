"""The plain claims of a paper.yml: comparisons of rows in a closed handful of words, read strictly. No torch.

    better   a row is better than each of others: by some, or by no more than some
    as_good  a row is as good as each of others, within a margin
    cheaper  a row costs less than each of others, or at most a share of what they cost
    rising   each row has more than the one before it

What they mean on the printed numbers and on ours is in `saccade/judging/plain_claims.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from pydantic import create_model

from saccade.cards.validation import Body, check_value, read_body
from saccade.records import SaccadeError, suggest

# word -> what it must have and what it may have
WORDS = {
    "better": (["than", "in"], ["for", "by", "at_most"]),
    "as_good": (["than", "in", "within"], ["for"]),
    "cheaper": (["than", "in"], ["for", "share"]),
    "rising": (["in"], []),
}
COMPARED = {  # word of a plain claim -> how the metrics of its columns end, and what they are
    "better": ((".top1", ".top5", ".map"), "accuracies (top1, top5, map)"),
    "as_good": ((".top1", ".top5", ".map"), "accuracies (top1, top5, map)"),
    "cheaper": (("gmacs.mean",), "costs (gmacs.mean)"),
    "rising": ((".top1", ".top5", ".map", "gmacs.mean"), "accuracies and costs (top1, top5, map, gmacs.mean)"),
}
BOUNDS = ("by", "at_most", "within", "share")
HOLE = "{}"


LINES = {
    word: create_model(
        word,
        __base__=Body,
        **dict.fromkeys([word, *required], (Any, ...)),  # type: ignore[call-overload]
        **dict.fromkeys(optional, (Any, None)),
    )
    for word, (required, optional) in WORDS.items()
}

PrintedCell = tuple[str, str, str]


@dataclass(frozen=True)
class Bound:
    """A margin for the printed numbers, in their unit or as the (table, row, column) that prints it, and one for ours,
    a fraction; None: not said."""

    printed: float | PrintedCell | None = None
    ours: float | None = None


class _Bound(Body):
    """A bound as it is written."""

    printed: float | list[str] | None = None
    ours: float | None = None


@dataclass(frozen=True)
class Comparison:
    """One line of a plain claim: a word, and the rows and columns it is about.

    rows: those that are better, as good or cheaper, or in rising order; than: those each of them is held against.
    """

    word: str
    rows: tuple[str, ...]
    than: tuple[str, ...]
    columns: tuple[str, ...]
    by: Bound = Bound()
    at_most: Bound = Bound()
    within: Bound = Bound()
    share: Bound = Bound()


def read_comparisons(file: object, place: str, value: Any) -> tuple[Comparison, ...]:
    """The comparisons of one claim; a line with `for` is one for each of its names, which fill the holes `{}` of its
    rows."""
    lines = check_value(list[Any], value, f"{file}: {place}")
    if not lines:
        raise SaccadeError(f"{file}: {place}: no comparison; leave the key out for a claim of claims.py")
    found = [one for number, line in enumerate(lines) for one in _comparisons(file, f"{place}[{number}]", line)]
    return tuple(found)


def check_bounds(test: Comparison, sides: Sequence[str]) -> None:
    """Raises SaccadeError where a bound speaks of a side (printed, ours) on which the claim isn't judged, or `as_good`
    has no margin for one on which it is."""
    for key in BOUNDS:
        for side in ("printed", "ours"):
            number = getattr(getattr(test, key), side)
            if number is not None and side not in sides:
                why = "nothing is printed of our own systems" if side == "printed" else "cited numbers are not ours"
                raise SaccadeError(f"'{test.word}': {key}.{side} decides nothing: {why}")
            if key == "within" and test.word == "as_good" and number is None and side in sides:
                raise SaccadeError(f"'as_good' needs a margin: within: {{{side}: ...}}")


def _comparisons(file: object, place: str, value: Any) -> list[Comparison]:
    where = f"{file}: {place}"
    body = check_value(dict[str, Any], value, where)
    words = [key for key in body if key in WORDS]
    if not words:
        unknown = next(iter(body), "")
        raise SaccadeError(f"{where}: '{unknown}' is none of the words of plain claims" + suggest(unknown, list(WORDS)))
    word = words[0]
    read_body(LINES[word], body, file, place)
    bounds = {key: _bound(file, f"{place}.{key}", key, body[key]) for key in BOUNDS if key in body}
    rows, than, columns = (_names(body[key], f"{where}.{key}") if key in body else () for key in (word, "than", "in"))
    if word == "rising" and len(rows) < 2:
        raise SaccadeError(f"{where}.rising: one row can't rise; name two or more, the least first")
    if "for" not in body:
        return [Comparison(word, rows, than, columns, **bounds)]
    if not all(HOLE in name for name in (*rows, *than)):
        raise SaccadeError(f"{where}: with `for` every row has a hole {HOLE} that its names fill")
    return [
        Comparison(word, _filled(rows, name), _filled(than, name), columns, **bounds)
        for name in _names(body["for"], f"{where}.for")
    ]


def _filled(rows: tuple[str, ...], name: str) -> tuple[str, ...]:
    return tuple(row.replace(HOLE, name) for row in rows)


def _bound(file: object, place: str, key: str, value: Any) -> Bound:
    """`{printed: ..., ours: ...}`, where `printed` may be the [table, row, column] of a printed number; a share may be
    one number for both, since it has no unit."""
    if key == "share" and not isinstance(value, Mapping):
        share = check_value(float, value, f"{file}: {place}")
        return Bound(share, share)
    said = read_body(_Bound, value, file, place)
    if not said.model_fields_set:
        raise SaccadeError(f"{file}: {place}: say `printed`, in print's unit, or `ours`, a fraction, or both")
    printed, ours = said.printed, said.ours
    if isinstance(printed, list) and len(printed) != 3:
        raise SaccadeError(f"{file}: {place}.printed: a printed number is [table, row, column], not {printed}")
    return Bound(cast(PrintedCell, tuple(printed)) if isinstance(printed, list) else printed, ours)


def _names(value: Any, where: str) -> tuple[str, ...]:
    """One name or several; a whole number (a row 16) needs no quotes."""
    found = check_value(str | int | list[str | int], value, where)
    return tuple(map(str, found)) if isinstance(found, list) else (str(found),)
