"""Which videos of a dataset are in a subset."""

from collections import Counter

import pandas as pd
import pytest

from saccade.records import Head, SaccadeError
from saccade.subsets import Subset
from saccade.video.subset import Whole, taken

CLASSES = ("a", "b", "c", "d", "e")
SPLIT_SIZES = {"train": 60, "val": 20, "test": 10}


def heads(kind: str) -> dict[str, Head]:
    return {"activity": Head("activity", kind, CLASSES), "place": Head("place", "single", ("in", "out"))}


def table(kind: str) -> pd.DataFrame:
    """Of a, 32 videos, of the others fewer and fewer; with several labels the next class is there, too, and of every
    seventh video none."""
    rows = []
    for split, size in SPLIT_SIZES.items():
        for number in range(size):
            first = [0, 0, 1, 0, 1, 2, 0, 1, 3, 4][number % 10]
            several = [] if number % 7 == 3 else [first, (first + 1) % 5]
            rows.append((f"{split} {number}", split, first if kind == "single" else several, number % 2))
    return pd.DataFrame(rows, columns=["video_id", "split", "activity", "place"])


def cut(kind: str, classes: int | None = None, videos: int | None = None, rows=None) -> tuple[pd.DataFrame, Head]:
    whole, rows = heads(kind), table(kind) if rows is None else rows
    kept = Subset(classes, videos).heads("dots", whole)
    return taken(rows, Whole(whole, videos), kept, "dots"), kept["activity"]


def named(found: pd.DataFrame, head: Head) -> dict[str, list[str]]:
    """{video: the names of its classes}."""
    labels = found["activity"].map(lambda value: value if isinstance(value, list) else [value])
    return {video: [head.classes[one] for one in own] for video, own in zip(found["video_id"], labels, strict=True)}


@pytest.mark.parametrize("kind", ["single", "multi"])
def test_every_video_of_the_classes_is_kept_with_these_labels_alone(kind):
    found, head = cut(kind, classes=3)
    everything, all_classes = named(table(kind), heads(kind)["activity"]), set(head.classes)
    expected = {video: [name for name in own if name in all_classes] for video, own in everything.items()}
    assert named(found, head) == {video: own for video, own in expected.items() if own}
    assert found["place"].tolist() == table(kind).set_index("video_id").loc[found["video_id"], "place"].tolist()


def test_each_class_has_as_many_videos_in_each_split_where_there_are_so_many():
    found, _ = cut("single", videos=4)
    there, kept = (Counter(zip(rows["split"], rows["activity"], strict=True)) for rows in (table("single"), found))
    assert kept == {pair: min(count, 4) for pair, count in there.items()}


def test_with_several_labels_each_class_has_at_least_as_many_and_nobody_is_kept_for_nothing():
    found, head = cut("multi", videos=3)
    there, kept = (
        Counter((row.split, label) for row in rows.itertuples() for label in row.activity)
        for rows in (table("multi"), found)
    )
    assert all(kept[pair] >= min(count, 3) for pair, count in there.items())
    assert 0 < len(found) <= 3 * len(there) < len(table("multi"))


@pytest.mark.parametrize("kind", ["single", "multi"])
def test_videos_are_nested_and_the_order_in_which_they_are_listed_decides_nothing(kind):
    found = {most: set(cut(kind, classes=4, videos=most)[0]["video_id"]) for most in (1, 2, 5, 50)}
    assert found[1] < found[2] < found[5] < found[50] == set(cut(kind, classes=4)[0]["video_id"])
    assert set(cut(kind, classes=2, videos=2)[0]["video_id"]) < found[2]
    assert set(cut(kind, classes=4, videos=2, rows=table(kind)[::-1])[0]["video_id"]) == found[2]


def test_a_split_that_is_left_empty_is_told():
    rows = table("single")
    lost = rows[(rows["split"] != "val") | ~rows["activity"].isin([CLASSES.index(name) for name in two_classes()])]
    with pytest.raises(SaccadeError, match=r"data/dots: no video of val is of the subset's classes \(.+\); take more"):
        cut("single", classes=2, rows=lost)


def two_classes() -> tuple[str, ...]:
    return Subset(2, None).heads("dots", heads("single"))["activity"].classes
