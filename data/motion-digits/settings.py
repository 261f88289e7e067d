"""The keys that motion-digits' card may set."""

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the generator makes. A [low, high] pair is drawn from uniformly, per video."""

    draw: int = 0  # which drawing of the set: another number, other videos from the same settings

    # size of the set and of its videos
    counts: dict[str, int]  # videos per split
    size: list[int]  # height, width in pixels, even
    duration_s: float
    fps: float
    crf: int  # x264's quality: 18 keeps nearly all, 28 is coarse

    # what is on the picture
    object_px: int  # diameter of the target's badge at zoom 0; its digit spans 0.84 of it
    # share of the strokes that only a one-pixel checkerboard carries: 1 means blind at half resolution
    fine_detail: float = 0.0
    contrast: float = 1.0  # of the strokes
    # how much darker the badge is than its surround, in luminance of 1: visible at half resolution
    locate_cue: float = 0.15
    # on the background: digits with their blocks shuffled, or whole ones
    clutter: Literal["none", "tiles", "digits"] = "tiles"
    clutter_count: int = 6  # pieces of clutter
    distractors: int = 0  # moving digits of any class on square badges (the target's is round)
    position: Literal["uniform", "centre"] = "uniform"  # where the target is; uniform reaches the corners
    sensor_noise: float = 0.01  # standard deviation, in luminance of 1
    camera: Literal["still", "pan", "shake", "cuts"] = "still"
    # tiles per split, disjoint
    backgrounds: dict[str, int] = field(default_factory=lambda: {"train": 400, "val": 100, "test": 100})
    # of the 1,797 digits
    instance_shares: dict[str, float] = field(default_factory=lambda: {"train": 0.6, "val": 0.2, "test": 0.2})

    # what happens, and when
    speed: list[float]  # [low, high] repetitions of the motion per second of scene time
    static_share: list[float]  # [low, high] share of the video during which the whole scene stands
    static_noise: bool = False  # the sensor noise goes on while the scene stands: static stretches are noisy, not exact
    # static_share rises with that label from low to high instead of being drawn
    cost_by_class: Literal["none", "noun", "verb"] = "none"
    informative_frames: list[int]  # [low, high] sixteenths of the video in which the digit shows, each at a random time
    # how far the place around which the target moves travels: 0 stays, 1 from one random place to another
    drift: float = 0.0
    jump_rate: float = 0.0  # jumps per second of scene time to another place, of target and distractors each
    predictable_share: float = 1.0  # share of scene time without random wobble; unrelated to when the digit shows
    label_noise: float = 0.0  # share of training videos whose label is another, per head

    # sound
    # pairs of verbs that look alike and that sound tells apart
    audio_pairs: list[list[str]] = field(default_factory=list)
    audio_reliability: float = 0.9  # share of those videos whose sound tells the truth (1/2: no information)
    # [low, high] sounds per video, while the target moves
    audio_events: list[int] = field(default_factory=lambda: [1, 3])
    audio_silent_share: float = 0.1  # videos without any sound (the stream is there and is zero)
    audio_misleading_share: float = 0.2  # videos with more sounds that mean nothing, at any time
    audio_hum: float = 0.01  # standard deviation of the noise under the sounds
