"""The keys that scene-digits' card may set."""

from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field

from saccade.scenes.badges import MomentSettings
from saccade.scenes.scene_settings import Pair
from saccade.settings import NotNegative, Share

MOTIONS = ("turning", "growing")  # of badges with shuffled digits, after the digits among the classes
CLASSES = (*map(str, range(10)), *MOTIONS)


@dataclass(frozen=True, kw_only=True)
class Settings(MomentSettings):
    """What the generator makes. A [low, high] pair is drawn from uniformly, per video."""

    # which labels a video has
    labels: Annotated[list[Annotated[int, Field(ge=1, le=len(CLASSES))]], Pair] = field(default_factory=lambda: [1, 9])
    # [low, high] probability of the rarest and of the most frequent class; the others lie between, evenly in logarithm
    frequency: Annotated[list[Share], Pair] = field(default_factory=lambda: [0.1, 0.5])
    co_occurrence: Share = 0.0  # probability that a class brings the next one

    # how badges turn and grow; those that don't rest anywhere on the same way
    turns_per_s: NotNegative = 0.25  # either way round
    growth: NotNegative = 0.6  # octaves in a moment

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.moments[0] < self.labels[1]:
            raise ValueError(f"moments is {self.moments}, but {self.labels[1]} labels need as many")
        if not self.frequency[0]:
            raise ValueError("frequency is 0 for a class that nobody could learn")

    def pairs(self) -> list[str]:
        return [*super().pairs(), "labels", "frequency"]
