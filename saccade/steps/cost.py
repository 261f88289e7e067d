"""The step that counts: the papers' complexity cells, and what one run's network costs, module by module, by two
counters."""

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from saccade.cost import second_counter
from saccade.cost.printed import write_method_cost
from saccade.engine.device import seed_everything
from saccade.project import load_module
from saccade.records import SaccadeError, Task
from saccade.settings import FLOW_CHANNELS
from saccade.video import audio, sampling
from saccade.video.in_memory import FramesInMemory

SHARES = 1001  # made-up scores of a calibration that hasn't run: evenly spread over [0, 1]
SOUND_S = 10.0  # of a made-up video
LONG, PICTURES = 2048, 32  # frames of one whose clip is on demand, and the pictures that repeat in it
COLUMNS = ("module", "type", "calls", "parameters", "ours", "ptflops", "share")


def count_cells(root: Path, methods: Sequence[str]) -> None:
    """Writes results/cost/<method>.csv of each method: the printed complexity cells beside our counts."""
    torch.set_num_threads(1)  # what is counted on the meta device has nothing to share
    for name in methods:
        folder = root / "methods" / name
        write_method_cost(root, name, folder, load_module(folder / "paper/cells.py"))


@torch.inference_mode()
def describe_cost(task: Task) -> Iterator[str]:
    """Lines of text: what the run's network costs at the one point of `task`, by module and by both counters.

    The network has random weights and takes one made-up clip (noise) on the CPU, so neither data nor training is
    needed; what decides by the data, decides something arbitrary. Raises CostDisagreement after the last line where the
    counters part, naming the modules or operators, and SaccadeError where the second counter isn't installed.
    """
    if unknown := [head.name for head in task.heads if not head.num_classes]:
        raise SaccadeError(
            f"{task.run}: the classes of {', '.join(unknown)} aren't known before there are videos in raw/, so the "
            "classifier can't be counted; put them there, or count the method on another dataset"
        )
    (point, settings), method = next(iter(task.points.items())), load_module(task.root / task.method / "model.py")
    seed_everything(task.seed, settings.threads)
    model = method.build(_from_scratch(task.settings), task.heads).eval()
    _calibrate(model)
    try:
        found = second_counter.compare(method.predict, model, made_up_clip(settings), settings)
    except ModuleNotFoundError as error:
        raise SaccadeError(f"counting by modules needs {error.name}: pip install {error.name}") from None
    views, declared = sampling.num_views(settings), int(found.executed.result.macs[0])
    side = _side(settings)
    yield f"{task.run} at {point}: multiply-adds (MACs) of one view, one made-up clip of {side} pixels, random weights"
    yield from _table(_rows(model, found))
    static = f"{found.static_macs:,} by ptflops (recurrent and attention parts by hand)"
    yield f"{declared:,} MACs declared by predict; {found.executed.macs:,} executed; {static}"
    yield f"{views} view{'s' * (views != 1)} per video: {views * found.executed.macs / 1e9:,.4g} GMACs"
    yield "Where decisions depend on the video, trained weights and real videos may cost more or less."
    found.need_agreement()


def made_up_clip(settings: Any) -> dict[str, Any]:
    """A batch of one clip as `VideoDataset` gives it, of noise, in the sizes that `settings` ask for."""
    side = _side(settings)
    noise, frames = torch.Generator().manual_seed(0), settings.num_frames * settings.snippet_frames
    clip = {"video_id": ["made-up"], "indices": torch.zeros(1, 0, dtype=torch.int64), "labels": {}}
    clip |= {key: torch.tensor([frames * settings.stride]) for key in ("video_frames", "decoded_frames")}
    if settings.on_demand:
        frames = LONG
        clip["frames"] = [FramesInMemory(torch.randn(PICTURES, 3, side, side, generator=noise), frames)]
        clip["video_frames"], clip["frame_size"] = torch.tensor([frames]), torch.tensor([[side, side]])
        clip |= {f"truth.{column}": [torch.zeros(frames, dtype=torch.float64)] for column in settings.truth}
    elif "rgb" in settings.modalities:
        clip["rgb"] = torch.randn(1, frames, 3, side, side, generator=noise)
        clip["indices"] = settings.stride * torch.arange(frames)[None]
        clip["frame_size"] = torch.tensor([[max(settings.resize, side)] * 2])
        if settings.glance_frames:
            clip["glance.rgb"] = torch.randn(1, settings.glance_frames, 3, side, side, generator=noise)
            clip["glance.indices"] = torch.arange(settings.glance_frames)[None]
    if "flow" in settings.modalities:
        clip["flow"] = torch.randn(1, frames, FLOW_CHANNELS, side, side, generator=noise)
    if "audio" in settings.modalities and settings.sound == "windows":
        clip["audio"] = torch.randn(1, frames, 1, *audio.window_shape(settings), generator=noise)
        clip["indices"] = settings.stride * torch.arange(frames)[None]
    elif "audio" in settings.modalities:
        sound = torch.randn(round(SOUND_S * settings.sample_rate_hz), generator=noise)
        clip["audio"] = audio.log_mel(sound.numpy(), settings)[None]
    return clip


def _side(settings: Any) -> int:
    """Of the made-up frames in pixels; frames that keep their own size are taken for some of 224."""
    return settings.crop or settings.resize or 224  # type: ignore[no-any-return]


def _from_scratch(settings: Any) -> Any:
    """The settings without pretrained weights, which need a download and change no cost."""
    starts = [key for key, value in vars(settings).items() if key.endswith("weights") and isinstance(value, str)]
    return dataclasses.replace(settings, **dict.fromkeys(starts, "none"))


def _calibrate(model: nn.Module) -> None:
    """Fills the buffers that a phase `calibrate` would fill: they are built empty and hold sorted scores."""
    for module in model.modules():
        for name, buffer in module.named_buffers(recurse=False):
            if buffer.shape == (0,):
                setattr(module, name, torch.linspace(0, 1, SHARES))


def _rows(model: nn.Module, found: second_counter.Comparison) -> Iterator[tuple[Any, ...]]:
    """One per module that is counted, one per operator outside of them, one for all other parameters, and the total."""
    executed, shown = found.executed, 0
    for module, path in found.modules.items():
        part = second_counter.label(path)
        parameters = sum(value.numel() for value in module.parameters())
        shown += parameters
        macs, static = found.parts.get(part, 0), found.static.get(part, 0)
        kind, calls = type(module).__name__, executed.calls.get(path, 0)
        yield path or "(the whole)", kind, calls, parameters, macs, static, macs / max(executed.macs, 1)
    labels = {second_counter.label(path) for path in found.modules.values()}
    for operator in sorted({*found.parts, *found.static} - labels):
        macs, static = found.parts.get(operator, 0), found.static.get(operator, 0)
        yield operator, "operator", "", "", macs, static, macs / max(executed.macs, 1)
    every = sum(value.numel() for value in model.parameters())
    yield "(other modules)", "", "", every - shown, 0, 0, 0.0
    yield "total", type(model).__name__, "", every, executed.macs, found.static_macs, 1.0


def _table(rows: Iterator[tuple[Any, ...]]) -> Iterator[str]:
    """Columns as wide as what is in them: words to the left, numbers to the right."""
    cells: list[tuple[str, ...]] = [COLUMNS]
    for *others, ours, static, share in rows:
        texts = [f"{value:,}" if isinstance(value, int) else str(value) for value in (*others, ours, static)]
        cells.append((*texts, f"{share:.1%}"))
    widths = [max(len(row[column]) for row in cells) for column in range(len(COLUMNS))]
    for row in cells:
        texts = [
            text.ljust(width) if column < 2 else text.rjust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(texts).rstrip()
