"""Decoding and answering in one: clips in H.264 for `benchmarks.skipping --decoding`, and a side that reads them."""

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pandas as pd
import torch

from benchmarks.adafocus import Side
from benchmarks.clips import pictures
from benchmarks.inside import clock
from saccade.records import INDEX_COLUMNS
from saccade.video.batches import collate
from saccade.video.clip_on_demand import clip_on_demand
from saccade.video.loader import VideoDataset
from saccade.video.probe import VideoInfo, probe

SIDE, RATE_HZ, FPS = 256, 24000, 30
CPU = torch.device("cpu")


def encode(path: Path, group: int, frames: int) -> Path:
    """Writes a texture that moves, with a key frame in every `group` frames and noise as its sound, as x264 and AAC by
    their own defaults else."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=FPS, options={"crf": "23", "g": str(group)})
        video.width, video.height, video.pix_fmt, video.codec_context.thread_count = SIDE, SIDE, "yuv420p", 1
        track = container.add_stream("aac", rate=RATE_HZ, layout="mono")
        for number, picture in zip(range(frames), pictures(SIDE, SIDE), strict=False):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        noise = np.random.default_rng(0).normal(0, 0.1, (1, frames * RATE_HZ // FPS)).astype(np.float32)
        sound = av.AudioFrame.from_ndarray(noise, format="fltp", layout="mono")
        sound.sample_rate, sound.pts = RATE_HZ, 0
        container.mux(track.encode(sound))
        container.mux(track.encode(None))
    return path


@dataclass
class FromFile:
    """A side that opens the file and decodes in each call: what it asks for, or, `whole`, the loader's clip.
    spent: of each call, seconds of processor time for reading and in all; decoded, wanted: frames of the last one."""

    side: Side
    path: Path
    whole: bool
    spent: list[tuple[float, float]] = field(default_factory=list)
    decoded: int = 0
    wanted: int = 0
    info: VideoInfo = field(init=False)
    _dataset: VideoDataset = field(init=False)

    def __post_init__(self) -> None:
        self.info = probe(self.path)
        facts = {"video_id": "0", "split": "try", "cluster": "", "path": self.path.name} | self.info.columns()
        index = pd.DataFrame([facts])[INDEX_COLUMNS]
        self._dataset = VideoDataset(index, self.path.parent, (), self.side.settings, "try", train=False, seed=0)

    def __call__(self, _: Any = None) -> Any:
        started = clock()
        found, read_s = self._whole() if self.whole else self._on_demand()
        self.spent.append((read_s, clock() - started))
        return found

    def _whole(self) -> tuple[Any, float]:
        started = clock()
        clip = collate([self._dataset[0]])
        read_s = clock() - started
        self.decoded, self.wanted = int(clip["decoded_frames"]), clip["rgb"].shape[1]
        return self.side(clip), read_s

    def _on_demand(self) -> tuple[Any, float]:
        with clip_on_demand(self.path, self.info, self.side.settings, CPU, "0", clock) as (clip, reading):
            found = self.side(clip)
        self.decoded, self.wanted = reading.decoded_frames, reading.wanted_frames
        return found, reading.seconds

    def reading(self) -> tuple[float, float]:
        """(milliseconds of a call that are reading, their share of it): of the median call, the first one aside."""
        read, total = np.median(self.spent[1:], axis=0)
        return 1000 * float(read), float(read / total)
