"""The keys that this card may set."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from saccade.settings import Section


@dataclass(frozen=True, kw_only=True)
class Settings(Section):
    """val_share: how much of the published training videos is held out to watch training on."""

    val_share: Annotated[float, Field(gt=0, lt=1)]
