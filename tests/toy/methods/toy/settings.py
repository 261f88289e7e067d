from dataclasses import dataclass

from saccade.settings import Section, Shared


@dataclass(frozen=True, kw_only=True)
class Base(Section):
    width: int = 4


@dataclass(frozen=True, kw_only=True)
class Head(Section):
    patches: int = 1  # columns that a frame is cut into; the head sees each by itself


@dataclass(frozen=True, kw_only=True)
class Reward(Section):
    price: float = 0.1  # of looking at all frames, in the policy's reward


@dataclass(frozen=True, kw_only=True)
class Keeping(Section):
    keep: float = 0.5  # the share of the training frames whose score reaches the threshold


@dataclass(frozen=True, kw_only=True)
class Settings(Shared, Base, Head, Reward, Keeping):
    pass
