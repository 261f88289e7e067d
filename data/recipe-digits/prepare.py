"""Makes recipe-digits: long videos of moments, of which the video's family says which ones tell its activity."""

import dataclasses
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from saccade.records import SPLITS
from saccade.scenes import badges, sampling
from saccade.scenes.badges import SHAPES, Moment
from saccade.scenes.digits import NUM_CLASSES, split_backgrounds, split_instances
from saccade.scenes.scene_settings import rendering
from saccade.scenes.script import Face, Scene
from saccade.scenes.store import write_scenes

HEADS = {"activity": NUM_CLASSES, "family": len(SHAPES)}


def prepare(settings: Any, raw: Path, seed: int, workers: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(videos, truth): the videos rendered below `raw`, with one row each, and one row per frame."""
    raw, seed = Path(raw), seed + settings.draw
    scenes = compose_all(settings, seed)
    truth = write_scenes(scenes, rendering(settings), raw, workers)
    return videos_table(scenes, settings, raw, seed), truth


def activities(settings: Any) -> list[tuple[int, ...]]:
    """The digits of each of the ten activities. Pairs share digits, so that no single one tells the activity."""
    if settings.ingredients == 1:
        return [(digit,) for digit in range(NUM_CLASSES)]
    if settings.order:
        return [pair for first in range(0, NUM_CLASSES, 2) for pair in ((first, first + 1), (first + 1, first))]
    return list(itertools.combinations(range(5), 2))


def compose_all(settings: Any, seed: int) -> list[Scene]:
    # the same in every drawing, so that what was trained on one has seen nothing of another's test
    instances = split_instances(seed - settings.draw, settings.instance_shares)
    backgrounds = split_backgrounds(settings.backgrounds)
    scenes = []
    for split in SPLITS:
        plan = plan_labels(settings, settings.counts[split], instances[split], seed, split)
        counted = [sorted({own[digit] for *_, own in plan if digit in own}) for digit in range(NUM_CLASSES)]
        for number, (activity, family, own) in enumerate(plan):
            rng = sampling.video_generator(seed, split, number)
            composer = Composer(settings, rng, instances[split], backgrounds[split], counted)
            name, seeds = f"{split}-{number:05d}", [seed, SPLITS.index(split), number]
            scenes.append(composer.video(name, seeds, activity, family, own))
    return scenes


def plan_labels(
    settings: Any, count: int, pool: list[list[int]], seed: int, split: str
) -> list[tuple[int, int, dict[int, int]]]:
    """(activity, family, {its digit: the instance}) of each video of a split: all pairs of labels equally often, each
    instance again only after all of its class."""
    rng = sampling.video_generator(seed, split, 10**9)
    used, plan = [0] * NUM_CLASSES, []
    digits_of = activities(settings)
    while len(plan) < count:
        first = int(rng.integers(2))
        for block in range(2):
            for activity in rng.permutation(NUM_CLASSES).tolist():
                own = {digit: pool[digit][used[digit] % len(pool[digit])] for digit in digits_of[activity]}
                plan.append((activity, (activity + block + first) % 2, own))
                for digit in own:
                    used[digit] += 1
    return plan[:count]


@dataclasses.dataclass
class Composer(badges.Composer):
    """Draws one video."""

    # per digit, the instances that count in some video of the split. The other family shows these as well, so that none
    # can be remembered as one that never counts
    counted: list[list[int]]

    def video(self, name: str, seeds: list[int], activity: int, family: int, own: dict[int, int]) -> Scene:
        """The scene of an activity (its digits and their instances: `own`) in a family."""
        settings = self.settings
        keys, others = self.shares(activity)
        moments = [
            *self.badges("key", SHAPES[family], self.dealt(list(own), keys), own),
            *self.badges("other", SHAPES[1 - family], *self.strangers(own, others)),
            *[self.marker(SHAPES[family], one) for one in self.lengths("marker_s", self.number(settings.markers))],
        ]
        count = self.number(settings.lookalikes)
        moments += [self.lookalike(self.shape(), one) for one in self.lengths("moment_s", count)]
        if not settings.context:
            moments = [self.lookalike(self.shape(), one.seconds) if one.role == "other" else one for one in moments]
        seconds = [one.seconds for one in moments]
        starts = sampling.timeline(self.rng, seconds, settings.duration_s, whole=settings.order)
        things = [self.thing(one, start) for one, start in in_time(moments, starts, ordered=settings.order)]
        return self.scene(name, seeds, {"activity": activity, "family": family}, things)

    def lengths(self, key: str, count: int) -> list[float]:
        return self.seconds(getattr(self.settings, key), count)

    def shares(self, activity: int) -> tuple[int, int]:
        """How many badges are of the video's family, and how many of the other: of both as many as it has ingredients
        at least, where they suffice. Their sum doesn't depend on the activity."""
        settings = self.settings
        low, high = settings.relevant_share
        total, place = self.number(settings.moments), self.rng.uniform()
        share = low + (high - low) * (activity / (NUM_CLASSES - 1) if settings.keys_by_class else place)
        least = settings.ingredients
        keys = max(least, min(total - least, int(self.rng.binomial(total, share))))
        return keys, total - keys

    def dealt(self, digits: list[int], count: int) -> list[int]:
        """Which of the digits each of `count` badges shows: each at least once, if they are that many. Those of one
        digit follow each other."""
        more = self.rng.multinomial(max(0, count - len(digits)), np.full(len(digits), 1 / len(digits)))
        return [digit for digit, extra in zip(digits, more, strict=True) for _ in range(1 + int(extra))][:count]

    def strangers(self, own: dict[int, int], count: int) -> tuple[list[int], dict[int, int]]:
        """Digits of the other family's badges, and their instances: of other activities."""
        used = {digit for one in activities(self.settings) for digit in one}
        digits = self.rng.permutation(sorted(used - set(own)))[: self.number(self.settings.other_digits)].tolist()
        pools = {digit: self.counted[digit] or self.instances[digit] for digit in digits}
        return self.dealt(digits, count), {digit: int(self.rng.choice(pool)) for digit, pool in pools.items()}

    def badges(self, role: str, shape: str, digits: list[int], instances: dict[int, int]) -> list[Moment]:
        """One badge for each of the digits; a digit looks the same throughout a video."""
        return [
            Moment(
                role=role, badge=shape, face=Face(instances[digit], []), blank=self.shuffled(), seconds=one,
                angle=self.tilted(), noun=digit,
            )
            for digit, one in zip(digits, self.lengths("moment_s", len(digits)), strict=True)
        ]  # fmt: skip

    def marker(self, shape: str, seconds: float) -> Moment:
        size = self.settings.marker_size
        return Moment(
            role="marker", badge=shape, face=None, blank=None, seconds=seconds, angle=self.tilted(), size=size
        )


def in_time(moments: list[Moment], starts: list[float], ordered: bool) -> list[tuple[Moment, float]]:
    """The moments with their starts, in order of time; `ordered`: the key moments follow each other as given."""
    keys = [place for place, one in enumerate(moments) if one.role == "key"]
    begins = sorted(range(len(moments)), key=lambda place: starts[place])
    if ordered:  # places in time of key moments stay, what they show is dealt to them in order
        shows = dict(zip([place for place in begins if place in keys], keys, strict=True))
        faces = {place: moments[shown] for place, shown in shows.items()}
        moments = [
            dataclasses.replace(one, face=faces[place].face, noun=faces[place].noun) if place in faces else one
            for place, one in enumerate(moments)
        ]
    return [(moments[place], starts[place]) for place in begins]


def videos_table(scenes: list[Scene], settings: Any, raw: Path, seed: int) -> pd.DataFrame:
    """video_id, split, cluster (the activity's digit instances), path, activity and family (noisy in train where
    label_noise says so)."""
    rows = []
    for number, scene in enumerate(scenes):
        rng = np.random.default_rng([seed, 606, number])
        labels = dict(scene.labels)
        for head, classes in HEADS.items():
            other = (labels[head] + int(rng.integers(1, classes))) % classes
            labels[head] = other if scene.split == "train" and rng.uniform() < settings.label_noise else labels[head]
        own = sorted({thing.face.instance for thing in scene.things if thing.role == "key"})
        rows.append(badges.row(scene, raw, "+".join(map(str, own))) | labels)
    return pd.DataFrame(rows)
