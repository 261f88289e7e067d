"""What a finished model is asked for the eye, and how far it magnifies its target."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from saccade.records import SaccadeError

from .networks.places import Attended
from .networks.resampling import spread
from .networks.spatial import Clip, SpatialTCNN
from .settings import Settings

VISIBLE = 0.5  # of its box inside the frame: as hit rates count (saccade.scoring.hit_rates)
LATTICE = 5  # places along each side that the box is tried at, for chance


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


@torch.inference_mode()
def maps_of(model: SpatialTCNN, clip: Clip, settings: Settings) -> dict[str, Any]:
    """As the paper's Figure 2, of one clip: its frames, what its classes respond to, the attention of both videos and
    the videos themselves, as arrays."""
    own = {key: value[:1] for key, value in clip.items()}
    rgb = own["rgb"]
    shown: dict[str, Any] = {"frames": _pictures(rgb[0], settings)}
    if not settings.resamples:
        return shown
    made, attended = model.make(own, model.read(own, settings), settings, settings.resampled)
    if attended is not None and attended.responses is not None:
        shown["responses"] = attended.responses[:, None].float().cpu().numpy()
    for name, video in zip(settings.resampled, made, strict=True):
        if attended is not None:
            shown[f"attention, {name}"] = attended.attention[name][:, None].float().cpu().numpy()
        shown[name] = _pictures(video[0], settings)
    return shown


def _pictures(rgb: Tensor, settings: Settings) -> Any:
    """(T, H, W, 3), bytes."""
    mean, std = (torch.tensor(values, device=rgb.device)[:, None, None] for values in (settings.mean, settings.std))
    pictures = (255 * (rgb * std + mean).clamp(0, 1)).round().byte().permute(0, 2, 3, 1)
    return (pictures.flip(-1) if settings.channel_order == "bgr" else pictures).cpu().numpy()
