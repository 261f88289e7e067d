"""Seeded clips of a prepared dataset.

The clip of a video depends on (seed, epoch, video_id) and on nothing else: not on workers, batch size, order or the
place where a run was resumed.
"""

import copy
import hashlib
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.utils.data import Dataset

from saccade.records import Head, SaccadeError, first_few
from saccade.settings import Input
from saccade.video import audio, sampling, transforms
from saccade.video import truth as of_frames
from saccade.video.batches import Clip
from saccade.video.by_number import FramesByNumber
from saccade.video.cache import KeptVideos
from saccade.video.frame_folder import place_of

if TYPE_CHECKING:
    import pandas as pd


class VideoDataset(Dataset[Clip]):
    """The videos of one split, sorted by id. Item (number, epoch) is the clip of that video in that epoch; item
    `number` is its clip in epoch 0.

    A clip holds: rgb (T, C, H, W) float32, normalised; audio where it is a modality: (1, mels, steps), or with `sound`
    windows (T, 1, frequencies, steps); labels {head: int64, or (K,) float32 multi-hot}; video_id; indices (T,) int64;
    video_frames; decoded_frames; frame_size (2,), height and width before any crop. With `glance_frames` also
    glance.rgb and glance.indices, under the same crop and flip. For each of the settings' `truth` columns
    `truth.<column>` (T,) float64. With `snippet_frames` T is the number of snippets times theirs.

    With `on_demand` it holds in place of rgb `frames`, a `FramesByNumber` that shows frames as at test time whatever
    `train` is; indices are none, decoded_frames 0, and the truth is that of all F frames, (F,). `cache_mb` keeps none
    of these frames.

    With `train=False` nothing is drawn, except by the sampler `random`, which then gives a video the same frames in
    every epoch. `index`: the rows of this split, sorted.

    Sound is the whole track, padded with silence or cut to the longest video of the index given (all splits), so that
    every spectrogram has as many steps; windows are taken from the track padded or cut to its own video, around the
    time at which each frame begins to be shown. `cache_mb` of decoded videos and sound are kept in memory. Raises
    SaccadeError for settings that this data can't meet, VideoError for a file that fails.
    """

    def __init__(
        self,
        index: "pd.DataFrame",
        root: Path,
        heads: Sequence[Head],
        settings: Input,
        split: str,
        *,
        train: bool,
        seed: int,
        truth: "pd.DataFrame | None" = None,
        cache_mb: int = 0,
    ) -> None:
        self.index = index[index["split"] == split].sort_values("video_id", ignore_index=True)
        self.root, self.heads, self.settings, self.split, self.train, self.seed, self.view = (
            root,
            heads,
            settings,
            split,
            train,
            seed,
            0,
        )
        if not len(self.index):
            raise SaccadeError(
                f"the index holds no video of the split '{split}'; it has {', '.join(sorted(set(index['split'])))}"
            )
        self.num_views = 1 if train else sampling.num_views(settings)
        self.samples = round(float(index["duration_s"].max()) * settings.sample_rate_hz)
        self._columns = {str(name): self.index[name].tolist() for name in self.index}
        self._kept = KeptVideos(cache_mb, settings.colours)
        self._check_modalities()
        needs_places = settings.sampler == "oracle" and not settings.on_demand
        self._informative = of_frames.informative_frames(self.index, truth) if needs_places else {}
        self._truth = of_frames.of_each_frame(self.index, truth, settings.truth) if settings.truth else {}

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, item: int | tuple[int, int]) -> Clip:
        number, epoch = (item, 0) if isinstance(item, int) else item
        row, settings = {name: values[number] for name, values in self._columns.items()}, self.settings
        clip: Clip = {"video_id": row["video_id"], "video_frames": int(row["frames"]), "labels": self._labels(row)}
        clip |= {"indices": torch.empty(0, dtype=torch.int64), "decoded_frames": 0}
        heard = settings.sound if "audio" in settings.modalities else None
        if settings.on_demand:
            clip |= self._on_demand(row)
        elif "rgb" in settings.modalities:
            clip |= self._pictures(row, epoch)
        elif heard == "windows":
            clip["indices"] = torch.from_numpy(self._chosen(row, epoch)[0])
        if heard == "track":
            clip["audio"] = audio.log_mel(self._waveform(row, self.samples), settings)
        elif heard == "windows":
            clip["audio"] = self._windows(row, clip["indices"].numpy())
        return clip

    def at_view(self, view: int) -> "VideoDataset":
        """This dataset at another of its `num_views` views; crops vary fastest, then temporal clips."""
        if not 0 <= view < self.num_views:
            raise IndexError(f"view {view} is not one of {self.num_views}")
        other = copy.copy(self)
        other.view = view
        return other

    def without_augmentation(self) -> "VideoDataset":
        """This split as it would be seen at test time: nothing is drawn."""
        other = copy.copy(self)
        other.train, other.num_views = False, sampling.num_views(self.settings)
        return other

    def _chosen(self, row: Mapping[str, Any], epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """(T,) numbers of the frames looked at, and those glanced at."""
        settings, video = self.settings, row["video_id"]
        drawn = self.train or settings.sampler == "random"
        draw = generator(self.seed, epoch if self.train else 0, video, "frames") if drawn else None
        shown, clip_number = self._clock(row), self.view // settings.num_crops
        informative = self._informative.get(video)
        indices = sampling.choose_on_clock(settings, shown, draw, informative, clip_number, float(row["fps"]))
        return indices, self._glance(shown, video, epoch)

    def _pictures(self, row: Mapping[str, Any], epoch: int) -> Clip:
        settings, video = self.settings, row["video_id"]
        place, total = place_of(self.root, row), int(row["frames"])
        indices, glance = self._chosen(row, epoch)
        frames = self._kept.read_frames(place, np.concatenate([indices, glance]), total, (row["height"], row["width"]))
        if self.train:
            rgb = transforms.train_clip(frames.rgb, settings, generator(self.seed, epoch, video, "crop"))
        else:
            rgb = transforms.test_clip(frames.rgb, settings, self.view % settings.num_crops)
        clip = {
            "rgb": rgb[: len(indices)],
            "indices": torch.from_numpy(indices),
            "decoded_frames": frames.decoded_frames,
        }
        clip["frame_size"] = torch.tensor([row["height"], row["width"]])
        if len(glance):
            clip |= {"glance.rgb": rgb[len(indices) :], "glance.indices": torch.from_numpy(glance)}
        known = self._truth.get(video, {}).items()
        return clip | {f"truth.{column}": torch.from_numpy(values[indices]) for column, values in known}

    def _on_demand(self, row: Mapping[str, Any]) -> Clip:
        frames = FramesByNumber(place_of(self.root, row), int(row["frames"]), self.settings)
        known = self._truth.get(row["video_id"], {}).items()
        whole = {f"truth.{column}": torch.from_numpy(values) for column, values in known}
        return {"frames": frames, "frame_size": torch.tensor([row["height"], row["width"]])} | whole

    def _clock(self, row: Mapping[str, Any]) -> np.ndarray:
        """The frame that each tick shows of what the sampler counts: of frames, each itself."""
        times_s = row["times_s"] if self.settings.sample_by == "time" else ()
        return sampling.clock(int(row["frames"]), row["fps"], row["duration_s"], times_s)

    def _glance(self, shown: np.ndarray, video: str, epoch: int) -> np.ndarray:
        """The second choice of frames, from equal parts of the video; empty where the settings want none."""
        if not self.settings.glance_frames:
            return np.empty(0, dtype=np.int64)
        drawn = generator(self.seed, epoch, video, "glance") if self.train else None
        return shown[sampling.of_each_part(self.settings, len(shown), self.settings.glance_frames, drawn)]

    def _windows(self, row: Mapping[str, Any], indices: np.ndarray) -> torch.Tensor:
        times_s, settings = np.asarray(row["times_s"]), self.settings
        moments_s = times_s[indices] if len(times_s) else indices / row["fps"]
        own = round(float(row["duration_s"]) * settings.sample_rate_hz)
        return audio.windows(self._waveform(row, own), moments_s, settings)

    def _waveform(self, row: Mapping[str, Any], samples: int) -> np.ndarray:
        """(samples,): cut, or silent at the end, to be as long."""
        waveform = self._kept.read_audio(self.root / row["path"], self.settings.sample_rate_hz)[:samples]
        return np.pad(waveform, (0, samples - len(waveform))) if len(waveform) < samples else waveform

    def _labels(self, row: Mapping[str, Any]) -> dict[str, torch.Tensor]:
        labels = {}
        for head in self.heads:
            if head.kind == "single":
                labels[head.name] = torch.tensor(int(row[head.name]))
            else:
                labels[head.name] = torch.zeros(head.num_classes)
                labels[head.name][[int(label) for label in row[head.name]]] = 1
        return labels

    def _check_modalities(self) -> None:
        if "flow" in self.settings.modalities:
            raise SaccadeError(
                "the modality 'flow' needs optical flow stored beside the videos, and no dataset's can be read yet; "
                "take 'flow' out of `modalities`"
            )
        if "audio" not in self.settings.modalities:
            return
        if silent := self.index.loc[~self.index["audio"].astype(bool), "video_id"].tolist():
            raise SaccadeError(
                f"the modality 'audio' needs sound, and {len(silent)} of {len(self)} {self.split} videos have none: "
                f"{first_few(silent)}; take 'audio' out of `modalities`, or use an edition of the dataset without "
                "those videos"
            )
        samples = (self.index["duration_s"] * self.settings.sample_rate_hz).round()
        short = self.index[samples < audio.window_samples(self.settings)].sort_values("duration_s", kind="stable")
        if self.settings.sound == "windows" and len(short):
            named = [f"{row.video_id} ({row.duration_s:g} s)" for row in short.itertuples()]
            raise SaccadeError(
                f"window_s is {self.settings.window_s:g}, and {len(short)} of {len(self)} {self.split} videos are "
                f"shorter: {first_few(named)}; set window_s to {math.floor(1000 * short['duration_s'].min()) / 1000:g} "
                "or less, or use an edition of the dataset without those videos"
            )


def generator(seed: int, epoch: int, video_id: str, use: str) -> np.random.Generator:
    """The random generator of one video in one epoch for one use. Its numbers are the same on every machine."""
    words = np.frombuffer(hashlib.sha256(f"{use}/{video_id}".encode()).digest(), dtype="<u4")
    return np.random.default_rng([seed, epoch, *words.tolist()])
