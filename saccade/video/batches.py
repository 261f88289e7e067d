"""Clips as batches: in which order, by how many processes, and what one batch is."""

import sys
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, default_collate

from saccade.records import SaccadeError

Clip = dict[str, Any]


def batches(
    dataset: Any,
    batch_size: int,
    *,
    shuffle: bool,
    epoch: int,
    workers: int,
    start: int = 0,
    drop_last: bool = False,
) -> Iterator[Clip]:
    """The epoch's batches of a `VideoDataset` from number `start` on; the last may be smaller, or isn't given then
    (`drop_last`). `workers` processes read ahead.

    Batches are cut from the list sorted by id, or from a permutation of it that (seed, epoch) alone decides. Nothing is
    drawn from torch's or numpy's global generators. Raises the SaccadeError that `dataset` raises, with its own
    message, whichever process raised it.
    """
    order = np.arange(len(dataset))
    if shuffle:
        order = np.random.default_rng([dataset.seed, epoch]).permutation(order)
    used = len(order) - len(order) % batch_size if drop_last else len(order)
    cuts = [order[first : first + batch_size].tolist() for first in range(0, used, batch_size)]
    workers = min(workers, max(len(cuts) - start, 0))
    loader = DataLoader(
        _Batches(dataset, cuts, epoch),
        batch_size=None,
        sampler=range(start, len(cuts)),
        num_workers=workers,
        collate_fn=_as_it_is,
        generator=torch.Generator().manual_seed(0),
        multiprocessing_context="fork"
        if workers and sys.platform == "linux"
        else None,  # 0.04 s a worker; spawning imports torch anew
    )
    for batch in loader:
        if isinstance(batch, SaccadeError):
            raise batch
        yield batch


class _Batches(Dataset[Any]):
    """Item k is batch k, or the error met while making it. If a worker raised it, its traceback would bury the
    message."""

    def __init__(self, dataset: Any, cuts: list[list[int]], epoch: int) -> None:
        self.dataset, self.cuts, self.epoch = dataset, cuts, epoch

    def __len__(self) -> int:
        return len(self.cuts)

    def __getitem__(self, number: int) -> Clip | SaccadeError:
        try:
            return collate([self.dataset[item, self.epoch] for item in self.cuts[number]])
        except SaccadeError as error:
            return error


def collate(clips: Sequence[Clip]) -> Clip:
    """One batch: tensors stacked, numbers as (B,) int64, video_id as a list; of clips on demand `frames` and their
    truth, too. In a worker the tensors are stacked into memory that the reader shares, which saves a copy. Raises
    SaccadeError where pictures differ in size."""
    for clip in clips:
        if "rgb" in clip and clip["rgb"].shape != clips[0]["rgb"].shape:
            one, other = ("x".join(map(str, reversed(c["rgb"].shape[-2:]))) for c in (clips[0], clip))
            raise SaccadeError(
                f"videos {clips[0]['video_id']} ({one}) and {clip['video_id']} ({other}) differ in size and can't "
                "share a batch; set `crop` (and `resize`), or batch sizes of 1"
            )
    of_frames = [key for key in clips[0] if key.startswith("truth.")]
    stacked = [key for key in clips[0] if key in ("rgb", "audio", "indices", "frame_size") or key.startswith("glance.")]
    listed = ["video_id"]
    if "frames" in clips[0]:  # videos have different numbers of frames
        listed += ["frames", *of_frames]
    else:
        stacked += of_frames
    batch: Clip = {key: default_collate([clip[key] for clip in clips]) for key in stacked}
    batch["labels"] = {head: default_collate([clip["labels"][head] for clip in clips]) for head in clips[0]["labels"]}
    batch |= {key: [clip[key] for clip in clips] for key in listed}
    for key in ("video_frames", "decoded_frames"):
        batch[key] = torch.tensor([clip[key] for clip in clips], dtype=torch.int64)
    return batch


def _as_it_is(batch: Any) -> Any:
    return batch
