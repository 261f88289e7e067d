"""The keys that recipe-digits' card may set."""

from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field

from saccade.scenes.badges import MomentSettings
from saccade.scenes.scene_settings import Pair, Seconds
from saccade.settings import Count, CountOrNone, Share


@dataclass(frozen=True, kw_only=True)
class Settings(MomentSettings):
    """What the generator makes. A [low, high] pair is drawn from uniformly, per video."""

    # which of the badges count
    # [low, high] probability that a badge with a digit is of the video's family; the rest are of the other one. Each
    # has one at least where there are two badges. Only as much above 1/2 as below does their number tell nothing
    relevant_share: Annotated[list[Share], Pair]
    keys_by_class: bool = False  # it rises with the activity from low to high instead of being drawn
    # [low, high] digits that the badges of the other family show; none of them is the activity's. Where one digit is
    # an activity, a family with two can't be the video's
    other_digits: Annotated[list[Count], Pair] = field(default_factory=lambda: [1, 1])
    context: bool = True  # false: what would be badges of the other family are lookalikes, of either family

    # what says so
    markers: Annotated[list[CountOrNone], Pair] = field(default_factory=lambda: [2, 4])  # [low, high] per video
    marker_s: Annotated[list[Seconds], Pair] = field(default_factory=lambda: [1.0, 2.0])  # [low, high] length of each
    marker_size: Annotated[float, Field(ge=1)] = 1.5  # diameter over that of other badges

    # what an activity is: one digit, or a pair of digits, of which `order` tells (i, j) from (j, i)
    ingredients: Annotated[int, Field(ge=1, le=2)] = 1
    order: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.marker_size * self.object_px > 0.75 * min(self.size):
            raise ValueError(
                f"marker_size is {self.marker_size}; a marker must leave a quarter of the frame's short side "
                f"{min(self.size)}"
            )
        if self.order and self.ingredients == 1:
            raise ValueError("order needs ingredients: 2; one digit has no order")
        if self.moments[0] < self.ingredients:
            raise ValueError(f"moments is {self.moments}: too few for {self.ingredients} ingredients")
        if self.other_digits[1] > 3:
            raise ValueError(f"other_digits is {self.other_digits}; three digits are never the activity's at most")

    def pairs(self) -> list[str]:
        return [*super().pairs(), "relevant_share", "other_digits", "markers", "marker_s"]

    def longest_s(self) -> float:
        return super().longest_s() + self.markers[1] * self.marker_s[1]
