"""The phases of ATFR: `train`, and `calibrate` for comparisons that need other videos' decisions."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from saccade.engine.phase_run import PhaseRun
from saccade.engine.released import only_head
from saccade.nn.losses import classification_loss
from saccade.records import Head

from .paper.published import from_pyslowfast, from_pytorchvideo, is_pytorchvideos


def train(run: PhaseRun) -> None:
    """Cross-entropy on the clip's scores (Sec. 5.1), end to end: the similarity network learns from the same loss."""

    def loss(model: nn.Module, batch: dict) -> tuple[Tensor, dict[str, Tensor]]:
        logits = model(batch)
        return classification_loss(logits, batch["labels"], run.settings.head_weights), logits

    run.fit(loss)


@torch.inference_mode()
def calibrate(run: PhaseRun) -> None:
    """Keeps where the frames of each training video lie on their coordinates, so that a video can be given another
    one's bins."""
    run.model.eval()
    kept: list[list[Tensor]] = [[] for _ in run.model.sgs]
    for batch in run.batches_without_augmentation():
        pathways = run.model.look(batch["rgb"])
        for sampler, features, rows in zip(run.model.sgs, pathways, kept, strict=True):
            share = sampler.share(features.float(), run.settings, batch)
            rows.append(share.unflatten(0, (len(features), -1)).cpu())  # (B, blocks, K, T / blocks)
    for sampler, rows in zip(run.model.sgs, kept, strict=True):
        sampler.bank = torch.cat(rows).clone().to(sampler.bank.device)


def import_released(settings, heads: Sequence[Head], published: dict[str, Tensor]) -> dict[str, Tensor]:
    """The authors' checkpoints (PySlowFast's names) or pytorchvideo's as ours; the classifier goes to the run's one
    head."""
    read = from_pytorchvideo if is_pytorchvideos(published) else from_pyslowfast
    ours = read(settings.network, settings.placement, published, only_head(heads))
    samplers = {name.split(".")[1] for name in ours if name.startswith("sgs.")}
    return ours | {f"sgs.{number}.bank": torch.empty(0) for number in samplers}  # filled by `calibrate` alone
