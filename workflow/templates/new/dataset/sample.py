"""A few made-up videos laid out as published, for the contract tests."""

from pathlib import Path

import av
import numpy as np

SETTINGS = {"val_share": 0.5}  # in place of the card's


def write(raw: Path) -> None:
    """Two classes, six recordings for training and two for testing."""
    for name, recordings in (("train", "abcdef"), ("test", "gh")):
        lines = ["video,label,cluster"]
        for number, recording in enumerate(recordings):
            write_video(raw / "videos" / f"{recording}.mp4", grey=20 * (ord(recording) - ord("a")))
            lines.append(f"{recording}.mp4,{('first', 'second')[number % 2]},{recording}")
        (raw / f"{name}.csv").write_text("\n".join(lines) + "\n")


def write_video(path: Path, grey: int, frames: int = 8, side: int = 48) -> None:
    """A grey video in H.264."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=8)
        stream.width, stream.height, stream.pix_fmt = side, side, "yuv420p"
        stream.codec_context.thread_count = 1
        # else it reads memory that nobody wrote
        stream.codec_context.options = {"x264-params": "threads=1:lookahead-threads=1:no-mbtree=1"}
        for number in range(frames):
            picture = np.full((side, side, 3), grey + 10 * number, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
