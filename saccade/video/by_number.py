"""Frames of a video by their numbers, decoded when a method asks for them: what a clip on demand holds in the place of
`rgb`."""

import contextlib
import copy
import time
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils._python_dispatch import _disable_current_modes

from saccade.records import SaccadeError
from saccade.settings import Input
from saccade.video import transforms
from saccade.video.container import VideoError, named_errors
from saccade.video.frame_folder import FrameFolder
from saccade.video.packets import Packets, opened_frames
from saccade.video.upright import rgb_of

BYTES_AT_ONCE = 2**18  # of pictures that are resized together: small ones one by one take much longer
Numbers = Sequence[int] | np.ndarray | torch.Tensor


class FramesByNumber:
    """The frames of one file, as the loader's test-time clip shows them (its centre crop).

    frames: how many the video has (`probe`). decoded_frames: how many were decoded so far. decoding_s, transforms_s:
    the seconds spent so far on decoding (and making RGB of what was wanted), and on resizing and cropping. device:
    where `get` puts its tensors. keep_bytes: a video whose frames take no more is decoded once, and kept; 0 unless
    somebody sets it.

    The file is opened when frames are first asked for, and stays open. Where a plan of it is proved (`gops`), its
    packets stay in memory, about as many bytes as the track has in the file, and only what the wanted frames need is
    decoded. Where none is proved, each call decodes from the beginning to the last frame wanted. It can be pickled: a
    copy opens the file anew.
    """

    def __init__(self, path: Path | FrameFolder, frames: int, settings: Input) -> None:
        self.path, self.frames, self.settings = path, frames, settings
        self.device = torch.device("cpu")
        self.decoded_frames = 0
        self.decoding_s = self.transforms_s = 0.0
        self.keep_bytes, self._kept = 0, dict[int, np.ndarray]()
        self._file, self._looked = contextlib.ExitStack(), False
        self._packets: Packets | FrameFolder | None = None

    def to(self, device: torch.device) -> "FramesByNumber":
        """Itself, from now on with its tensors on `device`."""
        self.device = device
        return self

    def get(self, numbers: Numbers, resize: int | None = None, crop: int | None = None) -> torch.Tensor:
        """(N, C, H, W) float32, normalised, of these frames: in any order, repeats allowed. `resize`, `crop`: in place
        of the settings' own.

        Frames are resized and cropped as they are decoded, small ones some at a time, so that beside the answer only a
        few whole frames are in memory. Raises VideoError where a frame doesn't decode, SaccadeError where it lies
        outside of the video.
        """
        places = places_of(self.path, numbers, self.frames)
        settings, found, missing = as_asked(self.settings, resize, crop), torch.empty(0), set(places)
        with named_errors(self.path):
            for some, pictures in self._stacked(self._pictures(places)):
                shown = self._shown(pictures, settings)
                if len(missing) == len(places):
                    found = shown.new_empty((sum(map(len, places.values())), *shown.shape[1:]))
                if shown.shape[1:] != found.shape[1:]:
                    raise VideoError(f"{self.path}: its frames differ in size; frame {some[0]} has another one")
                for number, one in zip(some, shown, strict=True):
                    found[places[number]] = one
                missing.difference_update(some)
        if missing:
            raise VideoError(f"{self.path}: frame {min(missing)} was asked for, but doesn't decode")
        return found.to(self.device)

    def decoded_for(self, numbers: Numbers) -> int:
        """How many frames are decoded when `get` is asked for these, found without decoding. More really are only where
        the decoder contradicts the plan."""
        places = places_of(self.path, numbers, self.frames)
        with named_errors(self.path):
            packets = self._planned()
        return packets.decoded_for(places) if packets else max(places) + 1

    def _stacked(self, given: Iterator[tuple[int, np.ndarray]]) -> Iterator[tuple[list[int], np.ndarray]]:
        """(numbers, (n, H, W, 3)): neighbours of one size, as many as BYTES_AT_ONCE holds, or one."""
        numbers, pictures = list[int](), list[np.ndarray]()
        for number, picture in given:
            full = (len(pictures) + 1) * picture.nbytes > BYTES_AT_ONCE
            if pictures and (full or picture.shape != pictures[0].shape):
                yield numbers, np.stack(pictures)
                numbers, pictures = [], []
            numbers.append(number)
            pictures.append(picture)
        if pictures:
            yield numbers, np.stack(pictures)

    def _shown(self, pictures: np.ndarray, settings: Input) -> torch.Tensor:
        """(n, C, H, W)."""
        started = time.perf_counter()
        with _disable_current_modes():  # whoever counts what a model executes counts no reading
            shown = transforms.test_clip(pictures, settings)
        self.transforms_s += time.perf_counter() - started
        return shown

    def _pictures(self, wanted: Collection[int]) -> Iterator[tuple[int, np.ndarray]]:
        """(number, (H, W, 3) uint8) of each wanted frame once: those kept, then those decoded now."""
        missing = set(wanted)
        for number in sorted(missing & self._kept.keys()):
            missing.remove(number)
            yield number, self._kept[number]
        for number, frame in self._decoded(sorted(missing)) if missing else ():
            if number in missing and frame.is_corrupt:
                raise VideoError(f"{self.path}: frame {number} decodes with errors")
            if number not in missing and (not self.keep_bytes or number in self._kept or frame.is_corrupt):
                continue
            started = time.perf_counter()
            picture = rgb_of(frame, self.settings.colours)
            self.decoding_s += time.perf_counter() - started
            if self.keep_bytes and picture.nbytes * self.frames > self.keep_bytes:
                self.keep_bytes = 0
            if self.keep_bytes:
                self._kept.setdefault(number, picture.copy())  # a view would hold its padding, too
            if number in missing:
                missing.remove(number)
                yield number, picture
                if not missing:
                    return

    def _decoded(self, wanted: Collection[int]) -> Iterator[tuple[int, Any]]:
        """(number, frame): by plan, and then, where the caller still wants some, all from the beginning."""
        if packets := self._planned():
            yield from self._counted(packets.decode(wanted))
        with opened_frames(self.path, None) as video:
            yield from self._counted(video.decode(wanted))

    def _counted(self, given: Iterator[tuple[int, Any]]) -> Iterator[tuple[int, Any]]:
        while True:
            started = time.perf_counter()
            found = next(given, None)
            self.decoding_s += time.perf_counter() - started
            if found is None:
                return
            self.decoded_frames += 1
            yield found

    def _planned(self) -> Packets | FrameFolder | None:
        """What decodes no more than it must: the folder, or the file's packets where a plan of them is proved."""
        if not self._looked:
            started = time.perf_counter()
            packets = self._file.enter_context(opened_frames(self.path, self.frames))
            self._packets, self._looked = packets if packets.planned else None, True
            if not packets.planned:
                self._file.close()
            self.decoding_s += time.perf_counter() - started
        return self._packets

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"_file": None, "_packets": None, "_looked": False, "_kept": {}, "keep_bytes": 0}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state | {"_file": contextlib.ExitStack()})


def as_asked(settings: Input, resize: int | None, crop: int | None) -> Input:
    """The settings with another short side and another crop, where they are given."""
    if resize is None and crop is None:
        return settings
    asked = copy.copy(settings)  # not made anew: a method may demand more of its own crop than of this one
    short, side = (settings.resize if resize is None else resize), (settings.crop if crop is None else crop)
    vars(asked).update(resize=short, resize_to=0, crop=side)
    return asked


def places_of(video: object, numbers: Numbers, frames: int) -> dict[int, list[int]]:
    """{frame number: where it stands among the numbers}. Raises SaccadeError where one lies outside of the video."""
    places: dict[int, list[int]] = {}
    for place, number in enumerate(numbers if isinstance(numbers, Sequence) else numbers.tolist()):
        places.setdefault(int(number), []).append(place)
    if not places:
        raise ValueError("numbers must hold at least one frame number")
    if wrong := [number for number in places if not 0 <= number < frames]:
        raise SaccadeError(f"{video}: frame {wrong[0]} was asked for; it has frames 0 to {frames - 1}")
    return places
