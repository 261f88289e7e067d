"""What a finished model is asked for the eye: the frames and their attention that `try` and the figures show."""

import hashlib
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from .networks.attention import cumulative
from .networks.mac import Mac, Seen, low_resolution
from .networks.times import FULL, SCANNED, SKIPPED
from .settings import Settings

SHOWN = 64  # one video in so many, by its name, has attention kept
DIGITS = 3  # of an attention that is kept


@torch.inference_mode()
def maps_of(model: Mac, clip: dict[str, Any], settings: Settings, fates: Tensor | None) -> dict[str, Any]:
    """As the paper's Figures 5 and 11, of one clip: its frames, the attention that chooses the crops laid over them,
    and the attention of every block, as arrays. `fates` (T,): what a temporal sampler made of each frame; what it saw
    of none is blank."""
    rgb = clip["rgb"][:1]
    if "low_cnn" not in model.sizes:
        return {"frames": _pictures(rgb[0], settings)}
    low = low_resolution(rgb, settings.low_size)[0]  # (T, C, h, w)
    found = {"frames": _pictures(rgb[0], settings)}
    every = model.low_cnn.every_attention(low).items()  # type: ignore[operator]
    maps = {layer: cumulative(weights).mean(1, keepdim=True) for layer, weights in every}  # (T, 1, h, w)
    if model.read:
        found["attention"] = _laid_over(found["frames"], maps[settings.attention_layer])
    known = True  # up to the block behind which a pre-scan stops
    for layer, values in maps.items():
        found[layer] = values.float().cpu().numpy()
        if fates is not None:
            found[layer][(fates < (SCANNED if known else FULL)).cpu().numpy()] = np.nan
        known = known and layer != settings.attention_layer
    if fates is not None and "attention" in found:
        found["attention"][(fates == SKIPPED).cpu().numpy()] = 255
    return found


def _pictures(rgb: Tensor, settings: Settings) -> Any:
    """(T, H, W, 3), bytes, red first."""
    mean, std = (torch.tensor(values, device=rgb.device)[:, None, None] for values in (settings.mean, settings.std))
    pictures = (255 * (rgb * std + mean).clamp(0, 1)).round().byte().permute(0, 2, 3, 1)
    return (pictures.flip(-1) if settings.channel_order == "bgr" else pictures).cpu().numpy()


def _laid_over(pictures: Any, attention: Tensor) -> Any:
    """(T, H, W, 3): the pictures, red where the attention (T, 1, h, w) is strongest, dark where it is weakest."""
    grown = functional.interpolate(attention.float(), pictures.shape[1:3], mode="bilinear", align_corners=False)[:, 0]
    low, high = grown.amin(), grown.amax()
    share = ((grown - low) / (high - low).clamp(min=1e-9)).cpu().numpy()[..., None]
    mixed = pictures * (0.3 + 0.3 * share) + 102 * share * np.array([1.0, 0.1, 0.1])
    return mixed.round().astype(np.uint8)


# ---- the attention of every block, of a few videos


def is_shown(video: str) -> bool:
    return int(hashlib.sha256(video.encode()).hexdigest(), 16) % SHOWN == 0


def every_attention(model: Mac, clip: dict[str, Any], number: int) -> dict[str, Any]:
    """`shown`: the middle frame's number; `layers`: its attention at every block; `local`: what single positions of the
    block whose attention is read attend to (Fig. 5c), by row and column."""
    middle = clip["rgb"].shape[1] // 2
    low = low_resolution(clip["rgb"][[number], middle, None], model.settings.low_size)[0]
    weights = model.low_cnn.every_attention(low)  # type: ignore[operator]
    local = weights[model.settings.attention_layer][0].mean(0)  # (F * F, h, w)
    side, (height, width) = int(len(local) ** 0.5), local.shape[1:]
    places = [(height // 4, width // 4), (height // 2, width // 2), (3 * height // 4, 3 * width // 4)]
    return {
        "shown": int(clip["indices"][number, middle]),
        "layers": {layer: rounded(cumulative(found)[0].mean(0)) for layer, found in weights.items()},
        "local": {f"{row},{column}": rounded(local[:, row, column].view(side, side)) for row, column in places},
    }


def rounded(values: Tensor) -> list[Any]:
    return (values.double() * 10**DIGITS).round().div(10**DIGITS).tolist()


def foreseen_of(clip: dict[str, Any], seen: Seen, number: int) -> dict[str, Any]:
    """Of a video whose frames a temporal sampler chose, with `shows: every`; else nothing. Beside `similarity`, on the
    same frames: `similarity_copied`, of attention there and on the frame looked at before; `similarity_shifted`, the
    same where that map is moved on first by at most a cell in each axis, as it had moved last. Of one video in SHOWN
    also `foreseen`: the `frames` looked at, their `attention`, and what was `expected` of it on all but the first."""
    if seen.foreseen is None or seen.way is None:
        return {}
    own = seen.foreseen[number]
    found: dict[str, Any] = {"similarity_copied": rounded(own.copied), "similarity_shifted": rounded(own.shifted)}
    if is_shown(clip["video_id"][number]):
        looked = clip["indices"][number].cpu()[(seen.way.fates[number] != SKIPPED).cpu()]
        maps = {"attention": rounded(own.attention), "expected": rounded(own.expected)}
        found["foreseen"] = {"frames": looked.tolist()} | maps
    return found
