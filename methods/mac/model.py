"""Mac, Do and Vo (TIP 2023): the spatial sampler S_k. The whole frame is seen at low resolution; where the network's
own attention is strongest, k small crops are seen at full resolution; windows of sound are heard; recurrent heads read
all of it.

What each part costs is asked of the part itself, so a video's declared multiply-adds are those of what was executed.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from saccade.cost.formulas import gru_macs
from saccade.cost.forward import forward_macs
from saccade.cost.prescan import prescan_macs
from saccade.nn.heads import probabilities
from saccade.records import Head, Prediction, SaccadeError
from saccade.video.loader import generator
from saccade.video.transforms import from_test_clip

from .networks.hallucinator import similarity_macs
from .networks.heads import mean_logits
from .networks.mac import Mac, Seen
from .networks.online import watch_online
from .networks.times import FULL, SCANNED, SKIPPED, Decide, most_likely
from .networks.watching import watch_offline
from .settings import Settings
from .showing import every_attention, foreseen_of, is_shown, maps_of, rounded


def build(settings: Settings, heads: tuple[Head, ...]) -> Mac:
    return Mac(settings, heads)


def predict(model: Mac, clip: dict[str, Any], settings: Settings) -> Prediction:
    """Without a temporal sampler every frame is seen, so a video costs the same whatever it shows: its frames at low
    resolution, its sound, its crops, and the heads. With one, it costs what its own way through the frames does."""
    videos, frames = clip["rgb"].shape[:2]
    looked = torch.full((videos,), frames)
    if settings.online and not settings.scans:
        raise SaccadeError(
            f"online is how a temporal sampler may watch; skips is {settings.skips} and decide {settings.decide}: set "
            "skips to 1 or more and decide to learned, or online to false"
        )
    if settings.fusion in ("high", "low"):
        logits, seen = model.average(clip, settings.fusion), Seen({})
        macs = torch.full_like(looked, _average_macs(model, clip, settings.fusion))
    elif settings.decides:
        form = watch_online if settings.online else watch_offline
        seen, logits = form(model, clip, settings, _decide(clip, settings))
        assert seen.way is not None
        looked, full = ((seen.way.fates >= fate).sum(1).cpu() for fate in (SCANNED, FULL))
        macs = _way_macs(model, clip, looked, full)
    else:
        seen = model.look(clip, model.read, settings)
        logits = mean_logits(list(model.answers(seen.features, list(model.heads)).values()))
        macs = torch.full_like(looked, _look_macs(model, clip, seen, settings)) + _heads_macs(model, looked)
    shown = [is_shown(video) and settings.shows == "every" for video in clip["video_id"]]
    every = [every_attention(model, clip, number) if show else {} for number, show in enumerate(shown)]
    extra = torch.tensor([_low_macs(model, clip) if show else 0 for show in shown], dtype=torch.int64)
    prices = full_and_scanned_macs(model, clip) if settings.decides else None
    if seen.foreseen is not None:
        extra = extra + 2 * (looked.cpu() - 1) * similarity_macs(_maps_shape(model))
    return Prediction(
        probabilities=probabilities(logits, model.heads_known),
        macs=macs + extra,
        frames=looked.cpu(),
        decisions=[_decision(clip, seen, settings, number, prices) | every[number] for number in range(videos)],
    )


@torch.inference_mode()
def maps(model: Mac, clip: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """What `showing.maps_of` gives of a clip; of what its temporal sampler sees of it, where it has one."""
    if not settings.decides:
        return maps_of(model, clip, settings, None)
    seen, _ = watch_offline(model, clip, settings, _decide(clip, settings))
    assert seen.way is not None
    return maps_of(model, clip, settings, seen.way.fates[0])


def reads_on_demand(settings: Settings) -> bool:
    """Whether a frame that is skipped needn't be there: frame by frame, with nothing asked for the eye."""
    return settings.online and settings.shows != "every"


def _decision(
    clip: dict[str, Any], seen: Seen, settings: Settings, number: int, prices: tuple[int, int] | None
) -> dict[str, Any]:
    """`frames` and `boxes` as Prediction has them, a frame's boxes in the order of their slots; `attention`: the map
    that chose them, of each frame; `fallback`: on how many frames it had no region. Of a temporal sampler: `scanned`,
    the frames that were pre-scanned only; `skipped`, those not looked at; `decisions`, on every frame looked at but the
    first; `similarity`, of attention there and what was expected; `frame_macs`, of a full and of a pre-scanned
    frame. With `shows: every`, what `showing.foreseen_of` adds."""
    frames = clip["indices"][number].cpu()
    decision: dict[str, Any] = {}
    if seen.way is not None:
        fates, decided = (part[number].cpu() for part in (seen.way.fates, seen.way.decisions))
        decision["scanned"] = frames[fates == SCANNED].tolist()
        decision["skipped"] = frames[fates == SKIPPED].tolist()
        decision["decisions"] = decided[decided >= 0].tolist()
        decision["similarity"] = rounded(seen.way.similarity[number].cpu()[decided >= 0])
        decision["frame_macs"] = prices
        decision |= foreseen_of(clip, seen, number)
        frames = frames[fates == FULL]
    decision["frames"] = frames.tolist()
    own = slice(len(frames))
    if seen.corners is not None:
        places = seen.corners[number, own].tolist()
        decision["boxes"] = [[_box(clip, corner, settings, number) for corner in frame] for frame in places]
    if seen.number is not None:
        decision["fallback"] = int((seen.number[number] == 0).sum())
    if seen.attention is not None:
        decision["attention"] = rounded(seen.attention[number, own])
    return decision


def _decide(clip: dict[str, Any], settings: Settings) -> Decide:
    """The likeliest decision, or one drawn as likely as it is: by the video's name, so not by what lies beside it."""
    if settings.decide != "sampled":
        return most_likely
    size = (clip["rgb"].shape[1], settings.skips + 1)
    draws = [generator(settings.draw, 0, video, "decisions").gumbel(size=size) for video in clip["video_id"]]
    noise = torch.from_numpy(np.stack(draws)).to(clip["rgb"].device, clip["rgb"].dtype)
    return lambda scores, rows, at: (scores + noise[rows, at]).argmax(1)


def _box(clip: dict[str, Any], corner: list[int], settings: Settings, number: int) -> list[float]:
    """[x0, y0, x1, y1] in fractions of the whole frame."""
    (top, left), side = corner, settings.region_size
    height, width = clip["rgb"].shape[-2:]
    box = [left / width, top / height, (left + side) / width, (top + side) / height]
    if "frame_size" not in clip:
        return box
    tall, wide = clip["frame_size"][number].tolist()
    return from_test_clip(box, tall, wide, settings)


# ---- what each part costs


def _framewise_macs(model: Mac, part: str, inputs: Tensor) -> int:
    return inputs.shape[1] * forward_macs(model.get_submodule(part), tuple(inputs.shape[2:]))


def _average_macs(model: Mac, clip: dict[str, Any], scale: str) -> int:
    frames = clip["rgb"].shape[1]
    macs = frames * _low_macs(model, clip) if scale == "low" else _framewise_macs(model, "high_cnn", clip["rgb"])
    for part, key in ((f"{scale}_spectrogram_cnn", "audio"), (f"{scale}_flow_cnn", "flow")):
        macs += _framewise_macs(model, part, clip[key]) if part in model.sizes else 0
    return macs + forward_macs(model.get_submodule(f"{scale}_head"), (frames, sum(model.sizes.values())))


def _look_macs(model: Mac, clip: dict[str, Any], seen: Seen, settings: Settings) -> int:
    frames = clip["rgb"].shape[1]
    macs = 0
    if "low" in seen.features:
        macs += frames * _low_macs(model, clip)
    elif seen.attention is not None:
        shape = (clip["rgb"].shape[2], settings.low_size, settings.low_size)
        macs += frames * prescan_macs(model.low_cnn, shape, settings.attention_layer)
    return macs + frames * _beside_macs(model, clip, set(seen.features))


def _beside_macs(model: Mac, clip: dict[str, Any], read: set[str]) -> int:
    """Of a frame's sound and crops, where they are read."""
    macs, settings = 0, model.settings
    if "sound" in read and "high_spectrogram_cnn" in model.sizes:
        macs += forward_macs(model.high_spectrogram_cnn, tuple(clip["audio"].shape[2:]))
    if "regions" in read:
        shape = (clip["rgb"].shape[2], settings.region_size, settings.region_size)
        macs += settings.regions * forward_macs(model.high_cnn, shape)
    return macs


def _low_macs(model: Mac, clip: dict[str, Any]) -> int:
    """Of one frame at low resolution."""
    side = model.settings.low_size
    return forward_macs(model.low_cnn, (clip["rgb"].shape[2], side, side))


def _way_macs(model: Mac, clip: dict[str, Any], looked: Tensor, full: Tensor) -> Tensor:
    """(B,): each frame looked at costs a pre-scan; each but the first a look ahead and a decision; each full one what
    is left of it, its sound, its crops and the heads. looked, full: (B,) how many there are."""
    scan, ahead, rest = frame_macs(model, clip, model.read)
    return looked * scan + (looked - 1) * ahead + full * rest + _heads_macs(model, full)


def frame_macs(model: Mac, clip: dict[str, Any], read: set[str]) -> tuple[int, int, int]:
    """Of a frame: its pre-scan; the look ahead and the decision; and the rest of what is read of it in full, without
    the heads."""
    settings, colours = model.settings, clip["rgb"].shape[2]
    scan = prescan_macs(model.low_cnn, (colours, settings.low_size, settings.low_size), settings.attention_layer)
    rest = _beside_macs(model, clip, read) + (_low_macs(model, clip) - scan if "low" in read else 0)
    if not settings.scans:
        return scan, 0, rest
    maps = _maps_shape(model)
    foresight = forward_macs(model.hallucinator, maps) if settings.foresees else 0
    return scan, int(model.sampler.macs) + similarity_macs(maps) + foresight, rest


def _maps_shape(model: Mac) -> tuple[int, int, int]:
    """(C, h, w) of the attention that is foreseen."""
    settings = model.settings
    channels = model.low_cnn.attention_channels(settings.attention_layer)  # type: ignore[operator]
    return channels, settings.map_side, settings.map_side


def full_and_scanned_macs(model: Mac, clip: dict[str, Any]) -> tuple[int, int]:
    """Of a frame seen in full and of one pre-scanned only, the look ahead and the decision included (Sec. III-D:
    O_full, O_pre)."""
    scan, ahead, rest = frame_macs(model, clip, model.read)
    return scan + ahead + rest + step_macs(model), scan + ahead


def step_macs(model: Mac) -> int:
    """Of the recurrent heads, for a frame."""
    rnns = [head.rnn for head in model.heads.values()]
    return sum(gru_macs(rnn.input_size, rnn.hidden_size, 1, rnn.num_layers) for rnn in rnns)


def _heads_macs(model: Mac, frames: Tensor) -> Tensor:
    """(B,) for so many frames of each video."""
    outputs = sum(head.num_classes for head in model.heads_known)
    return frames * step_macs(model) + sum(outputs * head.rnn.hidden_size for head in model.heads.values())
