"""What a method's phase is given: the model, the batches of its data, and `fit`, which trains with the loop of
`engine.loop`."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from saccade.engine.checkpoint import Checkpoint
from saccade.engine.device import to_device
from saccade.engine.features import Features
from saccade.engine.loop import Batch, Loss, fit
from saccade.records import Head, SaccadeError
from saccade.video.batches import batches
from saccade.video.loader import VideoDataset


@dataclass
class PhaseRun:
    """What a method's phase is given: the model (built, its needs loaded), the data, and `fit` for a supervised phase.
    A phase with a loop of its own uses `checkpoint` to go on after a kill.

    `features` holds, by the phase whose network gives them, the features that the card says this phase trains on:
    `features["<phase>"][video_id]` is {name: tensor}. `result` holds the last line of the log after the phase, or what
    a phase with its own loop puts there.
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
    checkpoint: Checkpoint = field(default_factory=Checkpoint)
    result: dict[str, float] = field(default_factory=dict)
    features: Mapping[str, Features] = field(default_factory=dict)

    @property
    def steps(self) -> int:
        """How many batches a training epoch has. Raises SaccadeError where it has none."""
        videos, size = len(self.train), self.settings.batch_size
        if self.settings.drop_last and videos < size:
            raise SaccadeError(
                f"drop_last is true, and the training split's {videos} videos make no batch of {size}: nothing would "
                f"be trained on; set drop_last to false, or batch_size to {videos} or less"
            )
        return videos // size if self.settings.drop_last else math.ceil(videos / size)

    def batches(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """The batches that `fit` trains on in an epoch, from number `start` on. For a phase with a loop of its own,
        which asks `steps` how many there are. Raises SaccadeError where there are none."""
        settings = self.settings
        if start >= self.steps:
            return
        for batch in batches(
            self.train,
            settings.batch_size,
            shuffle=True,
            epoch=epoch,
            workers=settings.workers,
            start=start,
            drop_last=settings.drop_last,
        ):
            yield to_device(batch, self.device)

    def batches_without_augmentation(self) -> Iterator[Batch]:
        """The training videos in the order of their ids, as they would be seen at test time. For calibration."""
        for batch in batches(
            self.train.without_augmentation(),
            self.settings.eval_batch_size,
            shuffle=False,
            epoch=0,
            workers=self.settings.workers,
        ):
            yield to_device(batch, self.device)

    def val_batches(self) -> Iterator[Batch]:
        """The videos of val in the order of their ids."""
        for batch in batches(
            self.val, self.settings.eval_batch_size, shuffle=False, epoch=0, workers=self.settings.workers
        ):
            yield to_device(batch, self.device)

    def fit(
        self,
        loss: Loss,
        train: Callable[[int, int], Iterable[Batch]] | None = None,
        val: Callable[[], Iterable[Batch]] | None = None,
    ) -> None:
        """Trains the model with the settings' recipe on the train split, watching val; on other batches of as many
        videos, where given: features that were computed once."""
        self.result = fit(
            self.model,
            loss,
            self.settings,
            train or self.batches,
            val or self.val_batches,
            steps=self.steps,
            device=self.device,
            log=self.log,
            settle=self.settle,
            checkpoint=self.checkpoint,
        )
