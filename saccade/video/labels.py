"""Labels of a dataset's own table: names of classes become their numbers. No torch."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from saccade.class_lists import how_they_differ
from saccade.records import Head, SaccadeError, suggest

if TYPE_CHECKING:
    import pandas as pd

PUBLISHED = "classes"  # in the table's attrs: {head: its classes in the published list's order}, where there is one


def numbered(videos: "pd.DataFrame", heads: Sequence[Head], source: object) -> "pd.DataFrame":
    """The table with class numbers where it has class names (single heads) or lists of them (multi).

    Raises SaccadeError for a name that is none of its head's classes, and where the published list of classes isn't the
    card's, in its order: labels would then mean something else than published weights take them for.
    """
    for head, found in videos.attrs.get(PUBLISHED, {}).items():
        wanted = next((each.classes for each in heads if each.name == head), ())
        _need_same(found, wanted, f"{source}: {head}")
    for head in heads:
        if head.name in videos and _named(videos[head.name], head):
            numbers = {name: number for number, name in enumerate(head.classes)}
            rows = zip(videos["video_id"], videos[head.name], strict=True)
            found = [_number(value, numbers, f"{source}: video {video}: {head.name}") for video, value in rows]
            videos = videos.assign(**{head.name: found})
    return videos


def _named(column: "pd.Series[Any]", head: Head) -> bool:
    values = column if head.kind == "single" else (label for labels in column for label in labels)
    return isinstance(next(iter(values), None), str)


def _number(value: Any, numbers: Mapping[str, int], where: str) -> Any:
    if not isinstance(value, str):
        return [_number(one, numbers, where) for one in value]
    if value not in numbers:
        hint = suggest(value, numbers) if len(numbers) <= 20 else f"; the card names {len(numbers)} others"
        raise SaccadeError(f"{where}: unknown class '{value}'{hint}")
    return numbers[value]


def _need_same(found: Sequence[str], wanted: Sequence[str], where: str) -> None:
    if list(found) == list(wanted):
        return
    differ = how_they_differ("the published list", found, "the card", wanted) or "some are spelled otherwise"
    raise SaccadeError(f"{where}: the classes aren't the card's, in its order: {differ}")
