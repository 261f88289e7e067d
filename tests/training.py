"""One phase of a run on random clips, started as the step `train` starts it, for tests of what decides its weights."""

import contextlib
import dataclasses
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from saccade.cards.method import Phase
from saccade.engine import loop, weights
from saccade.plan.layers import heads_of, resolve
from saccade.plan.runs import Run
from saccade.project import load_module
from saccade.records import Head, Task
from saccade.steps import train as step

FRAMES, SIZE, VIDEOS = 8, 48, 2  # the most frames of a clip, its side in pixels, and the clips of the one batch


def short_settings(root: Path, run: Run, phase: Phase) -> Any:
    """The phase's own settings, for an epoch of one batch of short clips."""
    settings = resolve(root, run, phase.name).typed
    frames = min(settings.num_frames, FRAMES)
    short = {"num_frames": frames, "glance_frames": min(settings.glance_frames, frames)}
    return dataclasses.replace(settings, epochs=1, batch_size=VIDEOS, warmup_epochs=0.0, cache_mb=0, **short)


def start(root: Path, run: Run, phase: Phase, settings: Any) -> tuple[nn.Module, torch.Generator]:
    """The model, with random weights for what the phase needs, and its generator."""
    task = Task(
        root=root,
        run=run.name,
        method=Path("methods", run.method),
        prepared=run.prepared,
        settings=settings,
        heads=heads_of(root, run),
        seed=run.seed,
        weights=[],
        code="",
        phase=phase.name,
        trains=phase.trains,
    )
    model, generator = step.start(task)
    scores = {name: torch.linspace(-1, 1, 5) for name, buffer in model.named_buffers() if not buffer.numel()}
    weights.put(model, {name: value for name, value in scores.items() if name not in covered(model, phase)})
    return model, generator


def covered(model: nn.Module, phase: Phase) -> dict[str, Tensor]:
    """The tensors that the phase trains."""
    state = model.state_dict()
    return {name: state[name].clone() for name in weights.covered(state, phase.trains)}


def train(root: Path, run: Run, phase: Phase, settings: Any, model: nn.Module, generator: torch.Generator) -> None:
    """Calls the phase's function on `model`, which `start` gave."""
    heads = heads_of(root, run)
    phases = load_module(root / "methods" / run.method / "phases.py")
    with random_clips(settings, heads), tempfile.TemporaryDirectory() as folder:
        getattr(phases, phase.name)(
            loop.PhaseRun(
                settings=settings,
                heads=heads,
                model=model,
                train=Split(),
                val=Split(),
                device=torch.device("cpu"),
                generator=generator,
                log=Path(folder, f"{phase.name}.log.jsonl"),
                settle=lambda module: weights.settle_rest(module, phase.trains),
            )
        )


class Split:
    """Stands for a split's videos: what phases see of them comes from `random_clips`."""

    def __len__(self) -> int:
        return VIDEOS

    def without_augmentation(self) -> "Split":
        return self


@contextlib.contextmanager
def random_clips(settings: Any, heads: tuple[Head, ...]) -> Iterator[None]:
    """Inside, the phases' loops get one batch of noise per epoch in place of decoded videos."""
    frames, glances, truth = settings.num_frames, settings.glance_frames, list(settings.truth)

    def batches(dataset: Any, batch_size: int, *, epoch: int, **_: Any) -> Iterator[dict[str, Any]]:
        yield clip(frames, glances, truth, epoch) | {"labels": {head.name: labels(head) for head in heads}}

    real, loop.batches = loop.batches, batches
    try:
        yield
    finally:
        loop.batches = real


def labels(head: Head) -> Tensor:
    classes = torch.arange(VIDEOS) % head.num_classes
    return classes if head.kind == "single" else nn.functional.one_hot(classes, head.num_classes).float()


def clip(frames: int, glances: int, truth: list[str], seed: int) -> dict[str, Any]:
    generator = torch.Generator().manual_seed(seed)
    found = {
        "rgb": torch.randn(VIDEOS, frames, 3, SIZE, SIZE, generator=generator),
        "indices": torch.arange(frames).expand(VIDEOS, frames),
        "video_frames": torch.full((VIDEOS,), frames),
        "frame_size": torch.tensor([[SIZE, SIZE]]).expand(VIDEOS, 2),
        "video_id": [f"v{number}" for number in range(VIDEOS)],
        "decoded_frames": torch.full((VIDEOS,), frames),
    }
    if glances:
        found["glance.rgb"] = torch.randn(VIDEOS, glances, 3, SIZE, SIZE, generator=generator)
        found["glance.indices"] = torch.arange(glances).expand(VIDEOS, -1)
    time = torch.arange(frames, dtype=torch.float64).expand(VIDEOS, -1)
    known = {"x0": time, "y0": time, "x1": time + 8, "y1": time + 8, "moment": time // 2}
    return found | {f"truth.{column}": known.get(column, torch.ones_like(time)) for column in truth}
