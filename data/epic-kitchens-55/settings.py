"""The keys that this card may set."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from saccade.settings import Section


@dataclass(frozen=True, kw_only=True)
class Settings(Section):
    """test_videos: those of the published training videos whose segments are tested; the others are for training.
    val_share: how many of their segments are held out, in whole videos, to watch training on."""

    test_videos: Annotated[list[str], Field(min_length=1)]
    val_share: Annotated[float, Field(gt=0, lt=1)]
