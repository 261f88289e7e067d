"""The phases of Mac et al. (Sec. IV-A, and what only the official code says): the networks with heads of their own;
then, on frozen networks, each recurrent head by itself and the three together, the hallucinator, and the temporal
sampler with the heads."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

import torch
from torch import Tensor, nn

from saccade.engine.phase_run import PhaseRun
from saccade.nn.losses import classification_loss
from saccade.nn.seeding import seed_of

from .learning import belief_loss, calibrate, heads_loss, numbered, pushes, sampling_loss, timed_loss, truth_of
from .model import full_and_scanned_macs
from .networks.heads import Logits, mean_logits
from .networks.mac import Mac
from .paper.published import import_released as import_released
from .settings import READS

Batch = dict[str, Any]
Train = Callable[[int, int], Iterable[Batch]]  # an epoch's batches from a number on
GIGA = 1e9
MEASURED = 4  # batches that the terms of a loss are compared on


def pretrain_high(run: PhaseRun) -> None:
    """Phase 1 at full resolution: pictures, sound (and flow) with one classifier over the mean of segments. That is
    SAN19-base, and TBN."""
    _pretrain(run, "high")


def pretrain_low(run: PhaseRun) -> None:
    """The same at low resolution, with a network of sound that nothing reads afterwards (official code)."""
    _pretrain(run, "low")


def train_global(run: PhaseRun) -> None:
    """The head of the frame at low resolution and its sound: S_0."""
    _train_heads(run, ("global",))


def train_local(run: PhaseRun) -> None:
    """The head of crops and sound by itself (official code; the paper is silent)."""
    _train_heads(run, ("local",))


def train_all(run: PhaseRun) -> None:
    """The head of everything by itself (official code; the paper is silent)."""
    _train_heads(run, ("all",))


def train_heads(run: PhaseRun) -> None:
    """The three heads together, each with its share of the loss (Sec. IV-A)."""
    _train_heads(run, tuple(READS))


def train_hallucinator(run: PhaseRun) -> None:
    """What attention will be, on the frozen network of low resolution (eq. 5)."""

    def loss(model: Mac, batch: Batch) -> tuple[Tensor, Logits]:
        attention = _known(model, batch, {"attention"})["attention"]
        return belief_loss(run, model, attention, batch["epoch"] if model.training else None), {}

    run.fit(loss, *_on_known(run, {"attention"}))


def train_times(run: PhaseRun) -> None:
    """The temporal sampler and the heads, on frozen networks and a frozen hallucinator (Sec. IV-A); the heads alone
    where something else decides. Of a sampler the result tells, too, how far each term of the loss pushes it, before
    and after (`gradient.first.<term>`, `.last.`). Where the card's `trains` covers the hallucinator's statistics, its
    normalisations go on taking those of batches (official code)."""
    settings, model = run.settings, run.model
    read = {*model.read, *(["attention"] if settings.scans else []), *(["places"] if settings.waits else [])}
    train, val = _on_known(run, read)
    if not settings.scans:
        return run.fit(lambda model, batch: timed_loss(run, model, batch, _known(model, batch, read)), train, val)
    if settings.decide == "threshold":
        videos = train(0, 0) if settings.fixed_clips else run.batches_without_augmentation()
        maps = [_known(model.eval(), batch, {"attention"})["attention"] for batch in videos]
        calibrate(model, torch.cat(maps), settings.full_share)
    full, scanned = full_and_scanned_macs(model, next(iter(run.val_batches())))
    costs = full / GIGA, scanned / GIGA

    def loss(model: Mac, batch: Batch) -> tuple[Tensor, Logits]:
        return sampling_loss(run, model, batch, _known(model, batch, read), costs)

    def pushed(when: str, epoch: int) -> dict[str, float]:
        some = islice(train(epoch, 0), MEASURED)
        found = pushes(run, model, some, lambda batch: _known(model, batch, read), costs)
        return {f"gradient.{when}.{term}": length for term, length in found.items()}

    first = pushed("first", 0)
    run.fit(loss, train, val)
    run.result |= first | pushed("last", settings.epochs - 1)


def _pretrain(run: PhaseRun, scale: str) -> None:
    if run.settings.partial_bn:
        keep_normalisations(run)

    def loss(model: Mac, batch: Batch) -> tuple[Tensor, Logits]:
        if run.settings.shuffle_sound and model.training and "audio" in batch:
            batch = batch | {"audio": in_any_order(batch["audio"], run.generator)}
        logits = model.average(batch, scale)
        return classification_loss(logits, batch["labels"], run.settings.head_weights), logits

    run.fit(loss)


def keep_normalisations(run: PhaseRun) -> None:
    """Lets only the first normalisation of each network learn: neither the others' scales nor their statistics change
    (partial BN, official code)."""
    kept = [
        norm
        for name in run.model.sizes
        for norm in [one for one in run.model.get_submodule(name).modules() if isinstance(one, nn.BatchNorm2d)][1:]
    ]
    for norm in kept:
        norm.requires_grad_(False)
    settle = run.settle

    def settled(model: nn.Module) -> None:
        settle(model)
        for norm in kept:
            norm.eval()

    run.settle = settled


def in_any_order(audio: Tensor, generator: torch.Generator) -> Tensor:
    """(B, T, ...) with the T windows of each video permuted."""
    order = torch.rand(audio.shape[:2], generator=generator).argsort(1)
    return audio[torch.arange(len(audio))[:, None], order]


def _train_heads(run: PhaseRun, names: tuple[str, ...]) -> None:
    read = {part for name in names for part in READS[name]}

    def loss(model: Mac, batch: Batch) -> tuple[Tensor, Logits]:
        answers = model.answers(_known(model, batch, read), names)
        return heads_loss(run.settings, answers, batch["labels"]), mean_logits(list(answers.values()))

    run.fit(loss, *_on_known(run, read))


def _on_known(run: PhaseRun, read: set[str]) -> tuple[Train, Callable[[], Iterable[Batch]]]:
    """The batches to train on and those of val, as `fit` takes them: with what frozen networks say of them where clips
    are the same in every epoch, which is asked once."""
    if not run.settings.fixed_clips:
        return lambda epoch, start: numbered(epoch, run.batches(epoch, start)), run.val_batches
    train = _observed(run, run.batches_without_augmentation(), read)
    val = _observed(run, run.val_batches(), read)
    return (
        lambda epoch, start: numbered(epoch, _shuffled(run, train, epoch, start)),
        lambda: _cut(run, val, range(_size(val))),
    )


def _known(model: Mac, batch: Batch, read: set[str]) -> dict[str, Tensor]:
    """What frozen networks say of a batch, which may hold it already."""
    if "features" in batch:
        return batch["features"]  # type: ignore[no-any-return]
    with torch.no_grad():
        return model.look(batch, read, model.settings).features | truth_of(batch)


def _observed(run: PhaseRun, batches: Iterable[Batch], read: set[str]) -> Batch:
    """All videos as one batch: their features, computed once, as at test time."""
    run.model.eval()
    parts = [
        {"features": _known(run.model, batch, read), "labels": batch["labels"], "video_id": batch["video_id"]}
        for batch in batches
    ]
    joined = {
        key: {name: torch.cat([part[key][name] for part in parts]) for name in parts[0][key]}
        for key in ("features", "labels")
    }
    return joined | {"video_id": [video for part in parts for video in part["video_id"]]}


def _shuffled(run: PhaseRun, videos: Batch, epoch: int, start: int) -> Iterator[Batch]:
    """The epoch's batches from number `start` on, in an order that the phase's seed and the epoch alone decide."""
    seed = seed_of(run.generator.initial_seed(), f"epoch {epoch}")
    order = torch.randperm(_size(videos), generator=torch.Generator().manual_seed(seed))
    yield from list(_cut(run, videos, order.tolist()))[start : run.steps]


def _cut(run: PhaseRun, videos: Batch, order: Iterable[int]) -> Iterator[Batch]:
    order, size = list(order), run.settings.batch_size
    for first in range(0, len(order), size):
        rows = order[first : first + size]
        batch: Batch = {
            key: {name: value[rows] for name, value in videos[key].items()} for key in ("features", "labels")
        }
        yield batch | {"video_id": [videos["video_id"][row] for row in rows]}


def _size(videos: Batch) -> int:
    return len(videos["video_id"])
