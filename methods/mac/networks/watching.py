"""Looking at frames only as far as the temporal sampler wants (Sec. III-D): what a skipped frame would show is never
computed, nor what a pre-scanned one would show beyond its attention."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from ..settings import Settings
from . import regions
from .attention import cumulative
from .foreseen import foreseen
from .hallucinator import State
from .heads import Logits, mean_logits
from .known_ahead import way_ahead
from .mac import Clip, Mac, Seen, crops_at, low_resolution
from .times import FULL, Decide, go


def watch_offline(model: Mac, clip: Clip, settings: Settings, decide: Decide) -> tuple[Seen, Logits]:
    """What `watch` gives, and the scores {head: (B, K)}."""
    seen = watch(model, clip, model.read, settings, decide)
    assert seen.way is not None
    full = (seen.way.fates == FULL).sum(1)
    return seen, mean_logits(list(model.answers(seen.features, list(model.heads), full).values()))


def watch(model: Mac, clip: Clip, read: set[str], settings: Settings, decide: Decide) -> Seen:
    """As `Mac.look`, of the frames that are seen in full. All videos are pre-scanned together, each at its own next
    frame; then all full frames go on from where their pre-scan stopped. With T_1, which leaves no frame out whatever it
    decides, all frames of all videos are pre-scanned at once; where the way is known ahead, full frames alone are."""
    rgb = clip["rgb"]
    shape = (rgb.shape[0], rgb.shape[1])
    scans: list[tuple[Tensor, ...]] = []

    def prescan(rows: Tensor, at: Tensor) -> Tensor:
        low = low_resolution(rgb[rows, at, None], settings.low_size)[:, 0]
        maps, weights = model.low_cnn.prescan(low, settings.attention_layer)  # type: ignore[operator]
        scans.append((rows.to(maps.device), at.to(maps.device), maps, cumulative(weights)))
        return scans[-1][-1]

    expected: list[Tensor] = []  # kept where it is asked for

    def foresee(attention: Tensor, memory: State | None) -> tuple[Tensor, State]:
        found, memory = model.foresight(attention, memory)
        if settings.shows == "every":
            expected.append(found)
        return found, memory

    if settings.scans:
        see = prescan
        if settings.skips == 1:
            at, rows = torch.cartesian_prod(torch.arange(shape[1]), torch.arange(shape[0])).T  # as the waves would go
            every = prescan(rows, at).unflatten(0, (shape[1], shape[0]))
            see = lambda rows, at: every[at.to(every.device), rows.to(every.device)]  # noqa: E731
        way = go(see, shape, foresee, model.sampler, decide)
    else:
        way = way_ahead(clip, shape[1], settings)
        prescan(*(way.fates == FULL).nonzero(as_tuple=True))
    rows, at, maps, attention = (torch.cat(parts) for parts in zip(*scans, strict=True))
    seen = Seen({}, way=way)
    if settings.shows == "every" and settings.scans:
        seen.foreseen = foreseen(len(rgb), rows, attention, expected)
    full = (way.fates.to(rows.device)[rows, at] == FULL).nonzero()[:, 0]
    full = full[(rows[full] * rgb.shape[1] + at[full]).argsort()]  # by video and frame
    rows, at = rows[full], at[full]
    numbers = (way.fates == FULL).sum(1).tolist()
    found = {}
    if "low" in read:
        found["low"] = model.low_cnn.resume(maps[full], settings.attention_layer)  # type: ignore[operator]
    if "sound" in read and "high_spectrogram_cnn" in model.sizes:
        found["sound"] = model.high_spectrogram_cnn(clip["audio"][rows, at])
    if "regions" in read:
        strength = attention[full].mean(1)
        seen.attention = pad_sequence(strength.split(numbers), batch_first=True)
        corners, seen.number = _corners(model, clip, (rows, at), strength.split(numbers), settings)
        crops = crops_at(rgb[rows, at, None], corners[:, None], settings.region_size)[:, 0]  # (N, k, C, side, side)
        found["regions"] = model.high_cnn(crops.flatten(0, 1)).unflatten(0, crops.shape[:2]).flatten(1)
        seen.corners = pad_sequence(corners.split(numbers), batch_first=True)
    seen.features = {part: pad_sequence(values.split(numbers), batch_first=True) for part, values in found.items()}
    return seen


def _corners(
    model: Mac, clip: Clip, places: tuple[Tensor, Tensor], attention: Sequence[Tensor], settings: Settings
) -> tuple[Tensor, Tensor | None]:
    """(N, k, 2) of the full frames of all videos, in slots that only they are put into (official code); and how many
    regions each had (B, F), -1 behind a video's last, where a map chooses. `attention`: of each video (F, h, w)."""
    if settings.look not in ("learned", "uniform"):
        return regions.other_corners(clip, settings, training=model.training)[places], None
    size = (clip["rgb"].shape[-2], clip["rgb"].shape[-1])
    if settings.look == "uniform":
        attention = [model.uniform_attention(one[None], settings)[0] for one in attention]
    found = [regions.corners_and_number(one[None], settings, size, settings.slots) for one in attention]
    numbers = pad_sequence([number[0] for _, number in found], batch_first=True, padding_value=-1)
    return torch.cat([corners[0] for corners, _ in found]).to(clip["rgb"].device), numbers
