"""The keys that this card may set."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from saccade.settings import Section


@dataclass(frozen=True, kw_only=True)
class Settings(Section):
    """labelled: whether only videos with an action count; else those without one are negatives of every class.
    val_share: how much of the training videos, in whole subjects, is held out to watch training on."""

    labelled: bool = False
    val_share: Annotated[float, Field(gt=0, lt=1)]
