"""What a dataset has left once its videos are probed: classes that nobody can learn or be tested on, files that are
copies. No torch."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from saccade import reencoding
from saccade.files import equal_files
from saccade.records import KINDS, PECULIARITIES, SPLITS, Head, first_few, peculiar_words
from saccade.video.index import labels_of
from saccade.video.probe import VideoInfo

if TYPE_CHECKING:
    import pandas as pd

MOST_COMPARED = 20_000
Lost = dict[str, dict[str, list[str]]]  # {head: {split: classes}}


def counted(videos: "pd.DataFrame", kinds: Sequence[str], heads: Sequence[Head]) -> dict[str, Any]:
    """by_kind: of each split, by_class: of each class of each head and split, how many videos were `expected`, how many
    are `present`, and where any can't be used how many of each kind. `kinds`: of each video why it can't be, or ''."""
    import pandas as pd

    table = pd.DataFrame({"split": videos["split"].tolist(), "kind": list(kinds)})
    by_class = {}
    for head in heads:
        rows, labels = labels_of(videos[head.name])
        found: Any = table.iloc[rows].assign(label=labels).groupby("label", sort=True)
        by_class[head.name] = {head.classes[int(label)]: _by_split(own) for label, own in found}
    return {"by_kind": _by_split(table), "by_class": by_class}


def _by_split(table: "pd.DataFrame") -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    pairs: Any = table.value_counts(["split", "kind"], sort=False).items()
    for (split, kind), videos in pairs:
        counts = found.setdefault(str(split), {"expected": 0, "present": 0})
        counts["expected"] += int(videos)
        counts[kind or "present"] = int(videos)
    return found


def table_of(by_kind: Mapping[str, Mapping[str, int]]) -> str:
    """`counted`'s by_kind as lines to print."""
    columns = ["expected", "present", *KINDS]
    lines = [["", *columns]]
    lines += [[split, *(str(by_kind[split].get(name, 0)) for name in columns)] for split in SPLITS if split in by_kind]
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            [line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True))]
        )
        for line in lines
    )


def lost_classes(videos: "pd.DataFrame", index: "pd.DataFrame", heads: Sequence[Head]) -> Lost:
    """The classes of which a split should have videos (`videos`) and has none that can be used (`index`)."""
    found: Lost = {}
    for head in heads:
        lost = _present(videos, head.name) - _present(index, head.name)
        for split in SPLITS:
            if classes := [name for number, name in enumerate(head.classes) if (split, number) in lost]:
                found.setdefault(head.name, {})[split] = classes
    return found


def untrained_classes(index: "pd.DataFrame", heads: Sequence[Head]) -> dict[str, list[str]]:
    """{head: the classes without a video to train on}; heads that have none are left out. Nothing where no video is
    to be trained on at all."""
    if not (index["split"] == "train").any():
        return {}
    trained = {head.name: _present(index, head.name) for head in heads}
    found = {
        head.name: [name for number, name in enumerate(head.classes) if ("train", number) not in trained[head.name]]
        for head in heads
    }
    return {head: classes for head, classes in found.items() if classes}


def copies(index: "pd.DataFrame", root: Path, clusters_apart: bool) -> list[list[str]]:
    """Groups of video ids whose files hold the same bytes. Of more than MOST_COMPARED videos they are looked for only
    where they would be refused, in a dataset whose clusters must be apart: it takes a look into each file that has the
    size of another."""
    if len(index) > MOST_COMPARED and not clusters_apart:
        return []
    ids = {root / path: video for video, path in zip(index["video_id"], index["path"], strict=True)}
    return sorted(sorted(ids[file] for file in group) for group in equal_files(ids))


def peculiar(info: VideoInfo) -> list[str]:
    """Which of `records.PECULIARITIES` hold of a video."""
    holds = {
        "variable_rate": not info.steady,
        "rotated": info.rotation or info.mirrored,
        "pixels_not_square": info.pixel_aspect != 1,
        "interlaced": info.interlaced,
        "several_video_tracks": info.video_tracks > 1,
    }
    return [name for name in PECULIARITIES if holds[name]]


def peculiarities(held: Mapping[str, Collection[str]]) -> dict[str, dict[str, Any]]:
    """{name: how many videos it holds of, and the ids of the first few}, from {video: the names that hold}."""
    found = {name: [video for video, names in held.items() if name in names] for name in PECULIARITIES}
    return {name: {"videos": len(videos), "first": videos[:5]} for name, videos in found.items() if videos}


def beside_published(videos: "pd.DataFrame", counts: Mapping[str, int]) -> dict[str, dict[str, int]]:
    """{split: {published, listed}}: how many videos the card says that the published lists name, and how many they name
    here; what is held out of train for val counts as train."""
    own = videos["split"].value_counts()
    listed = {split: int(own.get(split, 0)) for split in SPLITS}
    if "val" not in counts:
        listed["train"] += listed["val"]
    return {split: {"published": count, "listed": listed[split]} for split, count in counts.items()}


def why_too_few(coverage: Mapping[str, Any], allow_missing: float, dataset: Path) -> str | None:
    """Why too few videos are left to go on; None where enough are."""
    expected, lost = coverage["expected"], len(coverage["problems"])
    if expected and coverage["usable"] and lost <= allow_missing * expected:
        return None
    reasons = first_few([problem["reason"] for problem in coverage["problems"]], 3, "; ")
    return (
        f"{lost} of {expected} videos can't be used ({reasons or 'none was found'}). Mend them, or set allow_missing "
        f"in {dataset / 'card.yml'} to go on without"
    )


def why_not_whole(
    coverage: Mapping[str, Any], videos: "pd.DataFrame", heads: Sequence[Head], whole: bool
) -> str | None:
    """Why what is left can't be learned from: a split without any video or, where classes must be `whole`, one without
    a video to train on or to test on. None where nothing speaks against it."""
    for split in SPLITS:
        if coverage["expected_by_split"][split] and not coverage["by_split"][split]:
            reasons = _reasons(coverage, videos[videos["split"] == split])
            return f"no video of {split} can be used ({reasons}); mend or remove them"
    for head in heads if whole else ():
        lost = coverage["lost_classes"].get(head.name, {})
        for name in dict.fromkeys([*lost.get("train", ()), *lost.get("test", ())]):
            splits = [split for split in ("train", "test") if name in lost.get(split, ())]
            own = videos[[head.classes.index(name) in np.atleast_1d(value) for value in videos[head.name]]]
            reasons = _reasons(coverage, own[own["split"].isin(splits)])
            return (
                f"{head.name} '{name}' has no video left in {' and in '.join(splits)} that can be used ({reasons}); "
                "mend or remove them, or the class"
            )
    return None


def why_copies(coverage: Mapping[str, Any], videos: "pd.DataFrame", heads: Sequence[Head]) -> str | None:
    """Which copies of a video are in two splits or have two labels; None where none are."""
    rows = videos.set_index("video_id")
    for group in coverage["copies"]:
        for what in (*(head.name for head in heads), "split"):
            named = {video: _named(rows.at[video, what], what, heads) for video in group}
            other = next((video for video in group if named[video] != named[group[0]]), "")
            if other:
                return (
                    f"{group[0]} ({named[group[0]]}) and {other} ({named[other]}) hold the same bytes; one video is in "
                    f"one {what if what == 'split' else 'class'}: remove one of them, or put both together"
                )
    return None


def notes(coverage: Mapping[str, Any]) -> Iterator[str]:
    """What to tell whoever prepares, a sentence each; the dataset's own last (`attrs["notes"]` of its table)."""
    if coverage["listed"] > coverage["expected"]:
        yield f"a subset: {coverage['expected']} of the {coverage['listed']} videos that the dataset lists"
    if coverage["encoded"]:
        yield reencoding.in_words(coverage["encoded"])
    if other := [f"{split} {one['listed']}, published {one['published']}" for split, one in _unlike(coverage)]:
        yield f"the lists name other numbers of videos than were published: {'; '.join(other)}"
    if reasons := [problem["reason"] for problem in coverage["problems"]]:
        yield f"can't be used: {first_few(reasons, 3, '; ')}"
    for head, lost in coverage["lost_classes"].items():
        for split, classes in lost.items():
            yield f"{head}: no {split} video can be used of {first_few(classes)}"
    if unlisted := coverage["unlisted"]:
        yield f"not in the lists: {len(unlisted)} files, {first_few(unlisted, 3)}"
    if words := peculiar_words(coverage):
        yield words
    if coverage["copies"]:
        groups = [first_few(group, between=" = ") for group in coverage["copies"]]
        yield f"copies, byte for byte: {first_few(groups)}"
    yield from coverage.get("notes", ())


def _unlike(coverage: Mapping[str, Any]) -> list[tuple[str, dict[str, int]]]:
    return [(split, one) for split, one in coverage["published"].items() if one["listed"] != one["published"]]


def _present(table: "pd.DataFrame", head: str) -> set[tuple[str, int]]:
    """(split, class) of every label in it."""
    rows, labels = labels_of(table[head])
    return {(split, int(label)) for split, label in set(zip(table["split"].to_numpy()[rows], labels, strict=True))}


def _named(value: Any, what: str, heads: Sequence[Head]) -> str:
    classes = next((head.classes for head in heads if head.name == what), None)
    return str(value) if classes is None else " and ".join(classes[int(label)] for label in np.atleast_1d(value))


def _reasons(coverage: Mapping[str, Any], videos: "pd.DataFrame") -> str:
    """The first three reasons why these videos can't be used."""
    wanted = set(videos["video_id"])
    reasons = [problem["reason"] for problem in coverage["problems"] if problem["video_id"] in wanted]
    return first_few(reasons, 3, "; ")
