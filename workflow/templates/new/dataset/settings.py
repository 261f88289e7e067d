"""The keys that this dataset's card may set."""

from dataclasses import dataclass

from saccade.settings import Section, Share


@dataclass(frozen=True, kw_only=True)
class Settings(Section):
    val_share: Share  # of the training clusters, by their names: those that training is watched on
