"""The data's own test: does it hold what it promises, and no more? Writes checks.json.

    PYTHONPATH=. python data/recipe-digits/checks.py --budget study --train 400 --test 320

Reuses the videos below raw/<budget> and makes those that are missing. Each result has a value, a bound and a sense
("max": the value must not exceed it, "min": must reach it).
"""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import binom

from saccade.cards.dataset import load_dataset
from saccade.plan.layers import data_settings
from saccade.project import load_module
from saccade.scenes.badges import SHAPES
from saccade.scenes.checks import at_most, command, result, run_checks, settings_hash
from saccade.scenes.looking import PLACES, SHAPE, SMALL, Looked, artefacts, read_digits, read_frames
from saccade.scenes.probes import boosted, classify, shrunk
from saccade.scenes.script import Scene

HERE = Path(__file__).resolve().parent
HEADS = (("activity", 10), ("family", 2))
SCRIPTS = 1000  # that trees learn from, and as many that they are tested on
# Per budget: checks that don't hold, and why we live with it.
KNOWN_FAILURES: dict[str, dict[str, str]] = {
    "demo": dict.fromkeys(
        ("digit_crop", "digit_frame", "key_frames_activity"), "160 videos show too few digits to read others by"
    ),
    "study": {
        "digit_small": "the pilot's network lost 0.19 by the smaller frames, this better one 0.05: see the README"
    },
}


def card_settings(budget: str) -> Any:
    """What the card says for that budget, as the dataset's Settings."""
    root = HERE.parents[1]
    return load_module(HERE / "settings.py").Settings(**data_settings(root, load_dataset(root, HERE.name), budget))


def labels(data: Looked, head: str) -> tuple[np.ndarray, np.ndarray]:
    return data.split([scene.labels[head] for scene in data.scenes])


def surroundings(data: Looked) -> dict[str, Any]:
    """What is left without the badges: the file, single frames without any, the mean frame, clutter."""
    found = {}
    for head, classes in HEADS:
        goals, truths = labels(data, head)
        train, test = data.split(data.seen["file"])
        says = f"{head} from the sizes of file and packets, and the number of frames"
        found[f"file_{head}"] = at_most(boosted(train, goals, test) == truths, 1 / classes, says)
        for name, where in PLACES.items():
            train, test = data.split(data.seen[name])
            blank = data.split(data.seen[f"{name}_blank"])[1]
            hits = classify(train, goals, test, classes, epochs=6)[blank] == truths[blank]
            found[f"{name}_frame_{head}"] = at_most(hits, 1 / classes, f"{head} from {where} where it shows no badge")
        for name, what in {"mean": "the mean frame", "masked": "a frame with its badge masked"}.items():
            train, test = data.split(data.seen[name])
            hits = classify(train, goals, test, classes, epochs=6) == truths
            found[f"{name}_frame_{head}"] = at_most(hits, 1 / classes, f"{head} from {what}")
    return found


def context(data: Looked) -> dict[str, Any]:
    """Which badges count, without a marker: by how many each family has, and by how and when they are there. From
    scripts, of more videos than are rendered."""
    scripts = Scripts(data.settings, data.scenes[0].seed[0])
    counts = np.array([digit_counts(scene) for scene in scripts.scenes])
    marked = np.array([SHAPES.index(next(thing.badge for thing in scene.things if thing.role == "marker"))
                       for scene in scripts.scenes])  # fmt: skip
    manners = np.array([manner(scene) for scene in scripts.scenes])
    by_number, test = np.reshape(counts, (len(counts), -1)), scripts.split(counts)[1]
    told = {
        "counts_activity": (by_trees(scripts, by_number, "activity"), "trees on the digits of all badges by shape"),
        "counts_family": (by_trees(scripts, by_number, "family"), "the same, the digit of the family that trees tell"),
        "rule_family": ([guess_family(one, data.settings) for one in test], "the generator's own rule on them"),
        "manner_family": (by_trees(scripts, manners, "family"), "lengths, times, order and lookalikes by shape"),
    }
    found = {}
    truths = scripts.labels("activity")[1]
    for name, (guesses, says) in told.items():
        guesses = guesses if name == "counts_activity" else test[np.arange(len(test)), guesses].argmax(axis=1)
        found[name] = at_most(guesses == truths, 0.5, f"activity without a marker: {says}")
    families = by_trees(scripts, np.column_stack([by_number, marked]), "family")
    hits = test[np.arange(len(test)), families].argmax(axis=1) == truths
    found["marker_family"] = result(hits.mean(), 1.0, "min", len(hits), "activity with the marker's shape beside them")
    others = counts[np.arange(len(counts)), 1 - np.concatenate(scripts.labels("family"))]
    hits = by_trees(scripts, others, "activity") == truths
    return found | {"other_family": at_most(hits, 1 / 9, "activity from the digits on the other family's badges")}


class Scripts:
    """Videos that are never rendered: SCRIPTS to learn from and as many to test on."""

    def __init__(self, settings: Any, seed: int):
        counts = {"train": SCRIPTS, "val": 0, "test": SCRIPTS}
        prepare = load_module(HERE / "prepare.py")
        self.scenes = prepare.compose_all(dataclasses.replace(settings, counts=counts), seed)

    def split(self, values: Any) -> tuple[np.ndarray, np.ndarray]:
        return np.asarray(values)[:SCRIPTS], np.asarray(values)[SCRIPTS:]

    def labels(self, head: str) -> tuple[np.ndarray, np.ndarray]:
        return self.split([scene.labels[head] for scene in self.scenes])


def by_trees(scripts: Scripts, features: np.ndarray, head: str) -> np.ndarray:
    train, test = scripts.split(features)
    return boosted(train, scripts.labels(head)[0], test)


def digit_counts(scene: Scene) -> list[list[int]]:
    """How many badges of each shape show each digit, (2, 10)."""
    shown = [(thing.badge, thing.noun) for thing in scene.things]
    return [[shown.count((shape, digit)) for digit in range(10)] for shape in SHAPES]


def manner(scene: Scene) -> list[float]:
    """What moments of each shape are like, whatever digit they show: numbers, lengths, times, order, places; and what
    lies around the markers."""
    digits = [thing for thing in scene.things if thing.noun >= 0]
    found = [digits[0].badge == SHAPES[0], digits[-1].badge == SHAPES[0]]
    for shape in SHAPES:
        for things in (digits, [thing for thing in scene.things if thing.role == "lookalike"]):
            own = [thing for thing in things if thing.badge == shape]
            starts = [thing.present[-1][0] for thing in own] or [-1.0]
            lengths = [sum(last - first for first, last in thing.present) for thing in own] or [0.0]
            shown = [len(thing.shown) for thing in own] or [0]
            places = [thing.tracks[axis]["own"].values[0] for thing in own for axis in "xy"] or [-1.0]
            found += [len(own), sum(lengths), min(lengths), max(lengths), min(starts), max(starts), np.mean(starts)]
            found += [np.mean(shown), np.mean(places), np.std(places)]
    roles = [thing.role for thing in scene.things]
    beside = [near for place, role in enumerate(roles) if role == "marker" for near in (place - 1, place + 1)]
    around = [scene.things[near % len(roles)] for near in beside]
    found += [sum(thing.noun >= 0 and thing.badge == shape for thing in around) for shape in SHAPES]
    return [float(one) for one in found]


def guess_family(counts: np.ndarray, settings: Any) -> int:
    """The family that explains (2, 10) digits by shape best; the first where both do as well."""
    total, own = int(counts.sum()), counts.sum(axis=1)
    chances = [chance(int(own[one]), total, int(counts[one].argmax()), settings) for one in range(2)]
    single = [float((row > 0).sum() == 1) for row in counts]  # a family with two digits isn't the video's
    return int(np.argmax(np.round(np.multiply(chances, single), 9)))


def chance(keys: int, total: int, activity: int, settings: Any) -> float:
    """How probable that many key moments of a total are for the activity."""
    low, high = settings.relevant_share
    places = [activity / 9] if settings.keys_by_class else np.linspace(0, 1, 101)
    shares = low + (high - low) * np.asarray(places)
    # all of a family and none are moved to where one is left
    moved = {1: 0, total - 1: total}
    return float(np.mean(binom.pmf(keys, total, shares) + binom.pmf(moved.get(keys, -1), total, shares)))


def reading(data: Looked) -> dict[str, Any]:
    """Digits and shapes, the activity from its key frames, and the family from a small frame of a marker."""
    found, logits = read_digits(data)
    things = data.things(np.ones(len(data.badges["thing"]), dtype=bool))
    test = ~data.is_train[data.badges["video"]]
    role, digits = np.array([thing.role for thing in things]), np.array([thing.noun for thing in things]) >= 0
    owner, of_key = data.badges["video"][digits & test], role[digits & test] == "key"
    logs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    hits = [
        logs[of_key & (owner == video)].sum(axis=0).argmax() == data.scenes[video].labels["activity"]
        for video in np.unique(owner)
    ]
    found["key_frames_activity"] = result(np.mean(hits), 0.9, "min", len(hits), "activity from true key frames")
    train, tests = (shrunk(part, SMALL)[:, None] for part in data.of_badges("frame", role == "marker"))
    shapes = np.array([SHAPES.index(thing.badge) for thing in data.things(role == "marker")])
    of_train = data.is_train[data.badges["video"][role == "marker"]]
    hits = classify(train, shapes[of_train], tests, 2, epochs=6) == shapes[~of_train]
    says = f"family from whole frames of {SMALL} x {SMALL} pixels with a marker"
    found["marker_small"] = result(hits.mean(), SHAPE, "min", len(hits), says)
    return found | read_frames(data)


CHECKS = (artefacts, context, reading, surroundings)


def run(budget: str, train: int, test: int, raw: Path, seed: int, workers: int) -> dict[str, Any]:
    """All checks of a budget, on its first `train` and `test` videos."""
    declared, prepare = card_settings(budget), load_module(HERE / "prepare.py")
    settings = dataclasses.replace(declared, counts={"train": train, "val": 0, "test": test})
    videos, truth = prepare.prepare(settings, raw, seed, workers)
    scenes = prepare.compose_all(settings, seed)
    data = Looked(videos, truth, scenes, settings, among=lambda table: table["key"].to_numpy())
    counts = {"train": train, "test": test, "seed": seed}
    return {"settings": settings_hash(declared), **counts, **run_checks(CHECKS, data)}


if __name__ == "__main__":
    command(HERE, __doc__ or "", run)
