"""The phases of AdaFocus: stage 0 of both networks, I `warm_up`, II `learn_policy`, III `fine_tune`, and `calibrate`
for AdaFocus+."""

import contextlib
from typing import Any

import torch
from torch import Tensor

from saccade.engine.phase_run import PhaseRun
from saccade.nn.losses import classification_loss, stepwise_loss

from .learning import learn, one_label
from .networks.adafocus import AdaFocus, Logits, corners_of, focus_on, patches_at, whole_frames
from .paper.published import import_released as import_released
from .settings import WHOLE, Settings

Batch = dict[str, Any]
# shares of the frames that stage III keeps: at least in training, and where val is looked at
LEAST_KEPT, KEPT = (0.5, 0.7)


def pretrain_global(run: PhaseRun) -> None:
    """Cross-entropy of the mean score of whole frames (official code, stage 0)."""
    _pretrain(run, "global")


def pretrain_local(run: PhaseRun) -> None:
    """The same for the expensive network: here it sees whole frames, too."""
    _pretrain(run, "local")


def _pretrain(run: PhaseRun, part: str) -> None:
    def loss(model: AdaFocus, batch: Batch) -> tuple[Tensor, Logits]:
        maps = model.maps(part, batch["rgb"])
        logits = model.get_submodule(f"{part}_head")(maps.mean((3, 4)))
        return classification_loss(logits, one_label(batch["labels"], run.generator), run.settings.head_weights), logits

    run.fit(loss)


def warm_up(run: PhaseRun) -> None:
    """Stage I, eq. 5: random patches, cross-entropy after every frame; f_G stays as it is (official code; the paper
    trains it, too)."""
    run.fit(lambda model, batch: classify(model, batch, run, frozen=("global",)))


def warm_up_jointly(run: PhaseRun) -> None:
    """Stage I as eq. 5 has it: f_G learns with the others."""
    run.fit(lambda model, batch: classify(model, batch, run, frozen=()))


def fine_tune(run: PhaseRun) -> None:
    """Stage III: as stage I, on the patches that the policy holds best; f_C alone learns (official code; the paper
    offers f_L, too).

    With learned skipping the frames of a batch that the policy wants least are skipped, by lot up to half of them (our
    choice), so that f_C knows every kept share that is asked for.
    """
    run.fit(lambda model, batch: classify(model, batch, run, frozen=("global", "local"), skipping=True))


def learn_policy(run: PhaseRun) -> None:
    """Stage II: only the policies change; both networks and f_C stay, and stay in evaluation mode, so that rewards
    aren't noisy."""
    learn(run)


@torch.inference_mode()
def calibrate(run: PhaseRun) -> None:
    """Keeps the sorted keep scores of all frames, seen as at test time: the threshold of any kept share can be read off
    them (Sec. 3.3).

    Of the training split, which the paper uses, and of val, which it says makes no difference.
    """
    run.model.eval()
    for name, batches in (("from_train", run.batches_without_augmentation()), ("from_val", run.val_batches())):
        scores = [
            run.model.policies["skip"](run.model.glance(batch["rgb"])).sigmoid().flatten().cpu() for batch in batches
        ]
        setattr(run.model.thresholds, name, torch.cat(scores).sort().values.clone().to(run.device))


def classify(
    model: AdaFocus, batch: Batch, run: PhaseRun, frozen: tuple[str, ...], skipping: bool = False
) -> tuple[Tensor, Logits]:
    """The mean loss over all steps, and the last step's logits. `frozen`: networks that need no gradient; `skipping`:
    whether the policy that skips patches, where there is one, is heard."""
    settings: Settings = run.settings
    maps = pooled = None
    skipping = skipping and "skip" in model.policies
    if settings.reuse or settings.temporal == "shift" or settings.look == "learned" or skipping:
        with _frozen("global" in frozen):
            maps = model.glance(batch.get("glance.rgb", batch["rgb"]))
            pooled = maps.mean((3, 4))
    with _frozen("local" in frozen):
        local = _local(model, batch, run, maps, skipping)
    steps = model.scores(pooled, local)
    loss = stepwise_loss(steps, one_label(batch["labels"], run.generator), settings.head_weights)
    return loss, {head: logits[:, -1] for head, logits in steps.items()}


def _local(model: AdaFocus, batch: Batch, run: PhaseRun, maps: Tensor | None, skipping: bool) -> Tensor | None:
    """(B, T, D) of what f_L sees; None where there is no f_L."""
    settings: Settings = run.settings
    if settings.look in WHOLE:
        return None if settings.look == "none" else model.focus(whole_frames(batch["rgb"], settings))
    with torch.no_grad():
        corners, _ = corners_of(model, batch, settings, maps)
    if not skipping:
        return model.focus(patches_at(batch["rgb"], corners, settings.patch_size))
    assert maps is not None
    with torch.no_grad():
        wanted = model.policies["skip"](maps)[..., 0]
        share = (
            LEAST_KEPT + (1 - LEAST_KEPT) * float(torch.rand(1, generator=run.generator)) if model.training else KEPT
        )
        lowest = wanted.flatten().sort().values[min(round((1 - share) * wanted.numel()), wanted.numel() - 1)]
    return focus_on(model, batch["rgb"], corners, wanted >= lowest, settings.patch_size)


def _frozen(yes: bool) -> contextlib.AbstractContextManager[Any]:
    return torch.no_grad() if yes else contextlib.nullcontext()
