"""The scene script: everything that happens in one video, in continuous time. It is the ground truth.

Units: time in seconds; positions and sizes in short sides of the frame (x from the left, y from the top), so that one
script can be rendered at any size and frame rate. Motion is a function of *scene time*, which `Scene.clock` gives for
each moment of the video: where the clock stands, the whole scene stands.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Interval = list[float]  # [start_s, end_s) in video time
CHANNELS = ("x", "y", "zoom", "angle")  # zoom in octaves, angle in radians


@dataclass(frozen=True)
class Curve:
    """A value over time: linear between knots and constant outside. Two knots at one time are a jump."""

    times: list[float]
    values: list[float]

    def at(self, times: ArrayLike) -> NDArray[np.float64]:
        """The values at `times` (any shape); at a jump, the value after it."""
        wanted, knots, values = np.asarray(times, dtype=float), np.asarray(self.times), np.asarray(self.values)
        left = np.clip(np.searchsorted(knots, wanted, side="right") - 1, 0, len(knots) - 1)
        right = np.minimum(left + 1, len(knots) - 1)
        span = knots[right] - knots[left]
        share = np.clip((wanted - knots[left]) / np.where(span > 0, span, 1.0), 0.0, 1.0)
        result: NDArray[np.float64] = values[left] + (values[right] - values[left]) * share
        return result


@dataclass(frozen=True)
class Face:
    """A picture: digit `instance` of scikit-learn's set with its 4 × 4 blocks put into another `order`. An empty order
    leaves them."""

    instance: int
    order: list[int]


@dataclass(frozen=True)
class Thing:
    """An object that moves. It wears `face` in the intervals of `shown` and `blank` at other times.

    `size` is the diameter of its badge at zoom 0. The components of `tracks[channel]` are added up. In a scene of
    moments each thing is one moment, `present` for some seconds; its role says what it means (see `moments`).
    """

    role: str  # target or distractor; of a moment: key, other, marker or lookalike
    noun: int
    verb: str
    lookalike: bool  # moves both ways, so that only sound tells the verb from its twin
    badge: str  # disc or square
    size: float
    face: Face | None  # None: a bare badge
    blank: Face | None
    shown: list[Interval]
    present: list[Interval]
    tracks: dict[str, dict[str, Curve]]


@dataclass(frozen=True)
class Clutter:
    """A picture painted on the background."""

    face: Face
    x: float
    y: float
    size: float
    angle: float


@dataclass(frozen=True)
class Shot:
    """From scene time `start_s` on, the background is number `background`, with `clutter` painted on it."""

    start_s: float
    background: int
    clutter: list[Clutter]


@dataclass(frozen=True)
class Sound:
    """A tone that sweeps from `low_hz` up to `high_hz` ("rise"), down ("fall"), or a burst of noise ("hiss").

    `event` is true where it accompanies the target's motion, false where it is there to mislead.
    """

    start_s: float
    duration_s: float
    kind: str
    low_hz: float
    high_hz: float
    level: float
    event: bool


@dataclass(frozen=True)
class Scene:
    """One video. `camera` moves the background (pan_x, pan_y) or everything (shake_x, shake_y), in scene time."""

    video_id: str
    split: str
    seed: list[int]  # of the noise
    labels: dict[str, int | list[int]]  # several of a multi-label head; the true ones; the index may hold noisy labels
    duration_s: float
    aspect: float  # width / height
    clock: Curve
    camera: dict[str, Curve]
    shots: list[Shot]
    things: list[Thing]  # painted in this order
    sounds: list[Sound] | None  # None: the video has no sound track
    hum: float  # level of the noise under the sounds
    silent: bool

    @property
    def target(self) -> Thing:
        return next(thing for thing in self.things if thing.role == "target")


def scene_to_dict(scene: Scene) -> dict[str, Any]:
    """The script as it is written beside its video."""
    return asdict(scene)


def inside(intervals: list[Interval], times: ArrayLike) -> NDArray[np.bool_]:
    """Which `times` lie in one of the half-open intervals."""
    wanted = np.asarray(times, dtype=float)
    result = np.zeros(wanted.shape, dtype=bool)
    for start, end in intervals:
        result |= (wanted >= start) & (wanted < end)
    return result
