"""The keys that this card may set."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from saccade.settings import Section


@dataclass(frozen=True, kw_only=True)
class Settings(Section):
    """lists: `all` videos of Kinetics-400 that have one of Xie et al.'s 200 classes, those that `xie` et al. chose of
    them, or those of the other 200 classes that `ar`, AR-Net and its followers, have. val_share: how much of the
    training videos is held out to watch training on."""

    lists: Literal["all", "xie", "ar"] = "all"
    val_share: Annotated[float, Field(gt=0, lt=1)]
