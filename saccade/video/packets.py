"""The packets of a file's pictures, and how frames are decoded from them: by plan where one is proved (`gops`), else
all from the beginning."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

from saccade.video import gops
from saccade.video.container import opened, video_stream
from saccade.video.frame_folder import FrameFolder


@contextmanager
def opened_frames(video: Path | FrameFolder, frames: int | None) -> Iterator["Packets | FrameFolder"]:
    """What decodes the video's frames: the packets of the open file, or the folder itself. Whatever FFmpeg finds wrong
    becomes a VideoError that names the file."""
    if isinstance(video, FrameFolder):
        yield video
    else:
        with opened(video) as container:
            yield Packets(video, container, frames)


class Packets:
    """The packets of the track that is shown. `frames`: how many are known to decode; all packets are in memory then,
    as many bytes as the track has in the file, and some hundred more for each. `plan`: None where none is proved."""

    def __init__(self, path: Path, container: Any, frames: int | None) -> None:
        stream = video_stream(path, container)
        self.frames, self._codec, every = frames or 0, stream.codec_context, container.demux(stream)
        self._unread = (one for one in every if one.size or one.dts is not None or one.pts is not None)
        self._packets = list(self._unread) if frames else []
        self.plan = gops.plan(self._packets, self._codec, frames) if frames else None

    @property
    def planned(self) -> bool:
        """Whether it decodes no more than a plan says, and may be asked again."""
        return self.plan is not None

    def decode(self, wanted: Collection[int]) -> Iterator[tuple[int, Any]]:
        """(number, frame) of the frames to decode for those wanted, in order of number. By plan it may be asked for
        again, and gives fewer where the decoder contradicts it; without plan all, once."""
        if self.plan and max(wanted) < self.frames:
            return gops.decode(self._packets, self._codec, self.plan, wanted)
        return enumerate(
            frame for packet in chain(self._packets, self._unread, [None]) for frame in self._codec.decode(packet)
        )

    def decoded_for(self, wanted: Collection[int]) -> int:
        """How many frames `decode` gives up to the last one wanted, where the decoder follows the plan."""
        if self.plan and max(wanted) < self.frames:
            return gops.decoded_for(self.plan, wanted)
        return max(wanted) + 1

    def group_of(self, number: int) -> tuple[int, int]:
        """The first frame of the closed group of pictures that the frame is in, and that behind its last; without plan
        the whole file."""
        starts = self.plan.starts if self.plan else [0]
        ends = [*starts[1:], self.frames]
        return next((first, end) for first, end in zip(starts, ends, strict=True) if number < end)
