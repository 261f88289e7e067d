"""The index of a prepared dataset: read, and refused where it would make a run wrong. No torch, so that the step
prepare starts quickly."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from saccade import products
from saccade.records import INDEX_COLUMNS, INDEX_FILE, SPLITS, TRUTH_FILE, Head, SaccadeError, first_few
from saccade.video.frame_folder import state_of

if TYPE_CHECKING:
    import pandas as pd


def read_index(prepared: Path, root: Path, heads: Sequence[Head]) -> "tuple[pd.DataFrame, pd.DataFrame | None]":
    """The index of a prepared dataset and its per-frame truth, None where it has none.

    Raises SaccadeError for what would make a run wrong: columns, splits, ids given twice, labels outside the classes,
    and files below `root` that are gone or have another size than when they were prepared.
    """
    path = Path(prepared) / INDEX_FILE
    index = products.read_parquet(path)
    check_index(index, heads, path)
    _check_files(index, Path(root), path)
    truth = path.with_name(TRUTH_FILE)
    return index, products.read_parquet(truth) if products.left(truth) else None


def check_index(
    index: "pd.DataFrame", heads: Sequence[Head], source: Path, columns: Sequence[str] = INDEX_COLUMNS
) -> None:
    """Raises SaccadeError where columns are missing, a split is unknown, an id is there twice or a label is outside its
    head's classes. Published weights may tell heads apart that the index has no labels of."""
    heads = [head for head in heads if head.name in index or not head.of_weights]
    if lacking := [column for column in [*columns, *(head.name for head in heads)] if column not in index]:
        raise SaccadeError(
            f"{source} has no column {', '.join(lacking)}; it has {', '.join(index.columns)}; run prepare again"
        )
    if unknown := sorted(set(index["split"]) - set(SPLITS)):
        raise SaccadeError(f"{source}: unknown split {', '.join(map(str, unknown))}; there are {', '.join(SPLITS)}")
    if repeated := index.loc[index["video_id"].duplicated(), "video_id"].unique().tolist():
        raise SaccadeError(f"{source}: video ids given twice: {first_few(repeated)}")
    for head in heads:
        known = index.attrs.get("classes", {}).get(head.name, list(head.classes))
        if not head.of_weights and known != list(head.classes):
            raise SaccadeError(
                f"{source}: the classes of {head.name} were {first_few(known)}, now {first_few(head.classes)}; run "
                "prepare again"
            )
        if unlabelled := index.loc[index[head.name].isna(), "video_id"].tolist():
            raise SaccadeError(f"{source}: videos without a {head.name} label: {first_few(unlabelled)}")
        rows, labels = labels_of(index[head.name])
        inside = (labels >= 0) & (labels < len(known))
        if not inside.all():
            first = int(np.argmin(inside))
            raise SaccadeError(
                f"{source}: video {index['video_id'].iloc[rows[first]]}: {head.name} label {labels[first]} is outside "
                f"the {len(known)} classes"
            )


def labels_of(column: "pd.Series") -> tuple[np.ndarray, np.ndarray]:
    """(L,) each: the place of the row, and one of its labels, of all that a head's column holds, row by row."""
    import pyarrow as pa

    values = pa.array(column)
    if not pa.types.is_list(values.type):
        return np.arange(len(values)), values.to_numpy(zero_copy_only=False)
    rows = np.repeat(np.arange(len(values)), np.diff(values.offsets.to_numpy()))
    return rows, values.flatten().to_numpy(zero_copy_only=False)


def _check_files(index: "pd.DataFrame", root: Path, source: Path) -> None:
    wrong, columns = [], [index[column].tolist() for column in ("path", "bytes", "first_frame", "frames")]
    for name, size, first, frames in zip(*columns, strict=True):
        state = state_of(os.path.join(root, name), first, frames)
        if not state:
            wrong.append(f"{name} is missing")
        elif state[0] != size:
            wrong.append(f"{name} has {state[0]} bytes, had {size}")
    if wrong:
        raise SaccadeError(
            f"prepared index no longer matches its files: {first_few(wrong)} ({source}); run prepare again"
        )
