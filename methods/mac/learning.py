"""How the hallucinator and the temporal sampler learn (Sec. III-C, III-D, IV-A): on frozen networks, whose features of
each frame are what they would be at test time."""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from saccade.engine.device import precision
from saccade.engine.phase_run import PhaseRun
from saccade.nn.losses import classification_loss
from saccade.nn.seeding import seed_of
from saccade.records import SaccadeError

from .networks.hallucinator import similarity
from .networks.heads import Logits, mean_logits
from .networks.known_ahead import way_ahead
from .networks.mac import Mac, read_by
from .networks.slots import features_in_order, order_of_seen
from .networks.times import FULL, efficiency_loss, go, inert_efficiency_loss, relaxed, spans, usage_loss

Batch = dict[str, Any]


def numbered(epoch: int, batches: Iterable[Batch]) -> Iterator[Batch]:
    """The batches, each with the epoch's number, from 0."""
    for batch in batches:
        yield batch | {"epoch": epoch}


def heads_loss(settings: Any, answers: dict[str, Logits], labels: Any) -> Tensor:
    """Of several recurrent heads, each with its share (Sec. IV-A); of one, its own."""
    shares = settings.loss_weights if len(answers) > 1 else {}
    losses = [
        shares.get(name, 1.0) * classification_loss(logits, labels, settings.head_weights)
        for name, logits in answers.items()
    ]
    return torch.stack(losses).sum()


# ---- the hallucinator


def belief_loss(run: PhaseRun, model: Mac, attention: Tensor, epoch: int | None) -> Tensor:
    """Eq. 5: how unlike attention (B, T, C, h, w) is to what was expected of it, from the first frame on that isn't
    among those fed as they were seen (official code; the equation has all but the first). `epoch`: None at test time,
    when behind these the hallucinator is fed its own maps."""
    known, frames = run.settings.known_frames, attention.shape[1]
    if known >= frames:
        raise SaccadeError(
            f"known_frames is {known}, of {frames} frames: none is left to foresee; set it to {frames - 1} or less"
        )
    fed = 0.0 if epoch is None else run.settings.forcing_decay ** max(epoch - 1, 0)  # falls behind the second epoch
    later = frames - 1 - known
    drawn = torch.ones(later) if epoch is None else torch.rand(later, generator=run.generator)
    own = [False] * known + (drawn >= fed).tolist()
    expected = model.hallucinator.through(attention, own)
    return -similarity(expected[:, known - 1 :], attention[:, known:]).mean()


# ---- the temporal sampler


def timed_loss(run: PhaseRun, model: Mac, batch: Batch, features: dict[str, Tensor]) -> tuple[Tensor, Logits]:
    """The classes' loss by the frames that are known ahead to be seen in full. features: of every frame, and the truth
    per frame where the times are the true ones."""
    known = {"video_id": batch["video_id"]} | features
    one = next(iter(features.values()))
    way = way_ahead(known, one.shape[1], run.settings, run.generator if model.training else None)
    full = (way.fates == FULL).to(one.device)
    seen, features = full.float(), in_slots_of_seen(features, full, run.settings)
    answers = {name: head.where(read_by(name, features), seen) for name, head in model.heads.items()}
    return heads_loss(run.settings, answers, batch["labels"]), mean_logits(list(answers.values()))


def truth_of(batch: Batch) -> dict[str, Tensor]:
    """What a batch knows per frame that its pictures don't say."""
    return {name: values for name, values in batch.items() if name.startswith("truth.")}


@torch.no_grad()
def calibrate(model: Mac, attention: Tensor, full_share: float) -> None:
    """Sets the threshold so that `full_share` of the frames of these videos (B, T, C, h, w) are seen in full."""
    shape = (attention.shape[0], attention.shape[1])
    on = lambda scores, rows, at: torch.ones_like(rows)  # noqa: E731
    way = go(lambda rows, at: attention[rows, at], shape, model.foresight, model.sampler, on)
    model.sampler.calibrate(way.similarity[:, 1:], shape[1], full_share)  # type: ignore[operator]


def sampling_loss(
    run: PhaseRun, model: Mac, batch: Batch, features: dict[str, Tensor], costs: tuple[float, float]
) -> tuple[Tensor, Logits]:
    """The classes' loss by the frames that the sampler sees in full, and that of how it decides; as `sampled`."""
    found = sampled(run.settings, model, batch, features, costs, run.generator)
    return torch.stack(list(found.terms.values())).sum(), mean_logits(list(found.answers.values()))


@dataclass
class Sampled:
    """Of a batch: the `terms` of the loss as they are weighed in it, and {head: its scores}."""

    terms: dict[str, Tensor]
    answers: dict[str, Logits]


def sampled(
    settings: Any,
    model: Mac,
    batch: Batch,
    features: dict[str, Tensor],
    costs: tuple[float, float],
    generator: torch.Generator,
) -> Sampled:
    """A batch on the ways that the sampler takes, drawn in training. features: of every frame, `attention` (B, T, C, h,
    w) among them; costs: of a full and of a pre-scanned frame."""
    attention = features["attention"]
    drawn: list[tuple[Tensor, Tensor, Tensor]] = []

    def decide(scores: Tensor, rows: Tensor, at: Tensor) -> Tensor:
        if model.training and settings.decide != "threshold":
            temperature = settings.temperature * math.exp(-settings.temperature_decay * batch["epoch"])
            vectors = relaxed(scores, temperature, generator)
        else:
            vectors = functional.one_hot(scores.argmax(1), scores.shape[1]).to(scores)
        drawn.append((rows, at, vectors))
        return vectors.argmax(1)

    shape = (attention.shape[0], attention.shape[1])
    way = go(lambda rows, at: attention[rows, at], shape, model.foresight, model.sampler, decide)
    seen = torch.zeros(shape, device=attention.device)
    seen[:, 0] = 1
    rows, at, vectors = (torch.cat(parts) for parts in zip(*drawn, strict=True))
    seen = seen.index_put((rows, at), vectors[:, 0].to(seen))
    features = in_slots_of_seen(features, way.fates == FULL, settings)
    answers = {name: head.where(read_by(name, features), seen) for name, head in model.heads.items()}
    terms = {"classes": heads_loss(settings, answers, batch["labels"])}
    if settings.efficiency == "paper":
        terms["efficiency"] = settings.efficiency_weight * efficiency_loss(vectors, shape[0], *costs)
    else:
        terms["usage"] = settings.usage_weight * usage_loss(vectors, spans(way.decisions)[rows, at])
        terms["efficiency"] = settings.efficiency_weight * inert_efficiency_loss(vectors, shape[0], *costs)
    return Sampled(terms, answers)


def pushes(
    run: PhaseRun,
    model: Mac,
    batches: Iterable[Batch],
    known: Callable[[Batch], dict[str, Tensor]],
    costs: tuple[float, float],
) -> dict[str, float]:
    """{term: how long its gradient by the sampler's weights is}, the mean over batches: what each term of the loss has
    to say in how the sampler decides; {} where it has none. known: a batch's features. Nothing learns, and no number
    that the training draws is another for it."""
    if not (weights := list(model.sampler.parameters())):
        return {}
    generator = torch.Generator().manual_seed(seed_of(run.generator.initial_seed(), "pushes"))
    found: dict[str, list[float]] = {}
    kept = {name: buffer.clone() for name, buffer in model.named_buffers()}  # a drifting normalisation would move
    with torch.random.fork_rng([run.device] if run.device.type == "cuda" else []):
        model.train()
        run.settle(model)
        for batch in batches:
            with precision(run.settings.amp, run.device):
                terms = sampled(run.settings, model, batch, known(batch), costs, generator).terms
            for name, term in terms.items():
                parts = torch.autograd.grad(term, weights, retain_graph=True, materialize_grads=True)
                length = torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(part) for part in parts]))
                found.setdefault(name, []).append(float(length))
    for name, buffer in model.named_buffers():
        buffer.copy_(kept[name])
    return {name: sum(lengths) / len(lengths) for name, lengths in found.items()}


def in_slots_of_seen(features: dict[str, Tensor], full: Tensor, settings: Any) -> dict[str, Tensor]:
    """The features, in which each video's crops are in slots that its frames seen in full (B, T) alone put them into,
    as they are at test time (official code). What has no `places` (B, T, k, 2) stays as it is."""
    if "places" not in features:
        return features
    order = order_of_seen(features["places"].cpu().numpy(), settings.slots, full.cpu().numpy())
    return features | {"regions": features_in_order(features["regions"], order)}
