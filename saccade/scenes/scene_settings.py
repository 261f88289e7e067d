"""What every generated dataset may set of its videos and of what they show, and how that renders them."""

from dataclasses import dataclass, field, fields
from typing import Annotated, Any, Literal

from pydantic import Field

from saccade.records import SPLITS
from saccade.scenes.render import Rendering
from saccade.settings import Count, CountOrNone, Section, Share

Side = Annotated[int, Field(ge=16, le=4096, multiple_of=2)]
Seconds = Annotated[float, Field(gt=0, le=3600)]
Pair = Field(min_length=2, max_length=2)
Clutter = Literal["none", "tiles", "digits"]  # digits with their blocks shuffled, or whole ones


@dataclass(frozen=True, kw_only=True)
class SceneSettings(Section):
    """A [low, high] pair is drawn from uniformly. What has no default here may have one in each dataset."""

    draw: CountOrNone = 0  # which drawing of the set: another number, other videos from the same settings

    # size of the set and of its videos
    counts: dict[str, CountOrNone]  # videos per split
    size: Annotated[list[Side], Pair]  # height, width in pixels, even
    duration_s: Seconds
    fps: Annotated[float, Field(ge=1, le=1000)]
    crf: Annotated[int, Field(ge=0, le=51)]  # x264's quality: 18 keeps nearly all, 28 is coarse

    # what is on the picture
    object_px: Count  # diameter of a badge at zoom 0; its digit spans 0.84 of it
    # share of the strokes that only a one-pixel checkerboard carries: 1 means blind at half resolution
    fine_detail: Share = 0.0
    contrast: Share = 1.0  # of the strokes
    # how much darker a badge is than its surround, in luminance of 1: visible at half resolution
    locate_cue: Share
    clutter: Clutter  # on the background
    clutter_count: CountOrNone  # pieces of it
    sensor_noise: Share  # standard deviation, in luminance of 1
    # tiles per split, disjoint
    backgrounds: dict[str, Count] = field(default_factory=lambda: {"train": 400, "val": 100, "test": 100})
    instance_shares: dict[str, Share]  # of the 1,797 digits

    label_noise: Share = 0.0  # share of training videos whose label is another, per head

    def __post_init__(self) -> None:
        super().__post_init__()
        for key in self.pairs():
            low, high = getattr(self, key)
            if low > high:
                raise ValueError(f"{key} is {[low, high]}, but must be [low, high]")
        for key in ("counts", "backgrounds", "instance_shares"):
            if set(getattr(self, key)) != set(SPLITS):
                raise ValueError(f"{key} must give {', '.join(SPLITS)} a number each, not {getattr(self, key)}")
        if self.object_px > 0.45 * min(self.size):
            raise ValueError(
                f"object_px is {self.object_px}, more than 0.45 of the frame's short side {min(self.size)}"
            )

    def pairs(self) -> list[str]:
        """The settings that are [low, high]."""
        return []

    @property
    def still_noise(self) -> bool:
        """Whether the sensor noise goes on where the scene stands still."""
        return True


def rendering(settings: Any) -> Rendering:
    """How videos of these settings are rendered."""
    height, width = settings.size
    names = {item.name for item in fields(Rendering)} - {"height", "width"}
    return Rendering(height=height, width=width, **{name: getattr(settings, name) for name in names})
