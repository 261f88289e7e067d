"""One phase of a run, started as the step `train` starts it, for tests of what decides its weights."""

import dataclasses
from pathlib import Path
from typing import Any

import torch
from small_models import shape
from torch import Tensor, nn

from saccade.cards.method import Phase
from saccade.engine import weights
from saccade.plan.layers import heads_of, resolve
from saccade.plan.runs import Run
from saccade.records import Task
from saccade.steps import train as step

VIDEOS = 2  # the clips of the one batch


def short_settings(root: Path, run: Run, phase: Phase) -> Any:
    """The phase's own settings, for an epoch of one batch of short clips."""
    settings = resolve(root, run, phase.name).typed
    short = dict(zip(("num_frames", "glance_frames"), shape(settings), strict=True))
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
