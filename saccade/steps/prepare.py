"""The step that turns raw videos into an index: every file probed, every problem counted and named."""

import functools
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from saccade import products
from saccade.code_hash import code_hash
from saccade.files import sha256, write_json, write_parquet
from saccade.project import load_module, provenance
from saccade.records import (
    FAILED_FILE,
    INDEX_COLUMNS,
    INDEX_FILE,
    PREPARED_BY_FILE,
    PROBED_FILE,
    SPLITS,
    TRUTH_COLUMNS,
    TRUTH_FILE,
    Head,
    SaccadeError,
    first_few,
    one_line,
)
from saccade.reencoding import Reencoding
from saccade.video.container import fingerprint
from saccade.video.coverage import (
    copies,
    lost_classes,
    notes,
    peculiar,
    peculiarities,
    untrained_classes,
    why_copies,
    why_not_whole,
)
from saccade.video.index import check_index
from saccade.video.labels import numbered
from saccade.video.probe import probe
from saccade.video.probe_packets import probe_packets
from saccade.video.probed_before import Found, ProbedBefore, probe_each
from saccade.video.reencode_each import encoded_anew
from saccade.video.subset import Whole, taken

if TYPE_CHECKING:
    import pandas as pd

VIDEO_COLUMNS = ["video_id", "split", "cluster", "path"]  # of a dataset's own table; one per head follows


def prepare(
    root: Path,
    dataset: Path,
    name: str,
    settings: Mapping[str, Any],
    heads: Mapping[str, Head],
    allow_missing: float,
    workers: int,
    seed: int = 0,
    listing: str = "",
    truth: bool = False,
    clusters_apart: bool = False,
    whole_classes: bool = False,
    way: str = "whole",
    whole: Whole | None = None,
    raw_name: str = "",
    encoded: Reencoding | None = None,
) -> None:
    """Brings `data/<d>/raw/<name>`, where the dataset generates or unpacks it, and writes `data/<d>/prepared/<name>/`.
    Of a subset only its own videos are looked at, out of the `whole` that it is taken from. With `encoded` they are
    encoded anew first, and the index names the new files.

    `name` is `<budget>[@<edition>]`; `raw_name` that of the raw files, where it is another. `way`: whether files are
    probed `whole` or by their `packets`. index.parquet holds only usable videos. coverage.json counts all that were
    expected, says why the others can't be used, and keeps what decided this: the settings, `encoded`, and the `listing`
    (a digest of what lies in raw/). Raises SaccadeError where more than `allow_missing` of the videos can't be used,
    where ids repeat, or where a label is outside its classes; where nothing is left of a split or, with
    `whole_classes`, of a class in train or test; and, with `clusters_apart`, where copies of a file are in two splits
    or have two labels.
    """
    file, folder = dataset / "prepare.py", dataset / "prepared" / name
    answer = load_module(file).prepare(_typed(dataset, settings), dataset / "raw" / (raw_name or name), seed, workers)
    videos, frames = _tables(answer, file, truth, list(heads))
    every = list((whole.heads if whole else heads).values())
    videos = numbered(videos, every, file)
    check_index(videos, every, file, columns=VIDEO_COLUMNS)
    if clusters_apart:
        _refuse_shared_clusters(videos, file)
    listed = len(videos)
    if whole:
        videos = taken(videos, whole, heads, dataset.name)
    kept, refused = encoded_anew(root, dataset, videos, encoded, workers) if encoded else (videos, [])
    probed = refused + _probe_all(root, kept, way, dataset / "prepared" / PROBED_FILE, workers)
    index = videos.drop(columns="path").merge(
        _frame([row | one.columns for row, one in probed if one.columns]), on="video_id", validate="one_to_one"
    )
    index = index.sort_values("video_id", ignore_index=True)[[*INDEX_COLUMNS, *heads]]
    coverage = {
        "listed": listed,
        "expected": len(videos),
        "usable": len(index),
        "by_split": {split: int((index["split"] == split).sum()) for split in SPLITS},
        "expected_by_split": {split: int((videos["split"] == split).sum()) for split in SPLITS},
        "problems": [row | {"kind": one.kind, "reason": one.reason} for row, one in probed if not one.columns],
        "peculiar": peculiarities({row["video_id"]: one.peculiar for row, one in probed}),
        "lost_classes": lost_classes(videos, index, list(heads.values())),
        "untrained": untrained_classes(index, list(heads.values())),
        "copies": copies(index, root),
        "notes": list(videos.attrs.get("notes", ())),
        "classes_sha256": {head.name: head.classes_sha256 for head in heads.values()},
        "sound": {"with": int(index["audio"].sum()), "without": int((~index["audio"].astype(bool)).sum())},
        "settings": dict(settings),
        "listing": listing,
        "encoded": encoded.settings if encoded else None,
        "decoder": fingerprint(),
    }
    why = (
        _why_too_few(coverage, allow_missing, dataset)
        or why_not_whole(coverage, videos, list(heads.values()), whole_classes)
        or (why_copies(coverage, videos, list(heads.values())) if clusters_apart else None)
    )
    _tell(dataset.name, coverage, heads)
    if why:
        write_json(folder / FAILED_FILE, coverage)
        raise SaccadeError(f"{dataset}: {why}. What was found of each video is in {folder / FAILED_FILE}")
    (folder / FAILED_FILE).unlink(missing_ok=True)
    index.attrs["classes"] = {head.name: list(head.classes) for head in heads.values()}
    index.attrs["classes_sha256"] = coverage["classes_sha256"]
    _keep(folder, index, coverage, frames, provenance(root, decoder=fingerprint()))


def _keep(
    folder: Path, index: "pd.DataFrame", coverage: dict[str, Any], frames: "pd.DataFrame | None", made: dict[str, Any]
) -> None:
    """Writes what was prepared; the index last: where it is, the rest is there, too."""
    products.write(folder / PREPARED_BY_FILE, made)
    beside = {PREPARED_BY_FILE: ""}
    if frames is None:
        (folder / TRUTH_FILE).unlink(missing_ok=True)  # of an earlier time
    else:
        write_parquet(folder / TRUTH_FILE, frames[frames["video_id"].isin(index["video_id"])])
        beside[TRUTH_FILE] = sha256(folder / TRUTH_FILE)
    products.write_file(
        folder / INDEX_FILE, lambda temporary: index.to_parquet(temporary, index=False), value=coverage, beside=beside
    )


def _tables(answer: Any, file: Path, truth: bool, heads: list[str]) -> "tuple[pd.DataFrame, pd.DataFrame | None]":
    """(videos, frames) as the dataset's own `prepare` gave them; frames, the ground truth, where the card says so."""
    import pandas as pd

    shape = f"(videos, {'truth' if truth else 'None'}): `videos`, a DataFrame of {', '.join([*VIDEO_COLUMNS, *heads])}"
    right = f"; it must give back {shape}{', and `truth`, one of ' + ', '.join(TRUTH_COLUMNS) if truth else ''}"
    if not isinstance(answer, tuple) or len(answer) != 2:
        given = f"{len(answer)} values" if isinstance(answer, tuple) else f"a {type(answer).__name__}"
        raise SaccadeError(f"{file}: `prepare` gives back {given}{right}")
    videos, frames = answer
    if not isinstance(videos, pd.DataFrame) or not isinstance(frames, pd.DataFrame | None):
        given = ", ".join(type(one).__name__ for one in answer)
        raise SaccadeError(f"{file}: `prepare` gives back ({given}){right}")
    if truth != (frames is not None):
        says, gives = ("true", "none") if truth else ("false", "some")
        raise SaccadeError(f"{file}: the card says `truth: {says}`, but `prepare` gives {gives}{right}")
    if frames is not None:
        _check_truth(frames, videos, file)
    return videos, frames


def _check_truth(frames: "pd.DataFrame", videos: "pd.DataFrame", file: Path) -> None:
    if lacking := [column for column in TRUTH_COLUMNS if column not in frames]:
        raise SaccadeError(
            f"{file}: the ground truth has no column {', '.join(lacking)}; it has {', '.join(frames.columns)}"
        )
    without = sorted(set(videos.get("video_id", ())) - set(frames["video_id"]))
    if without:
        raise SaccadeError(
            f"{file}: the ground truth lacks the frames of {first_few(without)}; each video needs its own"
        )


def _refuse_shared_clusters(videos: "pd.DataFrame", file: Path) -> None:
    splits = videos.groupby("cluster")["split"].unique()
    if shared := [f"{name} ({', '.join(own)})" for name, own in splits.items() if len(own) > 1]:
        raise SaccadeError(
            f"{file}: clusters in several splits: {first_few(shared)}; the card says `clusters_apart: true`"
        )


def _typed(dataset: Path, settings: Mapping[str, Any]) -> Any:
    """The settings as the dataset's own `Settings`; None where it has none."""
    if not (dataset / "settings.py").is_file():
        return None
    try:
        return load_module(dataset / "settings.py").Settings(**settings)
    except ValueError as error:
        raise SaccadeError(f"{dataset / 'card.yml'}: {error}") from None


def _probe_all(
    root: Path, videos: "pd.DataFrame", way: str, kept: Path, workers: int
) -> list[tuple[dict[str, Any], Found]]:
    """(video_id and path, what was found) of each video, in the given order. `kept`: the file of what is known."""
    paths = [Path(os.path.relpath(root / path, root)).as_posix() for path in videos["path"]]
    here = Path(__file__).resolve()
    how = f"{way} {code_hash(here.parents[2], [(here, '_probe')])} {fingerprint()}"
    found = probe_each(paths, ProbedBefore(kept, root, how), functools.partial(_probe, root, way), workers)
    rows = [{"video_id": str(video), "path": path} for video, path in zip(videos["video_id"], paths, strict=True)]
    return list(zip(rows, found, strict=True))


def _probe(root: Path, way: str, path: str) -> Found:
    """What the file holds, or why it can't be used. Nothing that one file raises ends the set."""
    file = root / path
    try:
        info = probe_packets(file) if way == "packets" else probe(file)
    except SaccadeError as error:
        reason = str(error)
    except Exception as error:
        reason = f"{file}: {type(error).__name__}: {error}"
    else:
        return Found(info.columns(), peculiar(info))
    return Found(kind="corrupt" if file.exists() else "missing", reason=reason)


def _why_too_few(coverage: Mapping[str, Any], allow_missing: float, dataset: Path) -> str | None:
    expected, lost = coverage["expected"], len(coverage["problems"])
    if expected and coverage["usable"] and lost <= allow_missing * expected:
        return None
    reasons = first_few([problem["reason"] for problem in coverage["problems"]], 3, "; ")
    return (
        f"{lost} of {expected} videos can't be used ({reasons or 'none was found'}). Mend them, or set allow_missing "
        f"in {dataset / 'card.yml'} to go on without"
    )


def _tell(name: str, coverage: Mapping[str, Any], heads: Mapping[str, Head]) -> None:
    """What was understood of raw/, so that a mistake is seen before hours of training."""
    splits = ", ".join(f"{split} {count}" for split, count in coverage["by_split"].items())
    print(f"{name}: {coverage['usable']} of {coverage['expected']} videos can be used ({splits})")
    for head in heads.values():
        print(one_line(f"{head.name}, {head.num_classes} classes: {first_few(head.classes)}"))
    for note in notes(coverage):
        print(f"note: {one_line(note)}")


def _frame(rows: list[dict[str, Any]]) -> "pd.DataFrame":
    """The rows as a table that has its columns where there are no rows, too."""
    import pandas as pd

    measured = [column for column in INDEX_COLUMNS if column not in VIDEO_COLUMNS]
    return pd.DataFrame(rows, columns=["video_id", "path", *measured])
