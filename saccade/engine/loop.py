"""One supervised training loop, to be read from top to bottom: schedule, clipping, mixed precision, one log line per
epoch."""

import json
import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from tqdm import tqdm

from saccade.engine.checkpoint import Checkpoint, Part
from saccade.engine.device import precision, to_device
from saccade.engine.optimizer import make_optimizer, rate, rate_at
from saccade.files import write_atomic
from saccade.records import LOG_ENDS, SaccadeError
from saccade.settings import Recipe

Batch = dict[str, Any]
Loss = Callable[[nn.Module, Batch], tuple[Tensor, dict[str, Tensor]]]  # mean loss, {head: logits (B, K)}
ADVICE = "try a smaller lr, clip_norm, or amp: off"  # where something stops being finite


@dataclass
class TrainingState:
    """How far a training has come: everything that decides how it goes on, beside weights, optimizer and random
    states."""

    epoch: int = 0  # the one under way, from 0
    batch: int = 0  # how many of its batches are done
    sums: dict[str, float] = field(default_factory=dict)  # over the videos of this epoch
    videos: int = 0
    seconds: float = 0.0
    lines: list[dict[str, float]] = field(default_factory=list)
    best: dict[str, Tensor] = field(default_factory=dict)

    def add(self, found: dict[str, float], videos: int) -> None:
        """Adds what a batch of so many videos gave on average."""
        self.sums = {name: self.sums.get(name, 0.0) + value * videos for name, value in found.items()}
        self.videos += videos

    def close(self, recipe: Recipe, lr: float, val: dict[str, float], model: nn.Module) -> dict[str, float]:
        """Ends the epoch and gives back its log line. The state moves on to the next epoch. If this one was the best so
        far and the recipe selects the best, its weights are kept."""
        line = {"epoch": self.epoch + 1, "epochs": recipe.epochs, "lr": lr}
        line |= {f"train.{name}": total / max(self.videos, 1) for name, total in self.sums.items()}
        line |= {f"val.{name}": value for name, value in val.items()} | {"seconds": round(self.seconds, 3)}
        if recipe.selection == "best" and all(_quality(line) > _quality(other) for other in self.lines):
            self.best = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
        self.lines.append(line)
        self.epoch, self.batch, self.sums, self.videos, self.seconds = self.epoch + 1, 0, {}, 0, 0.0
        return line

    def end(self, model: nn.Module) -> dict[str, float]:
        """Puts the best weights into the model, if they were kept. Gives back the log line of the epoch that the model
        now comes from, without its seconds."""
        if self.best:
            model.load_state_dict(self.best)
        chosen = max(self.lines, key=_quality) if self.best else self.lines[-1]
        return {name: value for name, value in chosen.items() if name != "seconds"}


def progress_bar(log: Path, total: int, done: int) -> tqdm:
    """A bar over so many batches. Its name is that of the phase whose log this is."""
    return tqdm(total=total, initial=done, desc=log.name.removesuffix(LOG_ENDS), unit="batch", mininterval=1.0)


def fit(
    model: nn.Module,
    loss: Loss,
    recipe: Recipe,
    train: Callable[[int, int], Iterable[Batch]],
    val: Callable[[], Iterable[Batch]],
    *,
    steps: int,
    device: torch.device,
    log: Path,
    settle: Callable[[nn.Module], None] = lambda model: None,
    checkpoint: Checkpoint | None = None,
) -> dict[str, float]:
    """Trains `model` in place and gives back the last epoch's log line, without its seconds.

    `train(epoch, start)` gives an epoch's batches from number `start` on, and `val()` those of val. `steps` is how many
    batches a training epoch has. `settle(model)` is called after every `model.train()`; it puts the parts that this
    phase doesn't train back into evaluation mode, so that their BN statistics stay.

    One JSON line per epoch is written to `log`. With `selection: best` the weights of the best epoch on val are kept.
    The training goes on from what `checkpoint` holds and keeps it current. Raises SaccadeError naming the epoch and
    batch where the loss or its gradient stops being finite; what was saved before stays.
    """
    checkpoint = checkpoint or Checkpoint()
    optimizer = make_optimizer(model, recipe)
    scaler = torch.amp.GradScaler(device.type, enabled=recipe.amp == "fp16" and device.type == "cuda")
    parts: dict[str, Part] = {"model": model, "optimizer": optimizer, "scaler": scaler}
    state = TrainingState(**(checkpoint.resume(**parts) or {}))
    with progress_bar(log, recipe.epochs * steps, state.epoch * steps + state.batch) as progress:
        while state.epoch < recipe.epochs:
            started = time.perf_counter() - state.seconds
            model.train()
            settle(model)
            for batch in train(state.epoch, state.batch) if state.batch < steps else ():
                for group in optimizer.param_groups:
                    group["lr"] = group["factor"] * rate_at(recipe, state.epoch, state.batch / steps)
                value, gradient = _step(model, loss, to_device(batch, device), optimizer, scaler, recipe)
                if not (math.isfinite(value) and math.isfinite(gradient)):
                    raise SaccadeError(_not_finite(value, gradient, state, batch, checkpoint))
                state.add({"loss": value}, len(batch["video_id"]))
                state.batch += 1
                state.seconds = time.perf_counter() - started
                progress.update()
                checkpoint.keep(vars(state), **parts)
            watched = _watched(val(), lambda: checkpoint.keep(vars(state), **parts))
            found = evaluate(model, loss, watched, device, recipe)
            if wrong := [f"val.{key} is {number}" for key, number in found.items() if not math.isfinite(number)]:
                raise SaccadeError(f"{', '.join(wrong)} after epoch {state.epoch + 1}; {ADVICE}")
            state.seconds = time.perf_counter() - started
            line = state.close(recipe, rate(recipe, state.epoch), found, model)
            write_log(log, state.lines)
            progress.set_postfix({key: f"{line[key]:.3f}" for key in line if key.endswith(("loss", "top1"))})
            checkpoint.save(vars(state), **parts)
    return state.end(model)


def _watched(batches: Iterable[Batch], each: Callable[[], None]) -> Iterator[Batch]:
    for batch in batches:
        each()
        yield batch


@torch.inference_mode()
def evaluate(
    model: nn.Module, loss: Loss, batches: Iterable[Batch], device: torch.device, recipe: Recipe
) -> dict[str, float]:
    """The mean loss and, for each single-label head, the share of videos whose highest score is the true class."""
    model.eval()
    means: dict[str, _Mean] = {"loss": _Mean()}
    for batch in batches:
        batch = to_device(batch, device)
        with precision(recipe.amp, device):
            value, scores = loss(model, batch)
        means["loss"].add(float(value), len(batch["video_id"]))
        for head, logits in scores.items():
            labels = batch["labels"][head]
            if labels.ndim == 1:
                right = (logits.argmax(1) == labels).float().mean()
                means.setdefault(f"{head}.top1", _Mean()).add(float(right), len(labels))
    return {key: mean.value for key, mean in means.items() if mean.count}


class _Mean:
    def __init__(self) -> None:
        self.total, self.count = 0.0, 0

    def add(self, value: float, count: int) -> None:
        self.total += value * count
        self.count += count

    @property
    def value(self) -> float:
        return self.total / max(self.count, 1)


def _step(
    model: nn.Module,
    loss: Loss,
    batch: Batch,
    optimizer: torch.optim.Optimizer,
    scaler: torch.amp.GradScaler,
    recipe: Recipe,
) -> tuple[float, float]:
    """Makes one update and gives back the loss and the gradient's norm. Where one of them isn't finite the weights are
    left alone.

    With a scaler (fp16) an overflowing gradient is left to the scaler: it skips the step and scales less.
    """
    optimizer.zero_grad(set_to_none=True)
    device = next(model.parameters()).device
    with precision(recipe.amp, device):
        value, _ = loss(model, batch)
    if not torch.isfinite(value):
        return float(value.detach()), 0.0
    scaler.scale(value).backward()  # type: ignore[no-untyped-call]
    scaler.unscale_(optimizer)
    largest = recipe.clip_norm or math.inf  # without a limit the norm is measured and nothing is clipped
    norm = float(nn.utils.clip_grad_norm_([p for p in model.parameters() if p.requires_grad], largest))
    if math.isfinite(norm) or scaler.is_enabled():
        scaler.step(optimizer)
        scaler.update()
    return float(value.detach()), 0.0 if scaler.is_enabled() else norm


def _quality(line: dict[str, float]) -> float:
    """What `selection: best` compares: the mean top-1 of the heads on val, or minus the loss where no head has one."""
    right = [value for key, value in line.items() if key.startswith("val.") and key.endswith(".top1")]
    return sum(right) / len(right) if right else -line.get("val.loss", math.inf)


def write_log(log: Path, lines: list[dict[str, float]]) -> None:
    """A JSON line per epoch, the whole file anew."""
    text = "".join(json.dumps({key: round(value, 6) for key, value in line.items()}) + "\n" for line in lines)
    write_atomic(log, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def _not_finite(value: float, gradient: float, state: TrainingState, batch: Batch, checkpoint: Checkpoint) -> str:
    what = f"loss is {value}" if not math.isfinite(value) else f"gradient's norm is {gradient} (loss {value:.4g})"
    videos = ", ".join(batch["video_id"][:8])
    where = f"the {what} in epoch {state.epoch + 1}, batch {state.batch + 1} (videos {videos} ...)"
    kept = f"; the last good state stays in {checkpoint.file}" if checkpoint.file and checkpoint.file.is_file() else ""
    return f"{where}; {ADVICE}{kept}"
