"""Stage II: what the policies are rewarded for, and the loop in which they learn.

Neither what a policy reads (the maps of f_G) nor what f_G sees depends on its choices, so a whole clip is rolled out at
once: every frame's patch is drawn, both patches of every frame go through f_L in one batch, and f_C is asked once more
at every step from the state that the frames before it really left (Sec. 3.2). The state that a question leaves behind
is thrown away: asking never moves time on.
"""

import math
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from saccade.engine.loop import TrainingState, progress_bar, write_log
from saccade.engine.phase_run import PhaseRun
from saccade.nn.patches import random_corners
from saccade.records import SaccadeError
from saccade.scoring.hit_rates import BOX, VISIBLE, holds_centre

from .networks import places
from .networks.adafocus import AdaFocus, frame_size, patches_at
from .networks.policy import keep_distribution, place_distribution, sample, statistics_kept, update
from .settings import Settings

Batch = dict[str, Any]


@dataclass
class Rollout:
    """One batch, played once. S is T, or 1 where one place holds for the clip."""

    maps: Tensor  # (B, S, C, h, w) as the policy reads them
    places: Tensor  # (B, S) candidates, or (B, S, 2) places
    reward: Tensor  # (B, S)
    right: Tensor  # (B,) whether the last answer is right, as long as heads have one label
    corners: Tensor  # (B, T, 2)
    corners_random: Tensor
    kept: Tensor | None = None  # (B, T)
    keep_reward: Tensor | None = None


@torch.no_grad()
def roll_out(
    model: AdaFocus, batch: Batch, settings: Settings, generator: torch.Generator, greedy: bool = False
) -> Rollout:
    """Draws places (`greedy`: takes the best ones, as at test time) and what they are worth."""
    rgb, labels = batch["rgb"], one_label(batch["labels"], generator)
    videos, frames = rgb.shape[:2]
    maps = model.glance(batch.get("glance.rgb", rgb))
    pooled = maps.mean((3, 4)) if settings.reuse or settings.temporal == "shift" else None
    read = model.policy_input(maps)
    distribution = place_distribution(model.policies["where"](read), settings)
    chosen = _best(distribution, settings) if greedy else sample(distribution, generator)
    size, patch = frame_size(rgb), settings.patch_size
    if settings.places == "grid":
        corners = places.candidate_corners(chosen, settings.candidates, size, patch)
    else:
        corners = places.corners_at(chosen, size, patch)
    corners = corners.expand(videos, frames, 2)
    steps = (videos, read.shape[1])
    elsewhere = random_corners(steps, size, patch, generator).to(rgb.device).expand(videos, frames, 2)
    local, local_random = model.focus(
        torch.cat([patches_at(rgb, where, patch) for where in (corners, elsewhere)])
    ).chunk(2)
    kept = None
    if settings.skip == "learned":
        keeping = keep_distribution(model.policies["skip"](maps))
        kept = (keeping.mean >= 0.5).float() if greedy else sample(keeping, generator)
    played = _play(model, pooled, local, local_random, kept, labels, settings)
    reward = played.reward.expand(steps)  # where several places led to a single answer, each gets its reward
    return Rollout(read, chosen, reward, played.right, corners, elsewhere, kept, played.keep_reward)


def _best(distribution: Any, settings: Settings) -> Tensor:
    return distribution.probs.argmax(-1) if settings.places == "grid" else distribution.mean


@dataclass
class _Played:
    reward: Tensor
    right: Tensor
    keep_reward: Tensor | None


def _play(
    model: AdaFocus,
    pooled: Tensor | None,
    local: Tensor,
    local_random: Tensor,
    kept: Tensor | None,
    labels: Any,
    settings: Settings,
) -> _Played:
    if settings.temporal == "shift":  # one answer per clip
        logits = model.scores(pooled, local)
        own, chance = confidence(logits, labels), confidence(model.scores(pooled, local_random), labels)
        return _Played(_reward(own, chance, own, settings), _right(logits, labels), None)
    seen = local if kept is None else local * kept[..., None]
    states = model.classifier.states(model.joined(pooled, seen))  # type: ignore[operator]
    # h at t - 1, as the played frames left it
    before = torch.cat([torch.zeros_like(states[:, :1]), states[:, :-1]], dim=1)

    def if_seen(features: Tensor) -> Tensor:
        """(B, T) confidence after step t if its patch had these features."""
        asked = model.joined(pooled, features).flatten(0, 1)[:, None]  # (B*T, 1, D)
        after = model.classifier.states(asked, before.flatten(0, 1)).unflatten(0, states.shape[:2])[:, :, 0]  # type: ignore[operator]
        return confidence(model.classifier.classify(after), labels)  # type: ignore[operator]

    logits = model.classifier.classify(states)  # type: ignore[operator]
    own, chance = if_seen(local), if_seen(local_random)  # as if kept, so that a skipped frame's place is taught, too
    reward = _reward(own, chance, confidence(logits, labels), settings)
    if settings.per_clip:
        reward = reward.mean(1, keepdim=True)
    if kept is None:
        return _Played(reward, _right(logits, labels), None)
    gain = own - if_seen(torch.zeros_like(local)) - settings.penalty * settings.patch_size**2  # eq. 10
    return _Played(reward, _right(logits, labels), torch.where(kept > 0, gain, 0.0))


def _reward(own: Tensor, chance: Tensor, played: Tensor, settings: Settings) -> Tensor:
    """(B, S) of the place chosen: eq. 7 with one random patch for the expectation, or Table 5's `confidence` and
    `increments`."""
    if settings.reward == "confidence":
        return own
    if settings.reward == "increments":
        return own - torch.cat([torch.zeros_like(played[:, :1]), played[:, :-1]], dim=1)
    return own - chance


def confidence(logits: dict[str, Tensor], labels: dict[str, Tensor]) -> Tensor:
    """(B, S) softmax probability of the true class, of several heads their mean."""
    true = {head: labels[head][:, None, None].expand(-1, value.shape[1], 1) for head, value in logits.items()}
    return torch.stack(
        [value.float().softmax(-1).gather(2, true[head])[..., 0] for head, value in logits.items()]
    ).mean(0)


def one_label(labels: dict[str, Tensor], generator: torch.Generator) -> dict[str, Tensor]:
    """One class a video (B,): where there may be several, one of them by lot (official code); without any, one of
    all."""

    def drawn(value: Tensor) -> Tensor:
        return torch.multinomial(value.float().cpu() + 1e-9, 1, generator=generator)[:, 0].to(value.device)

    return {head: value if value.ndim == 1 else drawn(value) for head, value in labels.items()}


def _right(logits: dict[str, Tensor], labels: dict[str, Tensor]) -> Tensor:
    """(B,) share of the heads whose last answer is true."""
    return torch.stack([(value[:, -1].argmax(1) == labels[head]).float() for head, value in logits.items()]).mean(0)


def learn(run: PhaseRun) -> None:
    """Adam on the policies, `epochs` times through the training split; a line per epoch in the log, with what val says
    of the best places.

    Where the settings select the best epoch, it is the one of the highest top-1 on val.
    """
    model, settings, checkpoint = run.model, run.settings, run.checkpoint
    optimizers = {
        name: torch.optim.Adam(policy.parameters(), lr=settings.lr) for name, policy in model.policies.items()
    }
    parts: dict[str, Any] = {"policies": model.policies} | {
        f"optimizer of {name}": one for name, one in optimizers.items()
    }
    state = TrainingState(**(checkpoint.resume(**parts) or {}))
    steps = run.steps
    with progress_bar(run.log, settings.epochs * steps, state.epoch * steps + state.batch) as bar:
        while state.epoch < settings.epochs:
            started = time.perf_counter() - state.seconds
            for batch in run.batches(state.epoch, state.batch) if state.batch < steps else ():
                model.eval()
                model.policies.train()
                # a single reward has no spread to be standardised by
                if len(batch["video_id"]) > 1 or not settings.per_clip:
                    found = _learn_batch(model, batch, settings, run.generator, optimizers)
                    _need_finite(found, state)
                    state.add(found, len(batch["video_id"]))
                state.batch += 1
                state.seconds = time.perf_counter() - started
                bar.update()
                checkpoint.keep(vars(state), **parts)
            found = watch(model, run.val_batches(), settings)
            state.seconds = time.perf_counter() - started
            line = state.close(settings, settings.lr, found, model.policies)
            write_log(run.log, state.lines)
            bar.set_postfix({"reward": f"{line['train.reward']:+.3f}", "val.top1": f"{line['val.top1']:.3f}"})
            checkpoint.save(vars(state), **parts)
    run.result = state.end(model.policies)


def _need_finite(found: dict[str, float], state: TrainingState) -> None:
    if wrong := [f"{name} is {value}" for name, value in found.items() if not math.isfinite(value)]:
        where = f"epoch {state.epoch + 1}, batch {state.batch + 1}"
        raise SaccadeError(f"learning the policy: {', '.join(wrong)} in {where}; try a smaller lr")


def _learn_batch(
    model: AdaFocus,
    batch: Batch,
    settings: Settings,
    generator: torch.Generator,
    optimizers: dict[str, torch.optim.Optimizer],
) -> dict[str, float]:
    with statistics_kept(model.policies):
        played = roll_out(model, batch, settings, generator)
    found = update(
        model.policies["where"],
        lambda scores: place_distribution(scores, settings),
        played.maps,
        played.places,
        played.reward,
        optimizers["where"],
        settings,
    )
    found |= {"reward": float(played.reward.mean()), "top1": float(played.right.mean())}
    if played.kept is not None and played.keep_reward is not None:
        skipping = update(
            model.policies["skip"],
            keep_distribution,
            played.maps,
            played.kept,
            played.keep_reward,
            optimizers["skip"],
            settings,
        )
        found |= {f"keep_{name}": value for name, value in skipping.items()}
        found |= {"keep_reward": float(played.keep_reward.mean()), "kept": float(played.kept.mean())}
    return found


def watch(model: AdaFocus, batches: Iterable[Batch], settings: Settings) -> dict[str, float]:
    """Means over val of the best places: reward, top-1, and, where the clips bring the truth, the share of patches that
    hold the middle of the target where it informs and is to be seen (`hit`), beside those of random and central
    patches."""
    model.eval()
    generator = torch.Generator().manual_seed(0)
    sums: dict[str, tuple[float, float]] = {}
    for batch in batches:
        played = roll_out(model, batch, settings, generator, greedy=True)
        found = {"reward": played.reward.mean(1), "top1": played.right} | (
            {} if played.kept is None else {"kept": played.kept.mean(1)}
        )
        found |= _hits(batch, played, settings)
        for name, value in found.items():
            total, count = sums.get(name, (0.0, 0))
            sums[name] = (total + float(value.double().sum()), count + value.numel())
    return {name: total / count for name, (total, count) in sums.items() if count}


def _hits(batch: Batch, played: Rollout, settings: Settings) -> dict[str, Tensor]:
    """For each frame that `saccade.scoring.hit_rates` judges, 1 where the patch holds the middle of the target; nothing
    without the truth."""
    if not {*(f"truth.{key}" for key in BOX), "truth.informative", "truth.visibility"} <= set(batch):
        return {}
    judged = (batch["truth.informative"] > 0) & (batch["truth.visibility"] >= VISIBLE)
    targets = torch.stack([batch[f"truth.{key}"] for key in BOX], dim=-1)[judged].cpu().numpy()
    central = places.corners_at(
        torch.full_like(played.corners, 0.5, dtype=torch.float), frame_size(batch["rgb"]), settings.patch_size
    )
    found = {}
    for name, corners in (("hit", played.corners), ("hit_random", played.corners_random), ("hit_central", central)):
        start = corners.flip(-1)[judged]  # left, top
        patches = torch.cat([start, start + settings.patch_size], dim=-1).cpu().numpy()
        found[name] = torch.from_numpy(holds_centre(patches, targets))
    return found
