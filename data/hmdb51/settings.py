"""The keys that this card may set."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from saccade.settings import Section


@dataclass(frozen=True, kw_only=True)
class Settings(Section):
    """fold: which of the three published splits into train and test. val_share: how much of its training videos, in
    whole groups, is held out to watch training on."""

    fold: Annotated[int, Field(ge=1, le=3)] = 1
    val_share: Annotated[float, Field(gt=0, lt=1)]
