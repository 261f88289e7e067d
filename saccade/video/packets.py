"""The packets of a file's pictures, and how frames are decoded from them: by plan where one is proved (`gops`), else
all from the beginning."""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from saccade.video import gops
from saccade.video.container import video_stream


class Packets:
    """All packets of the track that is shown, in memory: as many bytes as the track has in the file, and some hundred
    more for each. `frames`: how many are known to decode. `plan`: None where none is proved."""

    def __init__(self, path: Path, container: Any, frames: int) -> None:
        stream = video_stream(path, container)
        self.frames, self._codec = frames, stream.codec_context
        every = container.demux(stream)
        self._packets = [one for one in every if one.size or one.dts is not None or one.pts is not None]
        self.plan = gops.plan(self._packets, self._codec, frames)

    def decode(self, wanted: Collection[int]) -> Iterator[tuple[int, Any]]:
        """(number, frame) of the frames to decode for those wanted, in order of number. By plan it may be asked for
        again, and gives fewer where the decoder contradicts it; without plan all, once."""
        if self.plan and max(wanted) < self.frames:
            return gops.decode(self._packets, self._codec, self.plan, wanted)
        return enumerate(frame for packet in [*self._packets, None] for frame in self._codec.decode(packet))

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
