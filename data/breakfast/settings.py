"""The keys that this card may set."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from saccade.settings import Section

Person = Annotated[int, Field(ge=3, le=54)]


@dataclass(frozen=True, kw_only=True)
class Settings(Section):
    """test_persons: [first, last] of the persons whose videos are tested, 3 to 54; all others are for training.
    val_share: how much of those is held out, in whole persons, to watch training on."""

    test_persons: Annotated[list[Person], Field(min_length=2, max_length=2)]
    val_share: Annotated[float, Field(gt=0, lt=1)]
