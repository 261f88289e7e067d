"""The keys that this dataset's card may set."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Settings:
    val_share: float  # of the training clusters, by their names: those that training is watched on
