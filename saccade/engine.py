"""One supervised training loop, read from top to bottom: optimizer, schedule, clipping, mixed precision, a line per epoch."""

import contextlib
import json
import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from tqdm import tqdm

from saccade.records import Head, SaccadeError, write_atomic
from saccade.settings import Recipe
from saccade.video.loader import VideoDataset, batches

Batch = dict[str, Any]
Loss = Callable[[nn.Module, Batch], tuple[Tensor, dict[str, Tensor]]]  # mean loss, {head: logits (B, K)}


def seed_everything(seed: int, threads: int) -> torch.Generator:
    """A seeded CPU generator; torch's global state seeded alike (dropout, weight init), deterministic algorithms on.

    Sums depend on the number of threads, so it comes from the settings and never from the machine.
    """
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(seed)
    return torch.Generator().manual_seed(seed)


def choose_device(wanted: str) -> torch.device:
    """`auto`: the first CUDA device where there is one, else the CPU."""
    return torch.device("cuda" if wanted == "auto" and torch.cuda.is_available() else "cpu")


def to_device(batch: Batch, device: torch.device) -> Batch:
    """The batch with its tensors on `device`."""

    def move(value: Any) -> Any:
        if isinstance(value, Tensor):
            return value.to(device, non_blocking=True)
        return {key: move(inner) for key, inner in value.items()} if isinstance(value, dict) else value

    return {key: move(value) for key, value in batch.items()}


def make_optimizer(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """SGD with momentum or Adam over the parameters that require gradients."""
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if not parameters:
        raise SaccadeError("no parameter is trainable in this phase; check the `trains` globs of its card")
    if recipe.optimizer == "adam":
        return torch.optim.Adam(parameters, lr=recipe.lr, weight_decay=recipe.weight_decay)
    return torch.optim.SGD(parameters, lr=recipe.lr, momentum=recipe.momentum, weight_decay=recipe.weight_decay)


def rate(recipe: Recipe, epoch: float) -> float:
    """The learning rate after `epoch` epochs (fractions count batches): linear warm-up from 0, then the schedule.

    `cosine` falls to 0 over the epochs that follow the warm-up (Loshchilov & Hutter 2017, eq. 5, without restarts).
    """
    if epoch < recipe.warmup_epochs:
        return recipe.lr * epoch / recipe.warmup_epochs
    if recipe.schedule == "step":
        return recipe.lr * recipe.gamma ** sum(epoch >= milestone for milestone in recipe.milestones)
    if recipe.schedule == "cosine":
        share = (epoch - recipe.warmup_epochs) / max(recipe.epochs - recipe.warmup_epochs, 1e-9)
        return 0.5 * recipe.lr * (1 + math.cos(math.pi * min(share, 1.0)))
    return recipe.lr


def fit(
    model: nn.Module,
    loss: Loss,
    recipe: Recipe,
    train: Callable[[int], Sequence[Batch] | Iterable[Batch]],
    val: Callable[[], Iterable[Batch]],
    *,
    steps: int,
    device: torch.device,
    log: Path,
    settle: Callable[[nn.Module], None] = lambda model: None,
) -> dict[str, float]:
    """Trains `model` in place and gives back the last epoch's log line.

    `train(epoch)` and `val()` give batches; `steps` is how many a training epoch has; `settle(model)` is called after
    every `model.train()` and puts the parts that this phase doesn't train back into evaluation mode (their BN statistics
    stay). Writes one JSON line per epoch to `log`. With `selection: best` the weights of the best epoch on val are kept.
    Raises SaccadeError naming the epoch and batch where the loss stops being finite.
    """
    optimizer = make_optimizer(model, recipe)
    scaler = torch.amp.GradScaler(device.type, enabled=recipe.amp == "fp16" and device.type == "cuda")
    lines: list[dict[str, float]] = []
    best: tuple[float, dict[str, Tensor]] | None = None
    with tqdm(total=recipe.epochs * steps, desc=log.name.removesuffix(".log.jsonl"), unit="batch", mininterval=1.0) as progress:
        for epoch in range(recipe.epochs):
            started = time.perf_counter()
            model.train()
            settle(model)
            mean = _Mean()
            for number, batch in enumerate(train(epoch)):
                for group in optimizer.param_groups:
                    group["lr"] = rate(recipe, epoch + number / steps)
                value = _step(model, loss, to_device(batch, device), optimizer, scaler, recipe)
                if not math.isfinite(value):
                    raise SaccadeError(_not_finite(value, epoch, number, batch))
                mean.add(value, len(batch["video_id"]))
                progress.update()
            line = {"epoch": epoch + 1, "epochs": recipe.epochs, "lr": rate(recipe, epoch), "train.loss": mean.value}
            line |= {f"val.{key}": number for key, number in evaluate(model, loss, val(), device, recipe).items()}
            line["seconds"] = round(time.perf_counter() - started, 3)
            lines.append(line)
            _write_log(log, lines)
            progress.set_postfix({key: f"{line[key]:.3f}" for key in line if key.endswith(("loss", "top1"))})
            quality = _quality(line)
            if recipe.selection == "best" and (best is None or quality > best[0]):
                best = quality, {key: tensor.detach().clone() for key, tensor in model.state_dict().items()}
    if best is not None:
        model.load_state_dict(best[1])
        return next(line for line in lines if _quality(line) == best[0])
    return lines[-1] if lines else {}


@torch.inference_mode()
def evaluate(model: nn.Module, loss: Loss, batches: Iterable[Batch], device: torch.device, recipe: Recipe) -> dict[str, float]:
    """Mean loss and, per single-label head, the share of videos whose largest score is the label."""
    model.eval()
    means: dict[str, _Mean] = {"loss": _Mean()}
    for batch in batches:
        batch = to_device(batch, device)
        with _precision(recipe, device):
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
    model: nn.Module, loss: Loss, batch: Batch, optimizer: torch.optim.Optimizer, scaler: torch.amp.GradScaler, recipe: Recipe
) -> float:
    """One update; gives back the loss, and leaves the weights alone where it isn't finite."""
    optimizer.zero_grad(set_to_none=True)
    device = next(model.parameters()).device
    with _precision(recipe, device):
        value, _ = loss(model, batch)
    if not torch.isfinite(value):
        return float(value.detach())
    scaler.scale(value).backward()  # type: ignore[no-untyped-call]
    if recipe.clip_norm:
        scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_([p for p in model.parameters() if p.requires_grad], recipe.clip_norm)
    scaler.step(optimizer)
    scaler.update()
    return float(value.detach())


@contextlib.contextmanager
def _precision(recipe: Recipe, device: torch.device) -> Iterator[None]:
    """Automatic mixed precision as the recipe says; fp16 on a CPU isn't offered, since gradients there can't be scaled."""
    if recipe.amp == "fp16" and device.type == "cpu":
        raise SaccadeError("amp: fp16 needs a GPU; set amp to bf16 or off")
    dtype = torch.bfloat16 if recipe.amp == "bf16" else torch.float16
    with torch.autocast(device.type, dtype=dtype, enabled=recipe.amp != "off"):
        yield


def _quality(line: dict[str, float]) -> float:
    """What `selection: best` compares: the mean top-1 of the heads on val, or minus the loss where no head has one."""
    right = [value for key, value in line.items() if key.startswith("val.") and key.endswith(".top1")]
    return sum(right) / len(right) if right else -line.get("val.loss", math.inf)


def _write_log(log: Path, lines: list[dict[str, float]]) -> None:
    text = "".join(json.dumps({key: round(value, 6) for key, value in line.items()}) + "\n" for line in lines)
    write_atomic(log, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def _not_finite(value: float, epoch: int, number: int, batch: Batch) -> str:
    videos = ", ".join(batch["video_id"][:8])
    return f"the loss is {value} in epoch {epoch + 1}, batch {number + 1} (videos {videos} ...); try a smaller lr, clip_norm, or amp: off"


@dataclass
class PhaseRun:
    """What a method's phase gets: the model (built, needs loaded), the data, and `fit` for a supervised one.

    `result` holds the last line of the log after the phase, or what a phase with its own loop puts there.
    """

    settings: Any
    heads: Sequence[Head]
    model: nn.Module
    train: VideoDataset
    val: VideoDataset
    device: torch.device
    generator: torch.Generator
    log: Path
    settle: Callable[[nn.Module], None]
    result: dict[str, float] = field(default_factory=dict)

    def fit(self, loss: Loss) -> None:
        """Trains the model with the settings' recipe on the train split, watching val."""
        recipe = self.settings
        steps = math.ceil(len(self.train) / recipe.batch_size)
        self.result = fit(
            self.model,
            loss,
            recipe,
            lambda epoch: batches(self.train, recipe.batch_size, shuffle=True, epoch=epoch, workers=recipe.workers),
            lambda: batches(self.val, recipe.eval_batch_size, shuffle=False, epoch=0, workers=recipe.workers),
            steps=steps,
            device=self.device,
            log=self.log,
            settle=self.settle,
        )
