"""Watching as a camera does (Sec. III-D): frame by frame, and a frame that the temporal sampler skips needn't even be
fetched. What is seen, decided, scored and computed is what `watching.watch` does with all frames at hand."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from saccade.records import SaccadeError

from ..settings import Settings
from . import regions
from .attention import cumulative
from .hallucinator import State, similarity
from .heads import Logits, mean_logits
from .mac import Clip, Mac, Seen, crops_at, low_resolution, read_by
from .slots import features_in_order, in_slots, slot_order
from .times import FULL, SCANNED, SKIPPED, Decide, Way, most_likely


@dataclass
class Look:
    """What became of a frame that was looked at. fate: FULL or SCANNED; decision: -1 on the first; similarity: of its
    attention and what was expected, nan on the first. Of a full one whose crops attention chose: attention (h, w), the
    mean over its channels; corners (k, 2), top and left; number: how many regions there were."""

    fate: int
    decision: int = -1
    similarity: float = float("nan")
    attention: Tensor | None = None
    corners: Tensor | None = None
    number: int = -1


class Watcher:
    """One video, from its first frame on, of which only what comes next is known.

    Before each frame ask what it `wants`; then either `see` the frame, or `leave` it. `answer` may be asked at any
    time; it costs the classifiers, and is what `watch` would say if the video ended here.

    Trajectories of k > 1 crops (`slots: trajectories`) go through all full frames, so no camera knows at a frame which
    crop belongs into which slot. Crops are cut and go through their network in time all the same, but their features
    are kept, and the recurrent heads read them when an answer is asked for, each time from the first frame on. With the
    other two kinds of slots the heads go along, and nothing is kept but their states.
    """

    def __init__(self, model: Mac, settings: Settings, decide: Decide = most_likely, row: int = 0) -> None:
        """`decide` is asked about this `row`. Raises SaccadeError where the settings have no temporal sampler, or crops
        elsewhere than where attention is."""
        if not settings.scans:
            raise SaccadeError(
                f"skips is {settings.skips} and fusion {settings.fusion}: frame by frame goes what a temporal sampler "
                "watches; set skips to 1 or more, and a fusion with recurrent heads"
            )
        if settings.regions and settings.look != "learned":
            raise SaccadeError(
                f"the look is {settings.look}: frame by frame the crops are where attention is; set look: learned"
            )
        self.model, self.settings, self._decide, self._row = model, settings, decide, torch.tensor([row])
        self._keeps = settings.slots == "trajectories" and settings.regions > 1 and "regions" in model.read
        self._kept: list[dict[str, Tensor]] = []
        self._places: list[Tensor] = []  # (k, 2) of the full frames so far; of all, or where nothing is kept the last
        self._at = self._full = self._left = 0
        self._attention: Tensor | None = None  # of the last frame looked at
        self._memory: State | None = None
        self._state: Tensor | None = None
        self._states: dict[str, Tensor | None] = dict.fromkeys(model.heads)
        self._totals: dict[str, Tensor | float] = dict.fromkeys(model.heads, 0.0)

    @property
    def wants(self) -> bool:
        """Whether the next frame is to be looked at."""
        return self._left == 0

    def leave(self) -> None:
        """Lets the next frame pass. Raises SaccadeError where it is wanted."""
        if self.wants:
            raise SaccadeError(f"frame {self._at} is wanted: give it to `see`")
        self._left -= 1
        self._at += 1

    @torch.inference_mode()
    def see(self, frame: Tensor, hear: Callable[[], Tensor] | None = None) -> Look:
        """The next frame (C, H, W), and what gives the window of sound around it (1, frequencies, steps): called where
        the frame is seen in full by a model that listens. Raises SaccadeError where the frame isn't wanted."""
        if not self.wants:
            more = f", nor are {self._left - 1} behind it" * (self._left > 1)
            raise SaccadeError(f"frame {self._at} isn't wanted{more}: let it pass by `leave`")
        low = low_resolution(frame[None, None], self.settings.low_size)[:, 0]
        maps, weights = self.model.low_cnn.prescan(low, self.settings.attention_layer)  # type: ignore[operator]
        look = self._decided(attention := cumulative(weights))
        self._attention, self._at, self._left = attention, self._at + 1, max(look.decision - 1, 0)
        if look.fate == FULL:
            self._full += 1
            self._read(self._rest(look, frame, hear, maps, attention))
        return look

    @torch.inference_mode()
    def answer(self) -> Logits:
        """{head: (1, K)}, the scores so far. Raises SaccadeError before the first frame."""
        if not self._full:
            raise SaccadeError("no frame was seen yet: give the first one to `see`")
        if not self._keeps:
            heads = self.model.heads.items()
            return mean_logits([head.score(self._totals[name] / self._full) for name, head in heads])
        features = {part: torch.cat([one[part] for one in self._kept])[None] for part in self._kept[0]}
        order = slot_order(torch.stack(self._places)[None].cpu().numpy(), self.settings.slots)
        features["regions"] = features_in_order(features["regions"], order)
        return mean_logits(list(self.model.answers(features, list(self.model.heads)).values()))

    def _decided(self, attention: Tensor) -> Look:
        """By how the attention (1, C, h, w) compares with what the last frame looked at made expect."""
        if self._attention is None:
            return Look(FULL)
        expected, self._memory = self.model.foresight(self._attention, self._memory)
        alike = similarity(attention, expected)
        scores, self._state = self.model.sampler(attention, expected, alike, self._state)
        chosen = int(self._decide(scores, self._row, torch.tensor([self._at])))
        return Look(SCANNED if chosen else FULL, chosen, float(alike))

    def _rest(
        self, look: Look, frame: Tensor, hear: Callable[[], Tensor] | None, maps: Tensor, attention: Tensor
    ) -> dict[str, Tensor]:
        """{part: (1, D)} of what the heads read of a full frame; where crops are, goes into `look`."""
        model, settings, found = self.model, self.settings, {}
        if "low" in model.read:
            found["low"] = model.low_cnn.resume(maps, settings.attention_layer)  # type: ignore[operator]
        if "sound" in model.read and "high_spectrogram_cnn" in model.sizes:
            if hear is None:
                raise SaccadeError(f"frame {self._at - 1} came without sound, which the model hears: give `see` both")
            found["sound"] = model.high_spectrogram_cnn(hear()[None])
        if "regions" in model.read:
            look.attention = attention[0].mean(0)
            look.corners, look.number = self._corners(look.attention, (frame.shape[1], frame.shape[2]))
            crops = crops_at(frame[None, None], look.corners.to(frame.device)[None, None], settings.region_size)[0, 0]
            found["regions"] = model.high_cnn(crops).flatten()[None]
        return found

    def _corners(self, attention: Tensor, size: tuple[int, int]) -> tuple[Tensor, int]:
        """(k, 2) of one map, where nothing is kept in slot order; and how many regions it had."""
        found, number = regions.corners_and_number(attention[None, None], self.settings, size, self.settings.slots)
        places = found[0, 0].cpu()
        if self._places and not self._keeps:
            both = torch.stack([*self._places, places])[None].numpy()
            places = torch.from_numpy(np.ascontiguousarray(in_slots(both, self.settings.slots)[0, 1]))
        self._places = [*self._places, places] if self._keeps else [places]
        return places, int(number)

    def _read(self, features: dict[str, Tensor]) -> None:
        """A full frame further."""
        if self._keeps:
            self._kept.append(features)
            return
        for name, head in self.model.heads.items():
            read = read_by(name, {part: one[:, None] for part, one in features.items()})[:, 0]
            state, self._states[name] = head.step(read, self._states[name])  # type: ignore[operator]
            self._totals[name] = self._totals[name] + state


def watch_online(model: Mac, clip: Clip, settings: Settings, decide: Decide) -> tuple[Seen, Logits]:
    """The videos of a batch one after another, each frame by frame: what `watch` gives without its features, and the
    scores {head: (B, K)}."""
    watched = [_watched(Watcher(model, settings, decide, row), clip, row) for row in range(len(clip["rgb"]))]
    ways, looks, answers = zip(*watched, strict=True)
    device = clip["rgb"].device
    seen = Seen({}, way=Way(*(torch.cat([getattr(way, part) for way in ways]) for part in vars(ways[0]))))
    if "regions" in model.read:
        of_all: Any = [[(one.attention, one.corners, torch.tensor(one.number)) for one in video] for video in looks]
        parts = [[torch.stack(part) for part in zip(*video, strict=True)] for video in of_all]
        seen.attention = pad_sequence([attention for attention, _, _ in parts], batch_first=True)
        order = settings.slots if settings.slots == "trajectories" else "activation"  # others are in order already
        corners = [torch.from_numpy(in_slots(places[None].numpy(), order)[0]) for _, places, _ in parts]
        seen.corners = pad_sequence(corners, batch_first=True).to(device)
        seen.number = pad_sequence([number for _, _, number in parts], batch_first=True, padding_value=-1)
    return seen, {name: torch.cat([answer[name] for answer in answers]) for name in answers[0]}


def _watched(watcher: Watcher, clip: Clip, row: int) -> tuple[Way, list[Look], Logits]:
    """One video's way (1, T), its full looks and its answer."""
    frames, sound = clip["rgb"].shape[1], clip.get("audio")
    looks: dict[int, Look] = {}
    for at in range(frames):
        if watcher.wants:
            looks[at] = watcher.see(clip["rgb"][row, at], None if sound is None else lambda at=at: sound[row, at])
        else:
            watcher.leave()
    way = Way(torch.full((1, frames), SKIPPED), torch.full((1, frames), -1), torch.full((1, frames), torch.nan))
    for at, look in looks.items():
        way.fates[0, at], way.decisions[0, at], way.similarity[0, at] = look.fate, look.decision, look.similarity
    return way, [look for look in looks.values() if look.fate == FULL], watcher.answer()
