"""What our loader makes of a video under the published settings, and what a network answers to it, beside the authors'
pipelines stated once more: the path from a file to a network's input, by Pillow, torch and PyAV alone.

Where authors kept frames as JPEG files, those are stated without the loss of JPEG: what a file brings can't be told
without it. One clip of each video is also given to a small network of the method's code, with random weights.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pandas as pd
import pytest
import torch
from conftest import ROOT
from PIL import Image
from small_models import finished, run_of

from saccade.plan.layers import resolve
from saccade.plan.runs import Run
from saccade.project import load_module
from saccade.video.batches import collate
from saccade.video.loader import VideoDataset
from saccade.video.probe import probe

# name: (width, height, frames, rate). One is shorter than any clip.
VIDEOS = {
    "wide": (480, 270, 103, Fraction(30000, 1001)),
    "tall": (206, 360, 75, Fraction(25)),
    "short": (321, 240, 7, Fraction(30)),
}
WITHIN = 1e-4
IMAGENET = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
PYSLOWFAST = ([0.45] * 3, [0.225] * 3)
Pixels = torch.Tensor  # (T, 3, H, W)
Clip = tuple[Pixels, ...]  # of one view; with what is glanced at


@pytest.fixture(scope="module")
def videos(tmp_path_factory) -> dict[str, Path]:
    """Colours that move, with detail finer than what any resizing leaves."""
    folder, chance = tmp_path_factory.mktemp("videos"), np.random.default_rng(0)
    for name, (width, height, frames, rate) in VIDEOS.items():
        down, across = np.mgrid[:height, :width]
        waves = [np.sin(across / (7 + 4 * c)) * np.cos(down / (9 + 2 * c)) for c in range(3)]
        base = 128 + 90 * np.stack(waves, -1) + chance.normal(0, 12, (height, width, 3))
        base = base.clip(0, 255).astype(np.uint8)[:, : width - width % 2]
        with av.open(str(folder / f"{name}.mp4"), "w") as container:
            stream = container.add_stream("libx264", rate=rate, options={"crf": "20", "preset": "ultrafast"})
            stream.width, stream.height, stream.pix_fmt = base.shape[1], height, "yuv420p"
            for number in range(frames):
                frame = av.VideoFrame.from_ndarray(np.roll(base, 3 * number, axis=(0, 1)[number % 2]), format="rgb24")
                frame.pts, frame.time_base = number, 1 / rate
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    return {name: folder / f"{name}.mp4" for name in VIDEOS}


# ---- theirs


def pictures(path: Path) -> list[np.ndarray]:
    """All frames, (H, W, 3), colours converted with what makes libswscale exact."""
    flags = {"bicubic": 4, "accurate rounding": 0x40000, "full chroma": 0x2000 | 0x4000, "same bits": 0x80000}
    with av.open(str(path)) as container:
        return [f.to_ndarray(format="gbrp", interpolation=sum(flags.values())) for f in container.decode(video=0)]


def by_torchvision_on_pillow(shown: list[np.ndarray]) -> Pixels:
    """Resize(256) and CenterCrop(224) of pictures, as they are defined, then ToTensor and Normalize."""
    found = []
    for picture in shown:
        height, width = picture.shape[:2]
        size = (256, int(256 * height / width)) if width <= height else (int(256 * width / height), 256)
        image = Image.fromarray(picture).resize(size, Image.Resampling.BILINEAR)
        left, top = (int(round((side - 224) / 2.0)) for side in size)
        found.append(torch.from_numpy(np.array(image.crop((left, top, left + 224, top + 224)))))
    return _normalised(torch.stack(found), *IMAGENET)


def _normalised(pixels: torch.Tensor, mean: list[float], std: list[float]) -> Pixels:
    """(T, H, W, 3) uint8 to (T, 3, H, W)."""
    return ((pixels.float() / 255.0 - torch.tensor(mean)) / torch.tensor(std)).permute(0, 3, 1, 2)


def _centres(frames: int, segments: int) -> list[int]:
    tick = frames / float(segments)
    return [int(tick / 2.0 + tick * x) for x in range(segments)]


def adafocus(path: Path, views: Sequence[int]) -> Iterator[Clip]:
    """On ActivityNet: 16 frames."""
    shown = pictures(path)
    numbers = list(range(len(shown))) + [len(shown) - 1] * (16 - len(shown))
    yield (by_torchvision_on_pillow([shown[k] for k in (_centres(len(shown), 16) if len(shown) > 16 else numbers)]),)


def adafocus_on_something(path: Path, views: Sequence[int]) -> Iterator[Clip]:
    """12 frames for the patches, 8 to glance at."""
    shown = pictures(path)
    chosen = [_centres(len(shown), n) if len(shown) > n else [0] * n for n in (12, 8)]
    yield tuple(by_torchvision_on_pillow([shown[k] for k in numbers]) for numbers in chosen)


def tsm(path: Path, views: Sequence[int]) -> Iterator[Clip]:
    """By its test script: 8 frames, of short videos too."""
    shown = pictures(path)
    yield (by_torchvision_on_pillow([shown[k] for k in _centres(len(shown), 8)]),)


def _scaled_and_cropped(pixels: Pixels, size: int, spatial: int) -> Pixels:
    """PySlowFast's short side scale and uniform crop of normalised frames, to the same size."""
    height, width = pixels.shape[-2:]
    if min(height, width) != size:
        wide = size if width < height else math.floor(float(width) / height * size)
        tall = math.floor(float(height) / width * size) if width < height else size
        pixels = torch.nn.functional.interpolate(pixels, (tall, wide), mode="bilinear", align_corners=False)
    height, width = pixels.shape[-2:]
    top, left = math.ceil((height - size) / 2), math.ceil((width - size) / 2)
    if height > width:
        top = (0, top, height - size)[spatial]
    else:
        left = (0, left, width - size)[spatial]
    return pixels[..., top : top + size, left : left + size]


def atfr_by_frames(path: Path, views: Sequence[int]) -> Iterator[Clip]:
    """On Mini-Kinetics: 10 clips of 32 frames, every other one, 3 crops of 256."""
    shown = pictures(path)
    known = _normalised(torch.from_numpy(np.stack(shown)), *PYSLOWFAST)
    crops = [_scaled_and_cropped(known, 256, spatial) for spatial in range(3)]
    candidates = list(range(len(shown)))[::2]
    for view in views:
        start = max(len(candidates) - 32, 0) * (view // 3) / 30
        numbers = torch.linspace(start, start + 31, 32).clamp(0, len(candidates) - 1).long().tolist()
        yield (crops[view % 3][[candidates[k] for k in numbers]],)


def pyslowfast(path: Path, views: Sequence[int]) -> Iterator[Clip]:
    """On Kinetics, X3D-S: 10 clips of 13 frames, 3 crops of 182."""
    length, rate = 13, 6
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        fps, count, ticks = float(stream.average_rate), stream.frames, stream.duration / stream.frames
        frames = [(frame.pts, frame.to_rgb().to_ndarray()) for frame in container.decode(stream)]
    for view in views:
        span = rate * length / 30 * fps
        start = max(count - span, 0) * (view // 3) / 10
        first, last = int(start * ticks), int((start + span - 1) * ticks)
        beyond = [pts for pts, _ in frames if pts > last][:1]  # is decoded, too
        decoded = [shown for pts, shown in frames if first <= pts <= last or pts in beyond]
        numbers = torch.linspace(0, length * rate * fps / 30 - 1, length).clamp(0, len(decoded) - 1).long().tolist()
        clip = _normalised(torch.from_numpy(np.stack([decoded[k] for k in numbers])), *PYSLOWFAST)
        yield (_scaled_and_cropped(clip, 182, view % 3),)


def pytorchvideo(path: Path, views: Sequence[int]) -> Iterator[Clip]:
    """X3D-S of its model zoo: 10 clips of 2.6 seconds, 13 frames of each, 3 crops of 182."""
    duration = Fraction(13 * 6 / 30)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        tick, whole = stream.time_base, stream.duration * stream.time_base
        frames = [(frame.pts, frame.to_rgb().to_ndarray()) for frame in container.decode(stream)]
    for view in views:
        start = max(whole - duration, Fraction(0)) / 10 * (view // 3)
        first, stop = math.ceil(start / tick), math.ceil((start + duration) / tick)
        decoded = [shown for pts, shown in frames if first <= pts < stop]
        numbers = torch.linspace(0, len(decoded) - 1, 13).clamp(0, len(decoded) - 1).long().tolist()
        clip = _normalised(torch.from_numpy(np.stack([decoded[k] for k in numbers])), *PYSLOWFAST)
        yield (_scaled_and_cropped(clip, 182, view % 3),)


# ---- beside ours

# pipeline: the run whose published settings are its, the point, a small variant of the same code
PIPELINES: dict[Callable[[Path, Sequence[int]], Iterator[Clip]], tuple[str, str, str, str, str]] = {
    adafocus: ("activitynet", "adafocus", "adafocus-128", "offline", "tiny-40"),
    adafocus_on_something: ("something-v1", "adafocus", "adafocus-tsm-144", "offline", "tiny-tsm"),
    tsm: ("something-v2", "tsm", "resnet50-t8", "uniform", "resnet10-tiny-t8"),
    atfr_by_frames: ("minikinetics", "atfr", "3dresnet18-atfr", "views30", "3dresnet-tiny-atfr"),
    pyslowfast: ("kinetics400", "atfr", "x3d-s", "views30-182", "x3d-tiny-atfr"),
    pytorchvideo: ("folder", "atfr", "x3d-s-released", "views30-182", "x3d-tiny-atfr"),
}


def ours(path: Path, dataset: str, method: str, variant: str, point: str) -> VideoDataset:
    settings = resolve(ROOT, Run("paper", dataset, "", method, variant, 0), point=point).typed
    row = {"video_id": path.stem, "split": "test", "cluster": "", "path": path.name} | probe(path).columns()
    index = pd.DataFrame([row])
    return VideoDataset(index, path.parent, (), settings, "test", train=False, seed=0, cache_mb=100)


def answer(method: str, variant: str, clip: dict[str, Any]) -> dict[str, torch.Tensor]:
    """Logarithms of the probabilities that a small network with random weights gives."""
    model, settings = finished(run_of(method, variant))
    with torch.inference_mode():
        found = load_module(ROOT / "methods" / method / "model.py").predict(model, clip, settings)
    return {head: probabilities.log() for head, probabilities in found.probabilities.items()}


@pytest.mark.parametrize("video", VIDEOS)
@pytest.mark.parametrize("pipeline", PIPELINES, ids=lambda pipeline: pipeline.__name__)
def test_pixels_and_answers_are_those_of_the_authors_pipeline(videos, pipeline, video):
    """In some views of three clips, with each crop; in the last of them also the answer."""
    dataset, method, variant, point, small = PIPELINES[pipeline]
    loaded = ours(videos[video], dataset, method, variant, point)
    assert loaded.num_views == (30 if point.startswith("views30") else 1)
    views = [0, 1, 2, 13, 29] if loaded.num_views == 30 else [0]
    for view, expected in zip(views, pipeline(videos[video], views), strict=True):
        clip = collate([loaded.at_view(view)[0]])
        theirs = dict(zip(["rgb", "glance.rgb"], expected, strict=False))
        assert [key for key in clip if key.endswith("rgb")] == list(theirs)
        for key, pixels in theirs.items():
            assert clip[key][0].shape == pixels.shape
            assert (clip[key][0] - pixels).abs().max() < WITHIN, (view, key)
    before = answer(method, small, clip)
    after = answer(method, small, clip | {key: pixels[None] for key, pixels in theirs.items()})
    assert all((before[head] - after[head]).abs().max() < WITHIN for head in before)
