"""What answers like `FramesByNumber`: made-up pictures, and frames that are kept or changed on their way."""

from collections.abc import Callable
from typing import Any

import torch

from saccade.video.by_number import Numbers, places_of


class FramesInMemory:
    """A made-up video of so many `frames`, number n of which shows `pictures[n % len(pictures)]`, (N, C, H, W) float32,
    normalised.

    What `get` decodes, and counts, is what a file would that has a key frame every `group` frames.
    """

    def __init__(self, pictures: torch.Tensor, frames: int, group: int = 12) -> None:
        self.pictures, self.frames, self.group, self.device = pictures, frames, group, pictures.device
        self.decoded_frames = 0
        self.decoding_s = self.transforms_s = 0.0

    def to(self, device: torch.device) -> "FramesInMemory":
        """Itself, from now on with its tensors on `device`."""
        self.device = device
        return self

    def get(self, numbers: Numbers, resize: int | None = None, crop: int | None = None) -> torch.Tensor:
        """(N, C, H, W) float32. Pictures keep their size where nothing is asked for; a short side that is shorter than
        the crop is brought to it."""
        self.decoded_frames += self.decoded_for(numbers)
        shown = self.pictures[torch.as_tensor(numbers).cpu() % len(self.pictures)]
        height, width = shown.shape[-2:]
        short = max(resize or min(height, width), crop or 0)
        if short != min(height, width):
            size = (height * short // min(height, width), width * short // min(height, width))
            shown = torch.nn.functional.interpolate(shown, size=size, mode="bilinear", antialias=True)
        if crop:
            top, left = (shown.shape[-2] - crop) // 2, (shown.shape[-1] - crop) // 2
            shown = shown[..., top : top + crop, left : left + crop]
        return shown.to(self.device)

    def decoded_for(self, numbers: Numbers) -> int:
        last: dict[int, int] = {}
        for number in places_of("a made-up video", numbers, self.frames):
            group, place = divmod(number, self.group)
            last[group] = max(last.get(group, 0), place + 1)
        return sum(last.values())


class KeptFrames:
    """A video's frames by number, kept once they were asked for: for the same ones nothing is decoded again."""

    def __init__(self, frames: Any) -> None:
        self._frames = frames
        self._given: dict[tuple[Any, ...], torch.Tensor] = {}
        self._decoded_for: dict[tuple[int, ...], int] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._frames, name)

    def get(self, numbers: Numbers, resize: int | None = None, crop: int | None = None) -> torch.Tensor:
        """The same tensor as the first time."""
        asked = (tuple(map(int, numbers)), resize, crop)
        if asked not in self._given:
            self._given[asked] = self._frames.get(numbers, resize, crop)
        return self._given[asked]

    def decoded_for(self, numbers: Numbers) -> int:
        asked = tuple(map(int, numbers))
        if asked not in self._decoded_for:
            self._decoded_for[asked] = self._frames.decoded_for(numbers)
        return self._decoded_for[asked]


class ChangedFrames:
    """A video's frames by number, each tensor changed by a function."""

    def __init__(self, frames: Any, change: Callable[[torch.Tensor], torch.Tensor]) -> None:
        self._frames, self._change = frames, change

    def __getattr__(self, name: str) -> Any:
        return getattr(self._frames, name)

    def get(self, numbers: Numbers, resize: int | None = None, crop: int | None = None) -> torch.Tensor:
        return self._change(self._frames.get(numbers, resize, crop))
