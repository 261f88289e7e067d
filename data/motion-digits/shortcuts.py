"""The checks of motion-digits: what should be readable is, and what should not be isn't. `data` is checks.Data
throughout."""

from typing import Any

import numpy as np

from saccade.scenes.checks import at_most, result, shared_between_splits
from saccade.scenes.probes import boosted, classify, with_detail

NUM_NOUNS, NUM_VERBS = 10, 8
HEADS = (("noun", NUM_NOUNS), ("verb", NUM_VERBS))
PATCH = 0.43  # side of a patch over the frame's short side: 96 of 224
LEFT_OUT = 6  # verbs from here on turn: a box doesn't show them


def motion(data: Any) -> dict[str, Any]:
    """The true motion tells the verb; the same states without their order don't tell its direction."""
    tracks = [track(box) for box in data.boxes()]
    train, test = data.split(
        [np.sort(one[np.linspace(0, len(one) - 1, 16).astype(int)], axis=0).ravel() for one in tracks]
    )
    goals, truths = data.labels("verb")
    hits = []
    for first in (first for first in range(0, LEFT_OUT, 2) if first not in data.paired):
        mine, yours = goals // 2 == first // 2, truths // 2 == first // 2
        hits.append(boosted(train[mine], goals[mine], test[yours]) == truths[yours])
    says = "direction, given the axis, from 16 true boxes in no order"
    found = {"unordered_direction": at_most(np.concatenate(hits), 0.5, says)}

    moving = [~group["still"].to_numpy()[1:] for group in data.groups]
    steps = np.stack([
        np.median(np.diff(one, axis=0)[when], axis=0) if when.any() else np.zeros(3)
        for one, when in zip(tracks, moving, strict=True)
    ])  # fmt: skip
    guesses = [rule_verb(step, steps.std(axis=0)) for step in steps]
    verbs = np.array([scene.labels["verb"] for scene in data.scenes])
    usable = ~np.isin(verbs, data.paired) & (verbs < LEFT_OUT)
    says = "verb by a rule from the median step of the true box (without look-alikes and turns)"
    return found | {"verb_true_track": result(np.mean((guesses == verbs)[usable]), 0.9, "min", usable.sum(), says)}


def rule_verb(step: np.ndarray, scale: np.ndarray) -> int:
    """left, right, up, down, grow or shrink: the channel with the largest median step, and its sign."""
    axis = int(np.argmax(np.abs(step) / scale))
    forward = step[axis] > 0
    return 2 * axis + int(forward if axis < 2 else not forward)


def track(box: np.ndarray) -> np.ndarray:
    """Centre in mean sides, and logarithm of the side, of the boxes (T, 4): (T, 3)."""
    side = box[:, 2] - box[:, 0]
    return np.stack(
        [(box[:, 0] + box[:, 2]) / 2 / side.mean(), (box[:, 1] + box[:, 3]) / 2 / side.mean(), np.log2(side)], axis=1
    )


def sound(data: Any) -> dict[str, Any]:
    """Nothing on average over time, nothing of the noun, and of the declared pairs no more than declared."""
    found, settings = {}, data.settings
    declared = {
        "noun": 1 / NUM_NOUNS,
        "verb": 2 * settings.audio_reliability / NUM_VERBS if data.paired else 1 / NUM_VERBS,
    }
    for head, classes in HEADS:
        goals, truths = data.labels(head)
        train, test = data.pair("mean_spectrum")
        found[f"mean_spectrum_{head}"] = at_most(
            boosted(train, goals, test) == truths, 1 / classes, f"{head} from the mean spectrum"
        )
        train, test = data.pair("sweeps")
        found[f"sweeps_{head}"] = at_most(
            boosted(train, goals, test) == truths, declared[head], f"{head} from the sweeps of the sound"
        )
    if data.paired:
        mine, yours = np.isin(goals, data.paired), np.isin(truths, data.paired)
        hits = boosted(train[mine], goals[mine], test[yours]) == truths[yours]
        heard = (1 - settings.audio_silent_share) * settings.audio_reliability + settings.audio_silent_share / 2
        found["sound_in_pairs_at_most"] = at_most(
            hits, heard, "verb within the look-alike pairs from sound: no more than declared"
        )
        found["sound_in_pairs_at_least"] = result(
            hits.mean(), 0.65, "min", len(hits), "verb within the look-alike pairs from sound: clearly there"
        )
    return found


def surroundings(data: Any) -> dict[str, Any]:
    """What is left when the target is hidden: clutter, distractors, the file, the target's place and size."""
    found: dict[str, Any] = {}
    others = [[thing for thing in scene.things if thing.role == "distractor"] for scene in data.scenes]
    strangers = [
        [value for thing in things for value in (thing.noun, data.verbs.index(thing.verb))] or [0] for things in others
    ]
    tables = {
        "file": (data.pair("file"), "file size, bit rate, duration and loudness"),
        "distractors": (data.split(strangers), "class and motion of the distractors"),
        "place": (data.split([box[len(box) // 2] for box in data.boxes()]), "the target's box in the middle frame"),
    }
    train_masked, test_masked = data.pair("masked")
    for head, classes in HEADS:
        goals, truths = data.labels(head)
        for name, ((train, test), says) in tables.items():
            found[f"{name}_{head}"] = at_most(boosted(train, goals, test) == truths, 1 / classes, f"{head} from {says}")
        hits = classify(train_masked, goals, test_masked, classes, epochs=6) == truths
        found[f"masked_target_{head}"] = at_most(hits, 1 / classes, f"{head} from a frame with the target masked")
    return found


def artefacts(data: Any) -> dict[str, Any]:
    """Does the codec or the brightness tell when the digit shows? Do two splits share anything?"""
    found = {}
    for name, areas in zip(("packet_size", "gop_phase", "brightness", "change"), data.seen["artefacts"].T, strict=True):
        areas = areas[np.isfinite(areas)]
        says = f"AUC of `informative` from a frame's {name.replace('_', ' ')}, mean over videos, distance from 1/2"
        found[f"artefact_{name}"] = result(
            abs(areas.mean() - 0.5), max(0.03, 3 * areas.std() / len(areas) ** 0.5), "max", len(areas), says
        )
    found["shared_between_splits"] = shared_between_splits(data.scenes[0].seed[0], data.settings)
    train, test = (part.reshape(len(part), -1) for part in data.pair("standing"))
    train, test = (
        (part - part.mean(axis=1, keepdims=True)) / part.std(axis=1, keepdims=True) for part in (train, test)
    )
    alike = (test @ train.T / train.shape[1]).max(axis=1)
    says = "highest correlation of a test video's median frame with one of training"
    return found | {"nearest_background": result(alike.max(), 0.95, "max", len(alike), says)}


def single_frames(data: Any) -> dict[str, Any]:
    """What one frame, or the mean of all, tells about noun and verb."""
    found: dict[str, Any] = {}
    for name, position in {"first": 0, "last": -1}.items():
        train, test = data.pair(name)
        hidden = data.split([not group["informative"].iloc[position] for group in data.groups])[1]
        for head, classes in HEADS:
            goals, truths = data.labels(head)
            hits = classify(train, goals, test, classes, epochs=6) == truths
            says = f"{head} from the {name} frame"
            if head == "noun":
                hits, says = hits[hidden], says + " where it doesn't show the digit"
            found[f"{name}_frame_{head}"] = at_most(hits, 1 / classes, says)
    (train, test), (goals, truths) = data.pair("uniform"), data.labels("verb")
    count = train.shape[1]
    flat, flat_test = (part.reshape(-1, *part.shape[2:]) for part in (train, test))
    hits = classify(flat, np.repeat(goals, count), flat_test, NUM_VERBS, epochs=2).reshape(-1, count) == truths[:, None]
    found["any_frame_verb"] = at_most(hits.mean(axis=1), 1 / NUM_VERBS, f"verb from any single one of {count} frames")
    train, test = data.pair("mean")
    hits = classify(train, goals, test, NUM_VERBS, epochs=8) == truths
    found["mean_frame_verb"] = at_most(
        hits, 0.5, "verb from the mean frame: its blur shows the axis, not the direction"
    )
    return found


def resolution(data: Any) -> dict[str, Any]:
    """Noun from crops around the true box at full and half resolution, and after training on shuffled labels."""
    owner, found = data.seen["crops_video"], {}
    nouns = np.array([scene.labels["noun"] for scene in data.scenes])[owner]
    goals, truths = nouns[data.is_train[owner]], nouns[~data.is_train[owner]]
    # else half resolution need not fail, and the set may be too small to learn from
    blind = data.settings.fine_detail == 1
    bounds = {"full": (0.95 if blind else 0.80, "min"), "half": (0.60, "max") if blind else (0.80, "min")}
    for name, array in (("full", "crops"), ("half", "half_crops")):
        train, test = (with_detail(part) for part in data.pair(array))
        hits = classify(train, goals, test, NUM_NOUNS, epochs=14) == truths
        found[f"noun_true_box_{name}"] = result(
            hits.mean(), *bounds[name], len(hits), f"noun from true-box crops at {name} resolution"
        )
    train, test = (with_detail(part) for part in data.pair("crops"))
    shuffled = np.random.default_rng(0).permutation(goals)
    hits = classify(train, shuffled, test, NUM_NOUNS, epochs=3) == truths
    per_video = [
        hits[owner[~data.is_train[owner]] == video].mean() for video in np.unique(owner[~data.is_train[owner]])
    ]
    return found | {"shuffled_labels": at_most(per_video, 1 / NUM_NOUNS, "noun after training on shuffled labels")}


def place(data: Any) -> dict[str, Any]:
    """Can a small patch be placed from the half-resolution frame, and must it be placed? Left out where the target
    fills any patch."""
    height, width = data.settings.size
    if 1.2 * data.settings.object_px >= PATCH * min(height, width):
        return {}
    (train, test), (train_boxes, test_boxes) = data.pair("half_frames"), data.pair("half_boxes")
    side, limit = PATCH * min(height, width), np.array([width, height])
    corners = np.clip(2 * data.probes.locate(train, train_boxes, test) - side / 2, 0, limit - side)
    says = "a patch placed by what a network finds on the half-resolution frame covers the target"
    found = {"located_patch_covers": result(covers(corners, side, 2 * test_boxes).mean(), 0.9, "min", len(test), says)}
    boxes = np.concatenate([box[::8] for box in data.boxes()])
    anywhere = covers(np.random.default_rng(0).uniform(0, 1, (len(boxes), 2)) * (limit - side), side, boxes).mean()
    says = f"a central patch covers the target; a random one does in {anywhere:.3f}"
    return found | {
        "central_patch_covers": result(
            covers((limit - side) / 2, side, boxes).mean(), anywhere + 0.03, "max", len(boxes), says
        )
    }


def covers(corner: np.ndarray, side: float, boxes: np.ndarray) -> np.ndarray:
    return (boxes[:, :2] >= corner).all(axis=1) & (boxes[:, 2:] <= corner + side).all(axis=1)


CHECKS = (motion, sound, surroundings, artefacts, resolution, place, single_frames)
