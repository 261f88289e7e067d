"""Frames of a video file one by one, each decoded when somebody asks for it, for who decides frame by frame."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from saccade.records import SaccadeError
from saccade.settings import Input
from saccade.video import transforms
from saccade.video.container import VideoError
from saccade.video.decode import read_frames, rgb_of
from saccade.video.frame_folder import FrameFolder
from saccade.video.packets import Packets, opened_frames


@contextmanager
def frames_on_demand(
    path: Path | FrameFolder, frames: int, settings: Input, among: Collection[int] | None = None
) -> Iterator["FramesOnDemand"]:
    """The frames of an open file; `frames`: how many `probe` found; `among`: the only numbers that may be asked for,
    where that is known. Raises VideoError where it can't be decoded."""
    with opened_frames(path, frames) as packets:
        yield FramesOnDemand(path, packets, frames, settings, range(frames) if among is None else frozenset(among))


class FramesOnDemand:
    """What the loader gives of these frames at test time, in rising order.

    A container may make a skipped frame cost something: where a wanted frame's group of pictures was begun, the decoder
    goes on in it, frame by frame, and where not, from its key frame on. So between two key frames all up to the last
    wanted one are decoded, groups without a wanted frame aren't, and a file of key frames alone costs what is wanted.
    Pictures that no other depends on are passed over where nobody may ask for them, so that no more is decoded than the
    loader does for all that may be asked for. Where no plan of the file can be proved (`gops`), all frames up to the
    last wanted one are decoded. The packets are in memory meanwhile.
    """

    def __init__(
        self,
        path: Path | FrameFolder,
        packets: Packets | FrameFolder,
        frames: int,
        settings: Input,
        among: Collection[int],
    ) -> None:
        self.path, self.frames, self.settings, self._among = path, frames, settings, among
        self.wanted_frames = self.decoded_frames = 0  # so far
        self._packets = packets
        self._group: tuple[int, int] = (-1, -1)  # the first frame of the group being decoded, and that behind its last
        self._given: Iterator[tuple[int, Any]] = iter(())
        self._last: tuple[int, torch.Tensor] | None = None

    def get(self, number: int) -> torch.Tensor:
        """(C, H, W) float32 of a frame, normalised; the last one may be asked for again. Raises VideoError where it
        doesn't decode, SaccadeError where it lies before the last one, outside the file or not `among` its frames."""
        if not 0 <= number < self.frames:
            raise SaccadeError(f"{self.path}: frame {number} was asked for; it has frames 0 to {self.frames - 1}")
        if number not in self._among:
            raise SaccadeError(f"{self.path}: frame {number} was asked for; name it in `among` when you open the file")
        if self._last is None or number > self._last[0]:
            rgb = self._picture(number)
            self.wanted_frames += 1
            self._last = number, transforms.test_clip(rgb[None], self.settings)[0]
        elif number < self._last[0]:
            raise SaccadeError(
                f"{self.path}: frame {number} was asked for after frame {self._last[0]}; ask in rising order"
            )
        return self._last[1]

    def _picture(self, number: int) -> Any:
        if not self._group[0] <= number < self._group[1]:
            self._group, self._given = self._from(number)
        for at, frame in self._given:
            self.decoded_frames += 1
            if at == number:
                if frame.is_corrupt:
                    raise VideoError(f"{self.path}: frame {number} decodes with errors")
                return rgb_of(frame, self.settings.colours)
        found = read_frames(self.path, [number], None, self.settings.colours)  # the decoder contradicted the plan
        self.decoded_frames += found.decoded_frames
        return found.rgb[0]

    def _from(self, number: int) -> tuple[tuple[int, int], Iterator[tuple[int, Any]]]:
        """Where the frame's group begins and ends, and what decodes it."""
        group = self._packets.group_of(number)
        return group, self._packets.decode({one for one in self._among if group[0] <= one < group[1]})
