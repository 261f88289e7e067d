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
    TRUTH_FILE,
    Head,
    SaccadeError,
    first_few,
    one_line,
)
from saccade.video.container import fingerprint
from saccade.video.coverage import (
    copies,
    counted,
    lost_classes,
    notes,
    peculiar,
    peculiarities,
    table_of,
    untrained_classes,
    why_copies,
    why_not_whole,
    why_too_few,
)
from saccade.video.dataset_tables import OF_FOLDERS, VIDEO_COLUMNS, need_clusters_apart, tables_of
from saccade.video.index import check_index
from saccade.video.probe import probe
from saccade.video.probe_folder import probe_folder
from saccade.video.probe_packets import probe_packets
from saccade.video.probed_before import Found, ProbedBefore, Wanted, probe_each

if TYPE_CHECKING:
    import pandas as pd


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
    min_frames: int = 1,
) -> None:
    """Brings `data/<d>/raw/<name>`, where the dataset generates or unpacks it, and writes `data/<d>/prepared/<name>/`.

    `name` is `<budget>[@<edition>]`. `way`: whether files are probed `whole` or by their `packets`. index.parquet holds
    only usable videos, of `min_frames` and more. coverage.json counts all that were expected, says why the others can't
    be used, and keeps what decided this: the settings and the `listing` (a digest of what lies in raw/). Raises
    SaccadeError where more than `allow_missing` of the videos can't be used, where ids repeat, or where a label is
    outside its classes; where nothing is left of a split or, with `whole_classes`, of a class in train or test; and,
    with `clusters_apart`, where copies of a file are in two splits or have two labels.
    """
    file, folder = dataset / "prepare.py", dataset / "prepared" / name
    answer = load_module(file).prepare(_typed(dataset, settings), dataset / "raw" / name, seed, workers)
    videos, frames = tables_of(answer, file, truth, list(heads))
    check_index(videos, list(heads.values()), file, columns=VIDEO_COLUMNS)
    if clusters_apart:
        need_clusters_apart(videos, file)
    probed = _probe_all(root, videos, way, dataset / "prepared" / PROBED_FILE, workers)
    probed = [(row, _long_enough(row["path"], one, min_frames)) for row, one in probed]
    index = videos[["video_id", "split", "cluster", *heads]].merge(
        _frame([row | one.columns for row, one in probed if one.columns]), on="video_id", validate="one_to_one"
    )
    index = index.sort_values("video_id", ignore_index=True)[[*INDEX_COLUMNS, *heads]]
    coverage = {
        "expected": len(videos),
        "usable": len(index),
        "by_split": {split: int((index["split"] == split).sum()) for split in SPLITS},
        "expected_by_split": {split: int((videos["split"] == split).sum()) for split in SPLITS},
        "problems": [row | {"kind": one.kind, "reason": one.reason} for row, one in probed if not one.columns],
        "peculiar": peculiarities({row["video_id"]: one.peculiar for row, one in probed}),
        "lost_classes": lost_classes(videos, index, list(heads.values())),
        "untrained": untrained_classes(index, list(heads.values())),
        "unlisted": [str(path) for path in videos.attrs.get("unlisted", ())],
        "copies": copies(index, root, clusters_apart),
        "sound": {"with": int(index["audio"].sum()), "without": int((~index["audio"].astype(bool)).sum())},
        "settings": dict(settings),
        "listing": listing,
        "decoder": fingerprint(),
    } | counted(videos, [one.kind for _, one in probed], list(heads.values()))
    why = (
        why_too_few(coverage, allow_missing, dataset)
        or why_not_whole(coverage, videos, list(heads.values()), whole_classes)
        or (why_copies(coverage, videos, list(heads.values())) if clusters_apart else None)
    )
    _tell(dataset.name, coverage, heads)
    if why:
        write_json(folder / FAILED_FILE, coverage)
        raise SaccadeError(f"{dataset}: {why}. What was found of each video is in {folder / FAILED_FILE}")
    (folder / FAILED_FILE).unlink(missing_ok=True)
    index.attrs["classes"] = {head.name: list(head.classes) for head in heads.values()}
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
    paths = [
        os.path.relpath(path, root) if os.path.isabs(path) else os.path.normpath(path)
        for path in map(str, videos["path"].tolist())
    ]
    said = zip(*(_numbers(videos, column, kind) for column, kind in OF_FOLDERS.items()), strict=True)
    here = Path(__file__).resolve()
    how = f"{way} {code_hash(here.parents[2], [(here, '_probe')])} {fingerprint()}"
    wanted = [Wanted(path, *given) for path, given in zip(paths, said, strict=True)]
    found = probe_each(wanted, ProbedBefore(kept, root, how), functools.partial(_probe, root, way), workers)
    rows = [{"video_id": str(video), "path": path} for video, path in zip(videos["video_id"], paths, strict=True)]
    return list(zip(rows, found, strict=True))


def _long_enough(path: str, found: Found, min_frames: int) -> Found:
    """What was found, or that the video has too few frames."""
    if not found.columns or (frames := found.columns["frames"]) >= min_frames:
        return found
    return Found(kind="too short", reason=f"{path}: has {frames} of the {min_frames} frames that min_frames asks for")


def _numbers(videos: "pd.DataFrame", column: str, kind: type) -> list[Any]:
    """The column's numbers, None where there is none."""
    if column not in videos:
        return [None] * len(videos)
    return [kind(value) if known else None for value, known in zip(videos[column], videos[column].notna(), strict=True)]


def _probe(root: Path, way: str, video: Wanted) -> Found:
    """What the file or folder holds, or why it can't be used. Nothing that one of them raises ends the set."""
    path, said = root / video.path, video[1:]
    try:
        if path.is_dir():
            first, info = probe_folder(path, *said, whole=way == "whole")
            return Found(info.columns() | {"first_frame": first})
        if path.is_file() and any(value is not None for value in said):
            raise SaccadeError(f"{path}: {', '.join(OF_FOLDERS)} are said of folders of pictures; this is none")
        info = probe_packets(path) if way == "packets" else probe(path)
        return Found(info.columns(), peculiar(info))
    except SaccadeError as error:
        reason = str(error)
    except Exception as error:
        reason = f"{path}: {type(error).__name__}: {error}"
    return Found(kind="corrupt" if path.exists() else "missing", reason=reason)


def _tell(name: str, coverage: Mapping[str, Any], heads: Mapping[str, Head]) -> None:
    """What was understood of raw/, so that a mistake is seen before hours of training."""
    splits = ", ".join(f"{split} {count}" for split, count in coverage["by_split"].items())
    print(f"{name}: {coverage['usable']} of {coverage['expected']} videos can be used ({splits})")
    for head in heads.values():
        print(one_line(f"{head.name}, {head.num_classes} classes: {first_few(head.classes)}"))
    if coverage["problems"]:
        print(table_of(coverage["by_kind"]))
    for note in notes(coverage):
        print(f"note: {one_line(note)}")


def _frame(rows: list[dict[str, Any]]) -> "pd.DataFrame":
    """The rows as a table that has its columns where there are no rows, too."""
    import pandas as pd

    measured = [column for column in INDEX_COLUMNS if column not in VIDEO_COLUMNS]
    return pd.DataFrame(rows, columns=["video_id", "path", *measured])
