"""Makes scene-digits: long videos of moments, each of which shows one of the video's labels."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from saccade.records import SPLITS
from saccade.scenes import badges, sampling
from saccade.scenes.badges import Moment
from saccade.scenes.digits import NUM_CLASSES, split_backgrounds, split_instances
from saccade.scenes.scene_settings import rendering
from saccade.scenes.script import Face, Scene
from saccade.scenes.store import write_scenes

from .settings import CLASSES, MOTIONS

STRIDE = 5  # prime to the number of classes: neighbours differ in how frequent they are


def prepare(settings: Any, raw: Path, seed: int, workers: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(videos, truth): the videos rendered below `raw`, with one row each, and one row per frame."""
    raw, seed = Path(raw), seed + settings.draw
    scenes = compose_all(settings, seed)
    truth = write_scenes(scenes, rendering(settings), raw, workers)
    return videos_table(scenes, settings, raw, seed), truth


def compose_all(settings: Any, seed: int) -> list[Scene]:
    # the same in every drawing, so that what was trained on one has seen nothing of another's test
    instances = split_instances(seed - settings.draw, settings.instance_shares)
    backgrounds = split_backgrounds(settings.backgrounds)
    scenes = []
    for split in SPLITS:
        for number in range(settings.counts[split]):
            rng = sampling.video_generator(seed, split, number)
            composer = Composer(settings, rng, instances[split], backgrounds[split])
            scenes.append(composer.video(f"{split}-{number:05d}", [seed, SPLITS.index(split), number]))
    return scenes


def frequencies(settings: Any) -> np.ndarray:
    """How probable each class is by itself, (12,): long-tailed."""
    low, high = settings.frequency
    ranks = STRIDE * np.arange(len(CLASSES)) % len(CLASSES)
    result: np.ndarray = high * (low / high) ** (ranks / (len(CLASSES) - 1))
    return result


def draw_labels(settings: Any, rng: np.random.Generator) -> list[int]:
    """The classes of a video: each by its own frequency, then those that they bring; never too few or too many."""
    rates = frequencies(settings)
    own = rng.uniform(size=len(CLASSES)) < rates
    own |= np.roll(own & (rng.uniform(size=len(CLASSES)) < settings.co_occurrence), 1)
    labels = rng.permutation(np.flatnonzero(own)).tolist()
    spare = rng.choice(len(CLASSES), len(CLASSES), replace=False, p=rates / rates.sum()).tolist()
    low, high = settings.labels
    labels += [one for one in spare if one not in labels][: max(0, low - len(labels))]
    return sorted(labels[:high])


class Composer(badges.Composer):
    """Draws one video."""

    def video(self, name: str, seeds: list[int]) -> Scene:
        settings, rng = self.settings, self.rng
        labels = draw_labels(settings, rng)
        count = self.number(settings.moments)  # whatever the labels: it tells nothing of them
        more = rng.multinomial(count - len(labels), np.full(len(labels), 1 / len(labels)))
        shown = [label for label, extra in zip(labels, more, strict=True) for _ in range(1 + int(extra))]
        instances = {label: self.instance(label) for label in labels if label < NUM_CLASSES}
        seconds = self.seconds(settings.moment_s, count)
        moments = [self.moment(label, instances, one) for label, one in zip(shown, seconds, strict=True)]
        resting = self.seconds(settings.moment_s, self.number(settings.lookalikes))
        moments += [self.moment(None, instances, one) for one in resting]
        starts = sampling.timeline(rng, [one.seconds for one in moments], settings.duration_s)
        begins = sorted(range(len(moments)), key=lambda place: starts[place])
        things = [self.thing(moments[place], starts[place]) for place in begins]
        return self.scene(name, seeds, {"objects": labels}, things)

    def moment(self, label: int | None, instances: dict[int, int], seconds: float) -> Moment:
        """A badge of either shape with a digit, or with a shuffled one that turns, grows or (None) rests."""
        if label is not None and label < NUM_CLASSES:
            return Moment(
                role="key", badge=self.shape(), face=Face(instances[label], []), blank=self.shuffled(),
                seconds=seconds, angle=self.tilted(), zoom=self.resting_zoom(), noun=label,
            )  # fmt: skip
        verb = "" if label is None else MOTIONS[label - NUM_CLASSES]
        face, turn = self.shuffled(), float(self.rng.uniform(0, 2 * np.pi))
        way = float(self.rng.choice([-1, 1])) * 2 * np.pi * self.settings.turns_per_s * seconds
        half = self.settings.growth / 2
        return Moment(
            role="key" if verb else "lookalike", badge=self.shape(), face=face, blank=face, seconds=seconds,
            angle=(turn, turn + way) if verb == "turning" else (turn, turn), verb=verb,
            zoom=(-half, half) if verb == "growing" else self.resting_zoom(),
        )  # fmt: skip

    def resting_zoom(self) -> tuple[float, float]:
        """Anywhere on the way of what grows: a size alone doesn't tell that."""
        zoom = float(self.rng.uniform(-0.5, 0.5) * self.settings.growth)
        return zoom, zoom


def videos_table(scenes: list[Scene], settings: Any, raw: Path, seed: int) -> pd.DataFrame:
    """video_id, split, cluster (the instances of its digits), path and objects (noisy in train where label_noise says
    so: one more or one less)."""
    rows = []
    for number, scene in enumerate(scenes):
        rng = np.random.default_rng([seed, 606, number])
        labels, other = list(scene.labels["objects"]), int(rng.integers(len(CLASSES)))
        if scene.split == "train" and rng.uniform() < settings.label_noise:
            labels = sorted({*labels, other} if other not in labels else {*labels} - {other}) or labels
        own = sorted({thing.face.instance for thing in scene.things if thing.role == "key"})
        rows.append(badges.row(scene, raw, "+".join(map(str, own))) | {"objects": labels})
    return pd.DataFrame(rows)
