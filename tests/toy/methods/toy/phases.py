"""Three phases that learn, one that calibrates, and published weights."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from saccade.engine.optimizer import make_optimizer
from saccade.engine.phase_run import PhaseRun
from saccade.engine.released import only_head
from saccade.nn.losses import classification_loss
from saccade.records import Head


def base(run: PhaseRun) -> None:
    def loss(model: nn.Module, batch: dict) -> tuple[Tensor, dict[str, Tensor]]:
        features = model.features(batch["rgb"]).mean((1, -1, -2))
        logits = {head: classify(features) for head, classify in model.base.classify.items()}
        return classification_loss(logits, batch["labels"]), logits

    run.fit(loss)


def policy(run: PhaseRun) -> None:
    """REINFORCE: frames are drawn; the reward is the base's probability of the right class on them, less their
    price."""
    model, optimizer = run.model, make_optimizer(run.model, run.settings)
    facts = run.checkpoint.resume(model=model, optimizer=optimizer) or {"epoch": 0, "reward": 0.0}
    for epoch in range(facts["epoch"], run.settings.epochs):
        rewards = []
        for batch in run.batches(epoch):
            features = model.features(batch["rgb"]).detach()
            chance = model.frame_scores(features).sigmoid()
            drawn = torch.bernoulli(chance.detach(), generator=run.generator)
            reward = _right(model, features, drawn, batch["labels"]) - run.settings.price * drawn.mean(1)
            chosen = torch.where(drawn.bool(), chance, 1 - chance).log().sum(1)
            optimizer.zero_grad()
            (-(reward - reward.mean()) * chosen).mean().backward()
            optimizer.step()
            rewards.append(float(reward.mean()))
        facts = {"epoch": epoch + 1, "reward": sum(rewards) / len(rewards)}
        run.checkpoint.save(facts, model=model, optimizer=optimizer)
    run.result = facts


@torch.no_grad()
def _right(model: nn.Module, features: Tensor, drawn: Tensor, labels: dict[str, Tensor]) -> Tensor:
    """(B,): the base's probability of the right class, from the drawn frames (B, T)."""
    mean = (features.mean((-1, -2)) * drawn[..., None]).sum(1) / drawn.sum(1, keepdim=True).clamp(min=1)
    found = [
        classify(mean).softmax(1).gather(1, labels[head][:, None]) for head, classify in model.base.classify.items()
    ]
    return torch.cat(found, 1).mean(1)


@torch.no_grad()
def calibrate(run: PhaseRun) -> None:
    """Keeps the sorted scores of the training frames, so that any share to keep has its threshold."""
    run.model.eval()
    found = [
        run.model.frame_scores(run.model.features(batch["rgb"])).flatten()
        for batch in run.batches_without_augmentation()
    ]
    run.model.scores = torch.cat(found).sort().values


def joint(run: PhaseRun) -> None:
    """The head learns on the frames that the calibrated policy keeps."""

    def loss(model: nn.Module, batch: dict) -> tuple[Tensor, dict[str, Tensor]]:
        features = model.features(batch["rgb"])
        kept = model.kept(model.frame_scores(features), run.settings.keep)
        videos = [model.logits(features[video, kept[video]]) for video in range(len(features))]
        logits = {head: torch.stack([video[head] for video in videos]) for head in videos[0]}
        return classification_loss(logits, batch["labels"]), logits

    run.fit(loss)


def import_released(settings, heads: Sequence[Head], published: dict[str, Tensor]) -> dict[str, Tensor]:
    """The authors' `stem` is our base, their `gate` our policy; their `aux` has no counterpart."""
    head = only_head(heads)
    names = {"stem": "base.convolve", "stem_fc": f"base.classify.{head}", "gate": "policy", "fc": f"head.{head}"}
    return {
        f"{ours}.{part}": published[f"state_dict.module.{theirs}.{part}"]
        for theirs, ours in names.items()
        for part in ("weight", "bias")
    }
