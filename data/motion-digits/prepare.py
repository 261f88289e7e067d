"""Makes motion-digits: a digit (noun) that moves in one of eight ways (verb), rendered to H.264 + AAC videos."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from saccade.records import SPLITS
from saccade.scenes import sampling
from saccade.scenes.digits import NUM_CLASSES, digit_labels, split_backgrounds, split_instances
from saccade.scenes.scene_settings import rendering
from saccade.scenes.script import CHANNELS, Curve, Face, Scene, Shot, Sound, Thing
from saccade.scenes.store import video_path, write_scenes

from .settings import VERBS

# Of the ramps, in object sizes, octaves and radians. A channel that rests does so anywhere on its ramp, so one frame
# doesn't tell the verb.
AMPLITUDE = {"x": 0.8, "y": 0.8, "zoom": 0.5, "angle": np.pi / 3}
WOBBLE = 0.12  # standard deviation of unpredictable displacement, in object sizes
SHAKE = 0.02  # of the camera, in short sides
CUTS_PER_S = 0.4  # of scene time
MOST_RUNS = 3  # stretches in which the digit shows, and in which the scene stands
SOUND_S = 0.35  # length of one sound
TRUE_SOUND = ("rise", "fall")  # of the first and the second verb of an audio pair


def prepare(settings: Any, raw: Path, seed: int, workers: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(videos, truth): the videos rendered below `raw`, with one row each, and one row per frame."""
    raw, seed = Path(raw), seed + settings.draw
    scenes = compose_all(settings, seed)
    truth = write_scenes(scenes, rendering(settings), raw, workers)
    return videos_table(scenes, settings, raw, seed), truth


def compose_all(settings: Any, seed: int) -> list[Scene]:
    instances, backgrounds = split_instances(seed, settings.instance_shares), split_backgrounds(settings.backgrounds)
    scenes = []
    for split in SPLITS:
        targets = plan_targets(settings.counts[split], instances[split], sampling.video_generator(seed, split, 10**9))
        for number, (noun, verb, instance) in enumerate(targets):
            rng = sampling.video_generator(seed, split, number)
            scenes.append(
                Composer(settings, rng, instances[split], backgrounds[split]).scene(
                    split, number, noun, verb, instance, seed
                )
            )
    return scenes


def runs(rng: np.random.Generator, count: int, length: float) -> list[float]:
    """`count` pieces of `length` dealt at random to at most MOST_RUNS runs, each with one piece at least; the lengths
    of the runs."""
    number = min(MOST_RUNS, count)
    return (length * (1 + rng.multinomial(count - number, np.full(number, 1 / number)))).tolist()


def plan_targets(count: int, pool: list[list[int]], rng: np.random.Generator) -> list[tuple[int, str, int]]:
    """(noun, verb, instance) of each video of a split: all pairs equally often, each instance again only after all of
    its class."""
    used = [0] * NUM_CLASSES
    plan: list[tuple[int, str, int]] = []
    while len(plan) < count:
        diagonal = int(rng.integers(len(VERBS)))
        for block in range(len(VERBS)):
            for noun in rng.permutation(NUM_CLASSES).tolist():
                verb = list(VERBS)[(noun + block + diagonal) % len(VERBS)]
                plan.append((noun, verb, pool[noun][used[noun] % len(pool[noun])]))
                used[noun] += 1
    return plan[:count]


@dataclasses.dataclass
class Composer:
    """Draws the scene of one video; `instances` (per class) and `backgrounds` are those of its split."""

    settings: Any
    rng: np.random.Generator
    instances: list[list[int]]
    backgrounds: list[int]

    def scene(self, split: str, number: int, noun: int, verb: str, instance: int, seed: int) -> Scene:
        settings, rng, duration = self.settings, self.rng, self.settings.duration_s
        height, width = settings.size
        self.unit, self.moving_s = settings.object_px / min(height, width), 0.0
        clock = self.clock(noun, verb)
        self.moving_s = clock.values[-1]
        cuts = sampling.event_times(rng, CUTS_PER_S, self.moving_s) if settings.camera == "cuts" else []
        target = self.thing("target", noun, verb, instance, cuts)
        labels = digit_labels()
        others = [self.any_instance() for _ in range(settings.distractors)]
        things = [
            self.thing("distractor", int(labels[other]), str(rng.choice(list(VERBS))), other, cuts) for other in others
        ]
        return Scene(
            video_id=f"{split}-{number:05d}", split=split, seed=[seed, SPLITS.index(split), number],
            labels={"noun": noun, "verb": list(VERBS).index(verb)},
            duration_s=duration, aspect=width / height, clock=clock,
            camera=self.camera(), shots=[self.shot(start) for start in [0.0, *cuts]], things=[*things, target],
            sounds=self.sounds(verb, clock), hum=settings.audio_hum,
            silent=bool(rng.uniform() < settings.audio_silent_share),
        )  # fmt: skip

    def clock(self, noun: int, verb: str) -> Curve:
        """One to three stretches in which the scene stands; together they take the video's static share."""
        settings, rng = self.settings, self.rng
        low, high = settings.static_share
        position = {
            "none": rng.uniform(),
            "noun": noun / (NUM_CLASSES - 1),
            "verb": list(VERBS).index(verb) / (len(VERBS) - 1),
        }
        share = low + (high - low) * position[settings.cost_by_class]
        stops = share * settings.duration_s * rng.dirichlet(np.ones(rng.integers(1, MOST_RUNS + 1)))
        stretches = sampling.scattered(rng, stops.tolist(), settings.duration_s) if share > 0 else []
        return sampling.stopped_clock(stretches, settings.duration_s)

    def thing(self, role: str, noun: int, verb: str, instance: int, cuts: list[float]) -> Thing:
        settings, rng = self.settings, self.rng
        paired = any(verb in pair for pair in settings.audio_pairs)
        sixteenths = int(rng.integers(settings.informative_frames[0], settings.informative_frames[1] + 1))
        shown = sampling.scattered(rng, runs(rng, sixteenths, settings.duration_s / 16), settings.duration_s)
        return Thing(
            role=role, noun=noun, verb=verb, lookalike=paired, badge="disc" if role == "target" else "square",
            size=round(self.unit, 5),
            face=Face(int(instance), []), blank=sampling.shuffled(rng, self.any_instance()), shown=shown,
            present=[[0.0, settings.duration_s]], tracks=self.tracks(verb, paired, cuts),
        )  # fmt: skip

    def tracks(self, verb: str, both_ways: bool, cuts: list[float]) -> dict[str, dict[str, Curve]]:
        """Each channel: its home, and its ramp where the verb is its own; otherwise it rests somewhere on that ramp."""
        settings, rng = self.settings, self.rng
        jumps = sorted([*cuts, *sampling.event_times(rng, settings.jump_rate, self.moving_s)])
        moving, direction = VERBS[verb]
        rate = rng.uniform(*settings.speed)
        result: dict[str, dict[str, Curve]] = {}
        for channel in CHANNELS:
            amplitude = AMPLITUDE[channel] * (self.unit if channel in "xy" else 1.0)
            ramp = sampling.sawtooth(rng, rate, direction * amplitude, self.moving_s, both_ways)
            rest = sampling.constant(rng.uniform(-0.5, 0.5) * amplitude)
            result[channel] = {"verb": ramp if channel == moving else rest}
            if channel in "xy":
                result[channel]["home"] = self.home(channel, jumps)
                lengths = [(1 - settings.predictable_share) * self.moving_s / 3] * 3
                windows = (
                    sampling.scattered(rng, lengths, self.moving_s)
                    if settings.predictable_share < 1 and self.moving_s > 0
                    else []
                )
                result[channel]["wobble"] = sampling.wobble(rng, windows, WOBBLE * self.unit)
        return result

    def home(self, axis: str, jumps: list[float]) -> Curve:
        """Where the target moves about, so that its badge stays inside the frame at every zoom and on all of its
        ramp."""
        settings = self.settings
        height, width = settings.size
        extent = (width if axis == "x" else height) / min(height, width)
        reach = self.unit * (2 ** (AMPLITUDE["zoom"] / 2) + AMPLITUDE[axis]) / 2
        reach += (2 * WOBBLE * self.unit if settings.predictable_share < 1 else 0) + (
            2 * SHAKE if settings.camera == "shake" else 0
        )
        low, high = (
            (reach, extent - reach)
            if settings.position == "uniform" and reach < extent / 2
            else (extent / 2, extent / 2)
        )
        return sampling.journey(self.rng, low, high, settings.drift, jumps, self.moving_s)

    def camera(self) -> dict[str, Curve]:
        if self.settings.camera == "pan":
            turn = self.rng.uniform(0, 2 * np.pi)
            distance = 0.5 * self.moving_s / self.settings.duration_s
            return {
                f"pan_{axis}": sampling.curve([0, max(self.moving_s, 1e-3)], [0, distance * part])
                for axis, part in zip("xy", (np.cos(turn), np.sin(turn)), strict=True)
            }
        if self.settings.camera == "shake":
            return {f"shake_{axis}": sampling.wobble(self.rng, [[0.0, self.moving_s]], SHAKE) for axis in "xy"}
        return {}

    def shot(self, start: float) -> Shot:
        settings, rng = self.settings, self.rng
        count = 0 if settings.clutter == "none" else settings.clutter_count
        instances = [self.any_instance() for _ in range(count)]
        faces = [Face(one, []) if settings.clutter == "digits" else sampling.shuffled(rng, one) for one in instances]
        height, width = settings.size
        return sampling.shot(rng, start, int(rng.choice(self.backgrounds)), faces, self.unit, width / height)

    def sounds(self, verb: str, clock: Curve) -> list[Sound]:
        """Sweeps while the target moves: one direction per video, which tells the verbs of a pair apart, usually."""
        settings, rng, duration = self.settings, self.rng, self.settings.duration_s
        member = next((pair.index(verb) for pair in settings.audio_pairs if verb in pair), None)
        truthful = rng.uniform() < settings.audio_reliability
        kind = TRUE_SOUND[int(rng.integers(2)) if member is None else member if truthful else 1 - member]
        times = rng.uniform(0, duration, 64)
        moving = times[clock.at(times + 0.05) > clock.at(times - 0.05)]
        count = int(rng.integers(settings.audio_events[0], settings.audio_events[1] + 1))
        sounds = [sampling.sweep(rng, kind, time, SOUND_S, duration, event=True) for time in moving[:count]]
        if rng.uniform() < settings.audio_misleading_share:
            kinds = rng.choice(["rise", "fall", "hiss"], 3)
            sounds += [
                sampling.sweep(rng, str(one), rng.uniform(0, duration), SOUND_S, duration, event=False) for one in kinds
            ]
        return sounds

    def any_instance(self) -> int:
        """Any digit of the split, its class drawn evenly and whatever the target's: who isn't there would tell who
        is."""
        return int(self.rng.choice(self.instances[int(self.rng.integers(NUM_CLASSES))]))


def videos_table(scenes: list[Scene], settings: Any, raw: Path, seed: int) -> pd.DataFrame:
    """video_id, split, cluster (the target's digit instance), path, noun and verb (noisy in train where label_noise
    says so)."""
    rows = []
    for number, scene in enumerate(scenes):
        rng = np.random.default_rng([seed, 606, number])
        labels = dict(scene.labels)
        for head, classes in (("noun", NUM_CLASSES), ("verb", len(VERBS))):
            other = (labels[head] + int(rng.integers(1, classes))) % classes
            labels[head] = other if scene.split == "train" and rng.uniform() < settings.label_noise else labels[head]
        path = str(video_path(raw, scene))
        rows.append(
            {
                "video_id": scene.video_id,
                "split": scene.split,
                "cluster": str(scene.target.face.instance),
                "path": path,
                **labels,
            }
        )
    return pd.DataFrame(rows)
