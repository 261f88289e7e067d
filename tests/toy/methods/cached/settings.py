from dataclasses import dataclass
from typing import Literal

from saccade.settings import Count, Section, Shared


@dataclass(frozen=True, kw_only=True)
class Base(Section):
    width: Count = 4


@dataclass(frozen=True, kw_only=True)
class Head(Section):
    pool: Literal["mean", "largest"] = "mean"  # what the head sees of a video's timesteps


@dataclass(frozen=True, kw_only=True)
class Grid(Section):
    timesteps: Count = 4  # of each video, whose features are kept


@dataclass(frozen=True, kw_only=True)
class Settings(Shared, Base, Head, Grid):
    pass
