"""VideoEpitoma (Hussein et al., 2020): a LightNet looks at one frame of each candidate timestep of a long video, a
selector chooses the few that matter, and only those pass the HeavyNet, whose features are classified.

Each video goes its own way, so what it costs and what it gets depend on no other. What one operating point computed
another may use (`clip["memory"]`); a video's declared multiply-adds are those of its point alone.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from saccade.cost.forward import forward_macs
from saccade.nn.heads import probabilities
from saccade.records import Head, Prediction, SaccadeError
from saccade.video.transforms import resized_size

from .networks import places
from .networks.epitoma import Epitoma, Logits
from .networks.selector import step
from .settings import SELECTING, Settings

# What a network is built with: a point that set it otherwise would do nothing, or fail. By name, since the sections'
# types would be hashed with the code, and a new setting would predict everything anew
BUILT = (
    *("light", "light_width", "heavy", "heavy_size", "heavy_width", "shuffle_groups"),
    *("context", "concepts", "gate_hidden", "hidden", "pooling"),
    *("timesteps", "timestep_frames", "light_resize", "light_crop"),  # places mean others then, and features
)
# How many frames are decoded and pass a network together. Each time decoding begins at key frames again, so of large
# frames there are 32, too (their first maps in I3D take 50 MB at 224 pixels)
FRAMES_AT_ONCE, PIXELS_AT_ONCE = 32, 8 * 224 * 224
Clip = dict[str, Any]


@dataclass
class Watched:
    """Of one video. chosen: (T',) places, in order of time; pool: (P,) places that the LightNet saw, and alpha: their
    gating values; macs; frames: how many the networks saw; decoded: how many were decoded for them."""

    chosen: places.Places
    pool: places.Places = field(default_factory=lambda: np.empty(0, np.int64))
    alpha: list[float] = field(default_factory=list)
    macs: int = 0
    frames: int = 0
    decoded: int = 0


@dataclass
class Seen:
    """features: (N, D) of a network, of N timesteps; macs: what they cost; decoded: how many frames were decoded for
    them, in a video by itself."""

    features: Tensor
    macs: int
    decoded: int


def build(settings: Settings, heads: tuple[Head, ...]) -> Epitoma:
    return Epitoma(settings, heads)


def predict(model: Epitoma, clip: Clip, settings: Settings) -> Prediction:
    """By the timesteps that the settings' `choose` chooses. Raises SaccadeError where the settings ask for another
    network than this one."""
    if other := next((name for name in BUILT if getattr(settings, name) != getattr(model.settings, name)), None):
        raise SaccadeError(
            f"{other} is {getattr(settings, other)} here, and {getattr(model.settings, other)} in the variant, which "
            "no point can change: make another variant"
        )
    seen, logits = zip(*(watch(model, clip, number, settings) for number in range(len(clip["video_id"]))), strict=True)
    together = {head: torch.cat([one[head] for one in logits]) for head in logits[0]}
    return Prediction(
        probabilities=probabilities(together, model.heads_known),
        macs=torch.tensor([one.macs for one in seen]),
        frames=torch.tensor([one.frames for one in seen]),
        decoded_frames=torch.tensor([one.decoded for one in seen]),
        decisions=[_decision(clip, number, one, settings) for number, one in enumerate(seen)],
    )


def watch(model: Epitoma, clip: Clip, number: int, settings: Settings) -> tuple[Watched, Logits]:
    """What becomes of one video of the clip, and its scores, {head: (1, K)}."""
    if settings.choose in SELECTING:
        pool = places.centre(settings.timesteps, settings.looked_at)
        light = look(model, clip, number, pool, settings)
        alpha = model.selector(light.features[None])[0]
        macs = light.macs + forward_macs(model.selector, tuple(light.features.shape))
        watched = Watched(pool[_selected(alpha, settings)], pool, alpha.tolist(), macs, len(pool), light.decoded)
    else:
        watched = Watched(_without_looking(model, clip, number, settings))
    heavy = see(model, clip, number, watched.chosen, settings)
    logits = model.classifier(heavy.features[None])
    watched.macs += heavy.macs + forward_macs(model.classifier, tuple(heavy.features.shape))
    watched.frames += len(watched.chosen) * settings.heavy_frames
    watched.decoded += heavy.decoded
    return watched, logits


def look(model: Epitoma, clip: Clip, number: int, at: places.Places, settings: Settings) -> Seen:
    """What the LightNet sees at these places of the clip's video `number`."""
    video, size = clip["frames"][number], _light_size(settings)
    shape = _shape(clip, number, settings, **size)
    rows = Rows(places.middles(at, video.frames, settings)[:, None], shape)

    def features(numbers: NDArray[np.int64]) -> Tensor:
        return model.light(video.get(numbers, **size))  # type: ignore[no-any-return]

    found = _remembered(clip, ("light", number), at, rows, features)
    return Seen(found, len(at) * forward_macs(model.light, shape), rows.decoded_for(video))


def see(model: Epitoma, clip: Clip, number: int, at: places.Places, settings: Settings) -> Seen:
    """What the HeavyNet sees there."""
    video, length = clip["frames"][number], settings.heavy_frames
    rows = Rows(places.seen(at, video.frames, settings), _shape(clip, number, settings))

    def features(numbers: NDArray[np.int64]) -> Tensor:
        pictures = video.get(numbers).unflatten(0, (-1, length))  # (n, m, C, H, W)
        return model.heavy(pictures.transpose(1, 2))  # type: ignore[no-any-return]

    found = _remembered(clip, ("heavy", number), at, rows, features)
    return Seen(found, len(at) * _timestep_macs(model, clip, number, settings), rows.decoded_for(video))


@dataclass
class Rows:
    """shown: (N, m) the frames of each place that a network sees, of `shape` (C, H, W) each."""

    shown: NDArray[np.int64]
    shape: tuple[int, int, int]

    def some(self, which: NDArray[Any]) -> list[NDArray[Any]]:
        """Numbers of rows, in pieces that are decoded and computed at once."""
        frames = max(PIXELS_AT_ONCE // (self.shape[1] * self.shape[2]), FRAMES_AT_ONCE)
        each = max(frames // self.shown.shape[1], 1)
        return [which[first : first + each] for first in range(0, len(which), each)]

    def decoded_for(self, video: Any) -> int:
        """How many frames are decoded for all of them, in a video by itself."""
        return sum(video.decoded_for(self.shown[few].ravel()) for few in self.some(np.arange(len(self.shown))))


def _remembered(
    clip: Clip,
    what: tuple[str, int],
    at: places.Places,
    rows: Rows,
    features: Callable[[NDArray[np.int64]], Tensor],
) -> Tensor:
    """(N, D): what `features` gives of the frames shown at these places, some at a time; of places that an earlier
    point asked about what it gave then."""
    memory = clip.get("memory")
    known: dict[int, Tensor] = {} if memory is None else memory.setdefault(what, {})
    new = np.flatnonzero([place not in known for place in at.tolist()])
    for few in rows.some(new):
        known |= dict(zip(at[few].tolist(), features(rows.shown[few].ravel()), strict=True))
    return torch.stack([known[place] for place in at.tolist()])


def _selected(alpha: Tensor, settings: Settings) -> Any:
    """Numbers of the pool's timesteps that are chosen, rising: those whose gate is open, or the `selected` best by the
    gating value without noise; of equal ones the earlier."""
    if settings.choose == "threshold":
        return np.flatnonzero(step(alpha[None])[0].cpu().numpy())
    ranked = torch.sort(alpha, descending=True, stable=True).indices[: settings.selected]
    return np.sort(ranked.cpu().numpy())


def _without_looking(model: Epitoma, clip: Clip, number: int, settings: Settings) -> places.Places:
    grid, wanted = settings.timesteps, min(settings.selected, settings.timesteps)
    if settings.choose == "first":
        return places.first(grid, wanted)
    if settings.choose == "random":
        return places.random(grid, wanted, settings.draw, clip["video_id"][number])
    if settings.choose == "truth":
        return places.truth(wanted, clip["truth.informative"][number], settings)
    if settings.choose == "equal":
        wanted = min(wanted + selectors_worth(model, clip, number, settings), grid)
    return places.centre(grid, wanted)


def selectors_worth(model: Epitoma, clip: Clip, number: int, settings: Settings) -> int:
    """How many timesteps the HeavyNet sees for what the selector costs with this pool, to the nearest whole number."""
    pool, features = settings.looked_at, model.selector.concepts.in_features
    light = forward_macs(model.light, _shape(clip, number, settings, **_light_size(settings)))
    cost = pool * light + forward_macs(model.selector, (pool, features))
    return round(cost / _timestep_macs(model, clip, number, settings))


def _timestep_macs(model: Epitoma, clip: Clip, number: int, settings: Settings) -> int:
    """Of a timestep in the HeavyNet."""
    colours, height, width = _shape(clip, number, settings)
    return forward_macs(model.heavy, (colours, settings.heavy_frames, height, width))


def _light_size(settings: Settings) -> dict[str, int]:
    """What the LightNet's frames are asked for with, where they aren't as the HeavyNet's."""
    own = settings.light_resize or settings.light_crop
    return {"resize": settings.light_resize, "crop": settings.light_crop} if own else {}


def _shape(
    clip: Clip, number: int, settings: Settings, resize: int | None = None, crop: int | None = None
) -> tuple[int, int, int]:
    """(C, H, W) of the video's frames as they are asked for."""
    resize, crop = (settings.resize, settings.crop) if resize is None or crop is None else (resize, crop)
    if crop:
        return 3, crop, crop
    height, width = clip["frame_size"][number].tolist()
    return 3, *resized_size(height, width, resize, settings.resampling)


def _decision(clip: Clip, number: int, watched: Watched, settings: Settings) -> dict[str, Any]:
    """`frames`: the middle frame of each chosen timestep; `timesteps`: their places in the grid; of a selector also
    `pool`, the places it looked at, `alpha`, their gating values, and `ratio`, the share of them that was chosen."""
    frames = places.middles(watched.chosen, clip["frames"][number].frames, settings)
    told: dict[str, Any] = {"frames": frames.tolist(), "timesteps": watched.chosen.tolist()}
    if watched.alpha:
        told |= {"pool": watched.pool.tolist(), "alpha": [round(value, 3) for value in watched.alpha]}
        told["ratio"] = round(len(watched.chosen) / len(watched.pool), 4)
    return told


def gates(decision: dict[str, Any], frames: int, settings: Settings) -> dict[int, float]:
    """For the strip of `try`: the frame that the LightNet saw of each timestep of the pool, and how open its gate is
    without noise (open from a half on). Nothing where no selector chose. frames: of the video."""
    pool = np.array(decision.get("pool", []), dtype=np.int64)
    alpha = torch.tensor(decision.get("alpha", []))
    return dict(zip(places.middles(pool, frames, settings).tolist(), alpha.sigmoid().tolist(), strict=True))
