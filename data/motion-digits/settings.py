"""The keys that motion-digits' card may set."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field

from saccade.scenes.scene_settings import Clutter, Pair, SceneSettings
from saccade.settings import CountOrNone, NotNegative, Share

# Each verb is a ramp of one channel in one direction, again and again; the first four displace the target, the others
# change it in place.
VERBS = {
    "left": ("x", -1), "right": ("x", 1), "up": ("y", -1), "down": ("y", 1),
    "grow": ("zoom", 1), "shrink": ("zoom", -1), "clockwise": ("angle", 1), "anticlockwise": ("angle", -1),
}  # fmt: skip

Sixteenths = Annotated[int, Field(ge=1, le=16)]


@dataclass(frozen=True, kw_only=True)
class Settings(SceneSettings):
    """What the generator makes. A [low, high] pair is drawn from uniformly, per video."""

    # what is on the picture
    locate_cue: Share = 0.15
    clutter: Clutter = "tiles"
    clutter_count: CountOrNone = 6
    distractors: CountOrNone = 0  # moving digits of any class on square badges (the target's is round)
    position: Literal["uniform", "centre"] = "uniform"  # where the target is; uniform reaches the corners
    sensor_noise: Share = 0.01
    camera: Literal["still", "pan", "shake", "cuts"] = "still"
    instance_shares: dict[str, Share] = field(default_factory=lambda: {"train": 0.6, "val": 0.2, "test": 0.2})

    # what happens, and when
    speed: Annotated[list[NotNegative], Pair]  # [low, high] repetitions of the motion per second of scene time
    static_share: Annotated[list[Share], Pair]  # [low, high] share of the video during which the whole scene stands
    static_noise: bool = False  # the sensor noise goes on while the scene stands: static stretches are noisy, not exact
    # static_share rises with that label from low to high instead of being drawn
    cost_by_class: Literal["none", "noun", "verb"] = "none"
    # [low, high] sixteenths of the video in which the digit shows, each at a random time
    informative_frames: Annotated[list[Sixteenths], Pair]
    # how far the place around which the target moves travels: 0 stays, 1 from one random place to another
    drift: Share = 0.0
    jump_rate: NotNegative = 0.0  # jumps per second of scene time to another place, of target and distractors each
    predictable_share: Share = 1.0  # share of scene time without random wobble; unrelated to when the digit shows

    # sound
    # pairs of verbs that look alike and that sound tells apart
    audio_pairs: list[list[str]] = field(default_factory=list)
    audio_reliability: Share = 0.9  # share of those videos whose sound tells the truth (1/2: no information)
    # [low, high] sounds per video, while the target moves
    audio_events: Annotated[list[CountOrNone], Pair] = field(default_factory=lambda: [1, 3])
    audio_silent_share: Share = 0.1  # videos without any sound (the stream is there and is zero)
    audio_misleading_share: Share = 0.2  # videos with more sounds that mean nothing, at any time
    audio_hum: Share = 0.01  # standard deviation of the noise under the sounds

    def __post_init__(self) -> None:
        super().__post_init__()
        for pair in self.audio_pairs:
            if len(pair) != 2 or not set(pair) <= set(VERBS) or VERBS[pair[0]][0] != VERBS[pair[1]][0]:
                raise ValueError(f"audio_pairs holds {pair}, which is no pair of opposite verbs of {', '.join(VERBS)}")
        paired = [verb for pair in self.audio_pairs for verb in pair]
        if len(set(paired)) != len(paired):
            raise ValueError(f"audio_pairs names a verb twice: {', '.join(paired)}")

    def pairs(self) -> list[str]:
        return [*super().pairs(), "speed", "static_share", "informative_frames", "audio_events"]

    @property
    def still_noise(self) -> bool:
        return self.static_noise
