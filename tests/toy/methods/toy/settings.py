from dataclasses import dataclass

from saccade.settings import Input, Recipe


@dataclass(frozen=True, kw_only=True)
class Settings(Input, Recipe):
    width: int = 4
    patches: int = 1  # columns that a frame is cut into; the head sees each by itself
    price: float = 0.1  # of looking at all frames, in the policy's reward
    keep: float = 0.5  # the share of the training frames whose score reaches the threshold
