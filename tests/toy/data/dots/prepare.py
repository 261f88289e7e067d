"""24 videos of 8 frames, 32 pixels wide; the editions split the same videos otherwise."""

from pathlib import Path
from typing import Any

import av
import numpy as np
import pandas as pd

VIDEOS, FRAMES, SIDE, CLASSES = 24, 8, 32, 3
SPLITS = ["test", "val", "train", "train"]


def prepare(settings: Any, raw: Path, seed: int, workers: int) -> tuple[pd.DataFrame, None]:
    rows = []
    for number in range(VIDEOS):
        path = raw / f"v{number:02}.mp4"
        write(path, pictures(number, np.random.default_rng([seed, number])))
        split = SPLITS[(number // CLASSES + settings.fold) % 4]  # every split holds every class
        rows.append(
            {"video_id": path.stem, "split": split, "cluster": path.stem, "path": str(path), "noun": number % CLASSES}
        )
    return pd.DataFrame(rows), None


def pictures(number: int, generator: np.random.Generator) -> np.ndarray:
    """(T, H, W, 3) uint8: noise, and in half of the frames a square in the colour of the class."""
    frames = generator.integers(90, 160, (FRAMES, SIDE, SIDE, 1)).repeat(3, axis=3).astype(np.uint8)
    for frame in generator.permutation(FRAMES)[: FRAMES // 2]:
        top, left = generator.integers(0, SIDE - 16, 2)
        frames[frame, top : top + 16, left : left + 16] = 255 * np.eye(CLASSES)[number % CLASSES]
    return frames


def write(path: Path, frames: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=8)
        stream.width, stream.height, stream.pix_fmt = SIDE, SIDE, "yuv420p"
        stream.codec_context.thread_count = 1
        # else it reads memory that nobody wrote
        stream.codec_context.options = {"x264-params": "threads=1:lookahead-threads=1:no-mbtree=1"}
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))
