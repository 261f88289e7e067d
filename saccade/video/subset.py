"""The videos of a subset, out of all that a dataset lists. No torch."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from saccade.records import Head, SaccadeError, first_few
from saccade.subsets import drawn

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Whole:
    """What a subset is taken from. `heads`: with all their classes; `videos`: at most how many of a class are taken in
    each split, None for all."""

    heads: Mapping[str, Head]
    videos: int | None


def taken(videos: "pd.DataFrame", whole: Whole, heads: Mapping[str, Head], dataset: str) -> "pd.DataFrame":
    """The rows that a subset keeps, in their order, the first head's labels numbered as in `heads`.

    Labels of other classes are left out, and videos without any label that is left. Of each class and split the first
    `whole.videos` in the order drawn are kept; with several labels, a video that is among the first of one of them.
    Raises SaccadeError where a split that had videos has none left.
    """
    name = next(iter(heads))
    number_of = {whole.heads[name].classes.index(kept): number for number, kept in enumerate(heads[name].classes)}
    given = videos[name] if heads[name].kind == "multi" else ([value] for value in videos[name])
    labels = [[number_of[one] for one in own if one in number_of] for own in given]
    kept = _kept(videos, labels, whole.videos, dataset)
    found = videos.assign(**{name: _like(heads[name], labels)})[kept]
    for split in dict.fromkeys(videos["split"]):
        if not (found["split"] == split).any():
            raise SaccadeError(
                f"data/{dataset}: no video of {split} is of the subset's classes ({first_few(heads[name].classes)}); "
                "take more classes"
            )
    return found


def _kept(videos: "pd.DataFrame", labels: list[list[int]], most: int | None, dataset: str) -> list[bool]:
    if most is None:
        return [bool(own) for own in labels]
    rows = {
        video: (split, own)
        for video, split, own in zip(videos["video_id"], videos["split"], labels, strict=True)
        if own
    }
    seen: Counter[tuple[str, int]] = Counter()
    chosen = set()
    for video in drawn(dataset, rows):
        split, own = rows[video]
        if any(seen[split, label] < most for label in own):
            chosen.add(video)
        seen.update((split, label) for label in own)
    return [video in chosen for video in videos["video_id"]]


def _like(head: Head, labels: list[list[int]]) -> list[Any]:
    """One class each where the head has one; what has none left isn't kept."""
    return labels if head.kind == "multi" else [own[0] if own else 0 for own in labels]
