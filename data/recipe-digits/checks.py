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
from saccade.scenes.looking import PLACES, Looked, artefacts, read_digits
from saccade.scenes.probes import boosted, classify

HERE = Path(__file__).resolve().parent
HEADS = (("activity", 10), ("family", 2))
# Per budget: checks that don't hold, and why we live with it.
KNOWN_FAILURES: dict[str, dict[str, str]] = {}


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
    """What all badges tell of the activity where nobody says which family counts, and what the other family's do: no
    more than their numbers do by the generator's own rule."""
    goals, truths = labels(data, "activity")
    counts = np.array([
        [[sum(thing.noun == digit and thing.badge == shape for thing in scene.things) for digit in range(10)]
         for shape in SHAPES] for scene in data.scenes
    ])  # fmt: skip
    family = np.array([scene.labels["family"] for scene in data.scenes])
    others = counts[np.arange(len(family)), 1 - family]
    found = {}
    for name, seen, rule, says in (
        ("without_marker", counts, guess_from_all, "the digits on all badges, by shape"),
        ("other_family", others, guess_from_others, "the digits on the other family's badges"),
    ):
        train, test = data.split(seen.reshape(len(seen), -1))
        guesses = np.array([rule(one, data.settings) for one in data.split(seen)[1]])
        hits, told = boosted(train, goals, test) == truths, float((guesses == truths).mean())
        says = f"activity from {says}, without context: no more than their numbers tell ({told:.3f})"
        found[f"{name}_activity"] = at_most(hits, max(told, 0.1), says)
    return found


def guess_from_all(counts: np.ndarray, settings: Any) -> int:
    """The activity that explains (2, 10) digits by shape best: one of the shapes that show a single digit."""
    total, single = counts.sum(), [row for row in counts if (row > 0).sum() == 1]
    return int(max(single, key=lambda row: chance(row.sum(), total, row.argmax(), settings)).argmax())


def guess_from_others(counts: np.ndarray, settings: Any) -> int:
    """The activity that explains the number of the other family's badges best, none of whose digits is its own."""
    low, high = settings.moments
    totals = range(max(low, int(counts.sum()) + 1), high + 1)
    free = np.flatnonzero(counts == 0)
    return int(max(free, key=lambda one: sum(chance(total - counts.sum(), total, one, settings) for total in totals)))


def chance(keys: int, total: int, activity: int, settings: Any) -> float:
    """How probable that many key moments of a total are for the activity."""
    low, high = settings.relevant_share
    share, most = low + (high - low) * activity / 9, min(settings.keys[1], total)
    if keys in (settings.keys[0], most):  # those beyond are moved there
        return float(binom.cdf(keys, total, share) if keys == settings.keys[0] else binom.sf(keys - 1, total, share))
    return float(binom.pmf(keys, total, share))


def reading(data: Looked) -> dict[str, Any]:
    """Digits at both resolutions, the activity from its key frames, and the family from a small frame of a marker."""
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
    train, tests = data.of_badges("half_frame", role == "marker")
    shapes = np.array([SHAPES.index(thing.badge) for thing in data.things(role == "marker")])
    of_train = data.is_train[data.badges["video"][role == "marker"]]
    hits = classify(train[:, None], shapes[of_train], tests[:, None], 2, epochs=6) == shapes[~of_train]
    says = "family from a half-resolution frame with a marker"
    return found | {"marker_half_family": result(hits.mean(), 0.95, "min", len(hits), says)}


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
