"""The step that turns raw videos into an index: every file probed, every problem counted and named."""

import concurrent.futures
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from saccade import products
from saccade.files import sha256, write_json, write_parquet
from saccade.project import load_module, provenance
from saccade.records import (
    FAILED_FILE,
    INDEX_COLUMNS,
    INDEX_FILE,
    PREPARED_BY_FILE,
    SPLITS,
    TRUTH_COLUMNS,
    TRUTH_FILE,
    Head,
    SaccadeError,
    first_few,
    one_line,
)
from saccade.video.container import fingerprint
from saccade.video.coverage import (
    copies,
    lost_classes,
    notes,
    peculiarities,
    untrained_classes,
    why_copies,
    why_not_whole,
)
from saccade.video.index import check_index
from saccade.video.probe import VideoInfo, probe
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
    whole: Whole | None = None,
) -> None:
    """Brings `data/<d>/raw/<name>`, where the dataset generates or unpacks it, and writes `data/<d>/prepared/<name>/`.
    A subset has the raw files of the `whole` that it is taken from, and only its own videos are looked at.

    `name` is `<budget>[@<edition>]`. index.parquet holds only usable videos. coverage.json counts all that were
    expected, says why the others can't be used, and keeps what decided this: the settings and the `listing` (a digest
    of what lies in raw/). Raises SaccadeError where more than `allow_missing` of the videos can't be used, where ids
    repeat, or where a label is outside its classes; where nothing is left of a split or, with `whole_classes`, of a
    class in train or test; and, with `clusters_apart`, where copies of a file are in two splits or have two labels.
    """
    file, folder = dataset / "prepare.py", dataset / "prepared" / name
    raw = dataset / "raw" / (whole.name if whole else name)
    answer = load_module(file).prepare(_typed(dataset, settings), raw, seed, workers)
    videos, frames = _tables(answer, file, truth, list(heads))
    check_index(videos, list((whole.heads if whole else heads).values()), file, columns=VIDEO_COLUMNS)
    if clusters_apart:
        _refuse_shared_clusters(videos, file)
    listed = len(videos)
    if whole:
        videos = taken(videos, whole, heads, dataset.name)
    probed = _probe_all(root, videos, workers)
    index = videos.drop(columns="path").merge(
        _frame([row for row, info in probed if info]), on="video_id", validate="one_to_one"
    )
    index = index.sort_values("video_id", ignore_index=True)[[*INDEX_COLUMNS, *heads]]
    coverage = {
        "listed": listed,
        "expected": len(videos),
        "usable": len(index),
        "by_split": {split: int((index["split"] == split).sum()) for split in SPLITS},
        "expected_by_split": {split: int((videos["split"] == split).sum()) for split in SPLITS},
        "problems": [row for row, info in probed if not info],
        "peculiar": peculiarities({row["video_id"]: info for row, info in probed if info}),
        "lost_classes": lost_classes(videos, index, list(heads.values())),
        "untrained": untrained_classes(index, list(heads.values())),
        "copies": copies(index, root),
        "classes_sha256": {head.name: head.classes_sha256 for head in heads.values()},
        "sound": {"with": int(index["audio"].sum()), "without": int((~index["audio"].astype(bool)).sum())},
        "settings": dict(settings),
        "listing": listing,
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


def _probe_all(root: Path, videos: "pd.DataFrame", workers: int) -> list[tuple[dict[str, Any], VideoInfo | None]]:
    """What `_probe` gives for each video, in the given order."""
    jobs = [(root, str(video), str(path)) for video, path in zip(videos["video_id"], videos["path"], strict=True)]
    with concurrent.futures.ThreadPoolExecutor(max(workers, 1)) as pool:  # decoding releases the interpreter lock
        return list(tqdm(pool.map(_probe, jobs), total=len(jobs), desc="probe", unit="video", mininterval=1.0))


def _probe(job: tuple[Path, str, str]) -> tuple[dict[str, Any], VideoInfo | None]:
    """(row, what the file holds), or (row with a `reason`, None). Nothing that one file raises ends the set."""
    root, video, text = job
    path = Path(text) if Path(text).is_absolute() else root / text
    row = {"video_id": video, "path": Path(os.path.relpath(path, root)).as_posix()}
    try:
        info = probe(path)
    except SaccadeError as error:
        return row | {"reason": str(error)}, None
    except Exception as error:
        return row | {"reason": f"{path}: {type(error).__name__}: {error}"}, None
    return row | info.columns(), info


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
