"""What the datasets of moments share: their settings, and the drawing of scenes made of badges that come and go."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from saccade.records import SPLITS
from saccade.scenes import sampling
from saccade.scenes.digits import NUM_CLASSES
from saccade.scenes.render import SQUARE
from saccade.scenes.scene_settings import Clutter, Pair, SceneSettings, Seconds
from saccade.scenes.script import Face, Interval, Scene, Shot, Thing
from saccade.scenes.store import video_path
from saccade.settings import CountOrNone, NotNegative, Share

SHAPES = ("disc", "square")
MOST_RUNS = 2  # stretches of a moment in which its digit shows


@dataclass(frozen=True, kw_only=True)
class MomentSettings(SceneSettings):
    """What every dataset of moments may set. A [low, high] pair is drawn from uniformly."""

    # what is on the picture
    locate_cue: Share = 0.35
    clutter: Clutter = "none"
    clutter_count: CountOrNone = 2
    sensor_noise: Share = 0.005  # it never stands still
    instance_shares: dict[str, Share] = field(default_factory=lambda: {"train": 0.7, "val": 0.1, "test": 0.2})

    # moments, at random times, one at a time
    moments: Annotated[list[CountOrNone], Pair]  # [low, high] badges with digits per video, whatever its labels
    moment_s: Annotated[list[Seconds], Pair]  # [low, high] length of each
    flicker: Annotated[float, Field(gt=0, le=1)] = 1.0  # share of a moment during which its badge shows its digit
    drift: Share = 0.3  # how far a badge travels while it is there: 0 stays, 1 from one random place to another
    tilt: NotNegative = 0.2  # a badge turns from one angle to another, each within this many radians of upright

    # what lies between
    lookalikes: Annotated[list[CountOrNone], Pair] = field(
        default_factory=lambda: [0, 0]
    )  # badges with shuffled digits
    scenery: NotNegative = 0.0  # cuts to another background per second; 0: a blank video stays as it is

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.flicker < 1 and self.flicker * self.moment_s[0] < MOST_RUNS / self.fps:
            raise ValueError(f"flicker {self.flicker} leaves a moment of {self.moment_s[0]} s without its digit")
        if self.longest_s() > self.duration_s + 1e-9:
            raise ValueError(f"moments may take {self.longest_s():g} s, more than duration_s {self.duration_s:g}")

    def pairs(self) -> list[str]:
        return [*super().pairs(), "moments", "moment_s", "lookalikes"]

    def longest_s(self) -> float:
        """Seconds that all moments of a video may take together."""
        return (self.moments[1] + self.lookalikes[1]) * self.moment_s[1]


@dataclass(frozen=True, kw_only=True)
class Moment:
    """A badge that is there for `seconds`, before it has its time and place. `face` None: without any digit.
    Angle and zoom go evenly from the first value to the second."""

    role: str
    badge: str
    face: Face | None
    blank: Face | None
    seconds: float
    angle: tuple[float, float]
    noun: int = -1
    verb: str = ""
    zoom: tuple[float, float] = (0.0, 0.0)
    size: float = 1.0  # of usual badges


@dataclass
class Composer:
    """Draws the moments of one video; `instances` (per class) and `backgrounds` are those of its split."""

    settings: Any
    rng: np.random.Generator
    instances: list[list[int]]
    backgrounds: list[int]

    @property
    def unit(self) -> float:
        """Diameter of a badge in short sides."""
        return float(self.settings.object_px / min(self.settings.size))

    def number(self, between: list[int]) -> int:
        return int(self.rng.integers(between[0], between[1] + 1))

    def seconds(self, between: list[float], count: int) -> list[float]:
        low, high = between
        return [float(one) for one in self.rng.uniform(low, high, count)]

    def shape(self) -> str:
        return SHAPES[int(self.rng.integers(2))]

    def tilted(self) -> tuple[float, float]:
        """Two angles near upright."""
        first, last = self.rng.uniform(-1, 1, 2) * self.settings.tilt
        return float(first), float(last)

    def instance(self, noun: int | None = None) -> int:
        """Any digit of the split of that class, or of any."""
        pool = self.instances[int(self.rng.integers(NUM_CLASSES)) if noun is None else noun]
        return int(self.rng.choice(pool))

    def shuffled(self) -> Face:
        """A shuffled digit of any class, whatever else the video shows."""
        return sampling.shuffled(self.rng, self.instance())

    def lookalike(self, badge: str, seconds: float) -> Moment:
        """A badge that shows shuffled digits only, in the same rhythm as others."""
        face, blank = self.shuffled(), self.shuffled()
        return Moment(role="lookalike", badge=badge, face=face, blank=blank, seconds=seconds, angle=self.tilted())

    def scene(self, video_id: str, seed: list[int], labels: dict[str, Any], things: list[Thing]) -> Scene:
        """The video of these things. It has no sound track."""
        settings = self.settings
        height, width = settings.size
        cuts = sampling.event_times(self.rng, settings.scenery, settings.duration_s)
        return Scene(
            video_id=video_id, split=SPLITS[seed[1]], seed=seed, labels=labels,
            duration_s=settings.duration_s, aspect=width / height,
            clock=sampling.curve([0, settings.duration_s], [0, settings.duration_s]), camera={},
            shots=[self.shot(start) for start in [0.0, *cuts]], things=things, sounds=None, hum=0.0, silent=True,
        )  # fmt: skip

    def shot(self, start: float) -> Shot:
        settings, rng = self.settings, self.rng
        count = 0 if settings.clutter == "none" else settings.clutter_count
        faces = [Face(self.instance(), []) if settings.clutter == "digits" else self.shuffled() for _ in range(count)]
        height, width = settings.size
        return sampling.shot(rng, start, int(rng.choice(self.backgrounds)), faces, self.unit, width / height)

    def thing(self, moment: Moment, start: float) -> Thing:
        """The moment from second `start` on, at a random place."""
        duration, size = self.settings.duration_s, self.unit * moment.size
        ends = {"x": self.way("x", moment), "y": self.way("y", moment), "angle": moment.angle, "zoom": moment.zoom}
        return Thing(
            role=moment.role, noun=moment.noun, verb=moment.verb, lookalike=False, badge=moment.badge,
            size=round(size, 5), face=moment.face, blank=moment.blank, shown=self.shown(moment, start),
            present=sampling.around([0.0, moment.seconds], start, duration),
            tracks={
                channel: {"own": sampling.ramp_around(first, last, start, moment.seconds, duration)}
                for channel, (first, last) in ends.items()
            },
        )  # fmt: skip

    def shown(self, moment: Moment, start: float) -> list[Interval]:
        """One or two stretches, together `flicker` of the moment; all of it for what doesn't flicker."""
        stretches = [[0.0, moment.seconds]]
        if self.settings.flicker < 1 and moment.face != moment.blank:
            runs = int(self.rng.integers(1, MOST_RUNS + 1))
            lengths = self.settings.flicker * moment.seconds * np.full(runs, 1 / runs)
            stretches = sampling.scattered(self.rng, lengths.tolist(), moment.seconds)
        return sorted(piece for one in stretches for piece in sampling.around(one, start, self.settings.duration_s))

    def way(self, axis: str, moment: Moment) -> tuple[float, float]:
        """From where to where its centre drifts, so that the badge stays inside the frame."""
        height, width = self.settings.size
        extent = (width if axis == "x" else height) / min(height, width)
        corner = 2**0.5 * SQUARE if moment.badge == "square" else 1.0
        reach = min(extent / 2, self.unit * moment.size * 2 ** max(moment.zoom) * corner / 2)
        here, there = self.rng.uniform(reach, extent - reach, 2)
        return float(here), float(here + self.settings.drift * (there - here))


def row(scene: Scene, raw: Path, cluster: str) -> dict[str, Any]:
    """The columns that a dataset's table of videos has beside its heads."""
    return {
        "video_id": scene.video_id,
        "split": scene.split,
        "cluster": cluster,
        "path": str(video_path(raw, scene)),
    }
