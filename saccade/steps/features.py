"""The step that computes what later phases train on: the features that a trained phase's network gives of every
training and validation video, each video's in a file of its own."""

import hashlib
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from tqdm import tqdm

from saccade import products
from saccade.engine import features as kept
from saccade.engine import weights
from saccade.engine.device import choose_device, place, seed_everything, to_device
from saccade.files import sha256
from saccade.project import load_module, provenance
from saccade.records import FEATURES_ENDS, INDEX_FILE, SaccadeError, Task, canonical, provenance_name
from saccade.video.batches import batches
from saccade.video.index import read_index
from saccade.video.loader import VideoDataset

SPLITS = ("train", "val")  # features serve training only


def features(task: Task) -> None:
    """Writes `<phase>.features/<video>.safetensors` for the videos of train and val, the provenance, and last
    `<phase>.features.json`, which vouches for them. `task.settings` decode on demand.

    Files that are there already and were made of the same weights, settings, code and data stay as they are, so a
    killed job goes on where it was, to the same result. Raises SaccadeError where they would take more room than
    `features_mb`, or than the disk has.
    """
    started = time.perf_counter()
    index, truth = read_index(task.root / task.prepared, task.root, task.heads)
    seed_everything(task.seed, task.settings.threads)
    device, facts = choose_device(task.settings.device), _facts(task)
    machine = {"torch": torch.__version__, "device": device.type, "threads": task.settings.threads}
    datasets = [
        VideoDataset(index, task.root, task.heads, task.settings, split, train=False, seed=task.seed, truth=truth)
        for split in SPLITS
    ]
    store = _Store(
        task.folder / f"{task.phase}{FEATURES_ENDS}",
        [video for dataset in datasets for video in dataset.index["video_id"]],
        _digest(facts | task.identity | machine | {"run": task.run, "phase": task.phase}),
        task.settings.features_mb,
    )
    if len(store.there) < len(store.videos):
        model = load_module(task.root / task.method / "model.py").build(task.settings, task.heads)
        weights.load(model, task.loads, whole=False, heads=task.heads)
        compute = getattr(load_module(task.root / task.method / "phases.py"), f"{task.phase}_features")
        _fill(store, datasets, place(model, device).eval(), compute, task.settings, device)
    where = {"device": str(device), "threads": task.settings.threads, "made_now": store.made}
    where |= {"seconds": round(time.perf_counter() - started, 1)}
    product = store.folder.with_name(f"{store.folder.name}.json")
    record = product.with_name(provenance_name(f"{task.phase}{FEATURES_ENDS}"))
    products.write(record, provenance(task.root, **where))
    sums = {file.name: sha256(file) for file in store.files()}
    counted = {"sha256": _digest(sums), "bytes": store.bytes, "videos": len(sums)}
    products.write(product, counted | {"settings": task.values} | facts, {record.name: "", **sums})


def _facts(task: Task) -> dict[str, Any]:
    """What decides the features, beside the settings."""
    return {
        "code": task.code,
        "weights": {str(product): products.read(task.root / product)["sha256"] for product in task.weights},
        "data": sha256(task.root / task.prepared / INDEX_FILE),
    }


def _digest(value: Any) -> str:
    return hashlib.sha256(canonical(value).encode()).hexdigest()


class _Store:
    """The folder of a phase's features while it is filled. `there`: the videos whose features it holds; `bytes`: the
    room that these take; `made`: how many of them were computed now. What is of no video of `videos` is removed."""

    def __init__(self, folder: Path, videos: Sequence[str], identity: str, megabytes: int) -> None:
        self.folder, self.videos, self.identity, self.megabytes, self.made = folder, videos, identity, megabytes, 0
        wanted = {kept.file_name(video) for video in videos}
        for file in folder.glob("*"):
            if file.is_file() and file.name not in wanted:
                file.unlink()
        self.there = {video for video in videos if kept.is_current(self.file(video), video, identity)}
        self.bytes = sum(self.file(video).stat().st_size for video in self.there)
        if self.there:
            print(
                f"saccade: the features of {len(self.there)} of {len(videos)} videos were there already",
                file=sys.stderr,
                flush=True,
            )

    def file(self, video: str) -> Path:
        return self.folder / kept.file_name(video)

    def files(self) -> Iterator[Path]:
        return (self.file(video) for video in self.videos)

    def add(self, found: Mapping[str, Mapping[str, Tensor]]) -> None:
        """Writes a batch's features, those of videos that have theirs aside. Raises SaccadeError where all features, as
        large as those so far are, would take too much room."""
        new = {video: tensors for video, tensors in found.items() if video not in self.there}
        size = sum(tensor.nbytes for tensors in new.values() for tensor in tensors.values())
        self._need_room((self.bytes + size) / (len(self.there) + len(new)))
        for video, tensors in new.items():
            kept.write(self.folder, video, tensors, self.identity)
            self.there.add(video)
            self.bytes += self.file(video).stat().st_size
        self.made += len(new)

    def _need_room(self, each: float) -> None:
        whole, missing = each * len(self.videos), each * (len(self.videos) - len(self.there))
        says = f"the features of {len(self.videos)} videos would take about {_megabytes(whole)} MB in {self.folder}"
        if whole > self.megabytes * 10**6:
            raise SaccadeError(
                f"{says}, and features_mb allows {self.megabytes}; set features_mb to {_megabytes(whole)} or more, or "
                "let the method keep less of each video"
            )
        if missing > (free := shutil.disk_usage(self.folder.parent).free):
            raise SaccadeError(
                f"{says}, {_megabytes(missing)} MB more than now, and its disk has {free // 10**6} MB free; make room, "
                "or make results a link to a folder on another disk"
            )


def _megabytes(size: float) -> int:
    """Of 10**6 bytes, rounded up."""
    return -int(-size // 10**6)


@torch.inference_mode()
def _fill(
    store: _Store,
    datasets: Sequence[VideoDataset],
    model: nn.Module,
    compute: Callable[..., list[dict[str, Tensor]]],
    settings: Any,
    device: torch.device,
) -> None:
    """Computes the features that the store lacks, in batches cut from the videos sorted by id, whatever is there
    already: who shares a batch may move a last digit."""
    size, workers = settings.eval_batch_size, settings.workers
    with tqdm(total=len(store.videos), desc="features", unit="video", mininterval=1.0) as progress:
        for dataset in datasets:
            for batch in batches(dataset, size, shuffle=False, epoch=0, workers=workers):
                if not store.there.issuperset(batch["video_id"]):
                    found = compute(model, to_device(batch, device), settings)
                    store.add(dict(zip(batch["video_id"], _checked(found, batch["video_id"], compute), strict=True)))
                progress.update(len(batch["video_id"]))


def _checked(found: Any, videos: Sequence[str], compute: Callable[..., Any]) -> list[dict[str, Tensor]]:
    """What the method gave, on the CPU, each tensor in memory of its own; raises SaccadeError where it isn't a dict of
    finite tensors for each video."""
    name = f"{compute.__module__}.{compute.__name__}"
    if len(found) != len(videos):
        raise SaccadeError(f"{name} gives features of {len(found)} videos for a batch of {len(videos)}")
    for video, tensors in zip(videos, found, strict=True):
        for key, tensor in tensors.items():
            if not tensor.isfinite().all():
                raise SaccadeError(f"{name}: video {video}: the features '{key}' are not finite")
    return [{key: tensor.detach().cpu().contiguous().clone() for key, tensor in one.items()} for one in found]
