"""What a finished model is asked for the eye, where its attention lies, and how far it magnifies its target."""

import hashlib
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from saccade.records import SaccadeError
from saccade.video.transforms import from_test_clip

from .networks.places import Attended
from .networks.resampling import spread
from .networks.spatial import Clip, SpatialTCNN
from .settings import Settings

VISIBLE = 0.5  # of its box inside the frame: as hit rates count (saccade.scoring.hit_rates)
LATTICE = 5  # places along each side that the box is tried at, for chance
SHOWN = 16  # one video in so many, by its name, has the maps of a frame kept
DIGITS = 3  # of these


def told(clip: Clip, attended: Attended | None, settings: Settings, number: int) -> dict[str, Any]:
    """What the decisions of one video tell of its attention, where the settings ask for it."""
    if attended is None:
        return {}
    found: dict[str, Any] = magnified(clip, attended, number) if settings.magnified else {}
    if settings.magnified or settings.shows == "every":
        found |= counted(attended, number, clip["rgb"].shape[1])
    if settings.shows == "every" and is_shown(clip["video_id"][number]):
        found["shown"] = shown(clip, attended, settings, number)
    return found


def counted(attended: Attended, number: int, frames: int) -> dict[str, list[int]]:
    """Of one video, by frame: how many peaks are `peaks.discriminative` and how many `peaks.complementary`, and whether
    the network was `sure` (0 or 1). Nothing where no response map says where attention lies."""
    if attended.peaks is None or attended.sure is None:
        return {}
    kinds = {"discriminative": attended.peaks.discriminative, "complementary": ~attended.peaks.discriminative}
    own = slice(number * frames, (number + 1) * frames)
    found = {
        f"peaks.{name}": attended.peaks.frame[those].bincount(minlength=len(attended.sure))[own].tolist()
        for name, those in kinds.items()
    }
    return found | {"sure": attended.sure[own].int().tolist()}


def is_shown(video: str) -> bool:
    return int(hashlib.sha256(video.encode()).hexdigest(), 16) % SHOWN == 0


def shown(clip: Clip, attended: Attended, settings: Settings, number: int) -> dict[str, Any]:
    """Of one video its middle frame, as the figures draw it: `frame`, its number; `seen`, what of it the network was
    given, [x0, y0, x1, y1] in fractions of the whole; `responses` (G, G); `peaks`, a [row, column, height,
    discriminative] each; and by video `attention` (G, G) and `grids` (G, G, 2), -1 to 1 over what was seen."""
    frames = clip["rgb"].shape[1]
    at = number * frames + frames // 2
    whole = [0.0, 0.0, 1.0, 1.0]
    found: dict[str, Any] = {"frame": int(clip["indices"][number, frames // 2]), "seen": whole}
    if "frame_size" in clip:
        found["seen"] = from_test_clip(whole, *clip["frame_size"][number].tolist(), settings)
    if attended.responses is not None and attended.peaks is not None:
        peaks, own = attended.peaks, attended.peaks.frame == at
        each = torch.cat([peaks.place, peaks.height[:, None], peaks.discriminative[:, None]], dim=1)
        found |= {"responses": rounded(attended.responses[at]), "peaks": rounded(each[own])}
    every = {"attention": attended.attention, "grids": attended.grids}
    return found | {what: {name: rounded(values[at]) for name, values in some.items()} for what, some in every.items()}


def rounded(values: Tensor) -> list[Any]:
    return (values.double() * 10**DIGITS).round().div(10**DIGITS).tolist()  # type: ignore[no-any-return]


# ---- magnification


def magnified(clip: Clip, attended: Attended, number: int) -> dict[str, float | None]:
    """Of one video, for each that is made of it: how much larger the target's share of the frame is there than in the
    original, mean over the frames where it shows; and, with `.anywhere` behind its name, the same of boxes of its size
    at LATTICE x LATTICE places. None where it never shows. Raises SaccadeError where the clip lacks the truth."""
    if "truth.x0" not in clip:
        raise SaccadeError(
            "how far the target is magnified is asked for; set truth: [x0, y0, x1, y1, visibility, informative], on "
            "data that has it"
        )
    frames, size = clip["rgb"].shape[1], tuple(clip["rgb"].shape[-2:])
    truth = {key: clip[f"truth.{key}"][number].cpu() for key in ("x0", "y0", "x1", "y1", "visibility", "informative")}
    shows = (truth["informative"] > 0) & (truth["visibility"] >= VISIBLE)
    boxes = torch.stack([truth[key] for key in ("x0", "y0", "x1", "y1")], 1)[shows]  # (F, 4), pixels
    found: dict[str, float | None] = {}
    for name, grid in attended.grids.items():
        own = grid.unflatten(0, (-1, frames))[number].cpu()[shows]
        ratios = [magnification(own, some, size) for some in (boxes[:, None], lattice(boxes, size))]
        for key, ratio in zip((name, f"{name}.anywhere"), ratios, strict=True):
            found[f"magnified.{key}"] = round(float(ratio.mean()), 4) if len(boxes) else None
    return found


def magnification(grid: Tensor, boxes: Tensor, size: tuple[int, ...]) -> Tensor:
    """(F, M): how many times as many pixels look into each of the boxes (F, M, 4), in pixels x0, y0, x1, y1, as lie in
    it. grid: (F, G, G, 2). A box without a pixel is nan."""
    looked = spread(grid, size)
    even = functional.affine_grid(torch.eye(2, 3)[None], [1, 1, *size], align_corners=True).to(grid)
    counts = []
    for places in (looked, even):
        pixels = (places + 1) / 2 * (torch.tensor(size[::-1]) - 1) + 0.5  # the middle of pixel 0 is 0.5 from the edge
        x, y = (pixels[:, None, ..., axis] for axis in (0, 1))  # (F, 1, H, W)
        x0, y0, x1, y1 = (side[..., None, None] for side in boxes.unbind(-1))  # (F, M, 1, 1)
        counts.append(((x0 <= x) & (x < x1) & (y0 <= y) & (y < y1)).sum((-1, -2)).double())
    return torch.where(counts[1] > 0, counts[0] / counts[1], torch.nan)


def lattice(boxes: Tensor, size: tuple[int, ...]) -> Tensor:
    """(F, LATTICE ** 2, 4): each box moved to places all over the frame."""
    steps = torch.linspace(0, 1, LATTICE, dtype=boxes.dtype)
    across, down = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    left = (size[1] - across)[:, None, None] * steps[None, None, :]
    top = (size[0] - down)[:, None, None] * steps[None, :, None]
    left, top = torch.broadcast_tensors(left, top)
    moved = [left, top, left + across[:, None, None], top + down[:, None, None]]
    return torch.stack(moved, -1).flatten(1, 2)


# ---- a clip's maps


@torch.inference_mode()
def maps_of(model: SpatialTCNN, clip: Clip, settings: Settings) -> dict[str, Any]:
    """As the paper's Figure 2, of the first clip: its frames, what its classes respond to, the attention of both videos
    and the videos themselves, as arrays."""
    rgb = clip["rgb"]
    frames = rgb.shape[1]
    shown: dict[str, Any] = {"frames": _pictures(rgb[0], settings)}
    if not settings.resamples:
        return shown
    made, attended = model.make(clip, model.read(clip, settings), settings, settings.resampled)
    if attended is not None and attended.responses is not None:
        shown["responses"] = attended.responses[:frames, None].float().cpu().numpy()
    for name, video in zip(settings.resampled, made, strict=True):
        if attended is not None:
            shown[f"attention, {name}"] = attended.attention[name][:frames, None].float().cpu().numpy()
        shown[name] = _pictures(video[0], settings)
    return shown


def _pictures(rgb: Tensor, settings: Settings) -> Any:
    """(T, H, W, 3), bytes."""
    mean, std = (torch.tensor(values, device=rgb.device)[:, None, None] for values in (settings.mean, settings.std))
    pictures = (255 * (rgb * std + mean).clamp(0, 1)).round().byte().permute(0, 2, 3, 1)
    return (pictures.flip(-1) if settings.channel_order == "bgr" else pictures).cpu().numpy()
