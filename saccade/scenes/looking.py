"""What the checks of datasets of moments look at: one pass over the decoded videos."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score
from tqdm import tqdm

from saccade.scenes.badges import SHAPES
from saccade.scenes.checks import Result, at_most, result, shared_between_splits
from saccade.scenes.encode import KEYFRAME_EVERY
from saccade.scenes.probes import Decoded, classify, crop, decode, fit_network, network, shrunk, with_detail
from saccade.scenes.script import Scene

FRAMES = 2  # of each moment that are looked at
MASK = 0.7  # side of the grey square over a badge, in short sides: larger than any badge
PLACES = {"first": "the first frame", "last": "the last frame", "random": "a random frame"}
ARTEFACTS = ("packet_size", "gop_phase", "brightness", "change")
SMALL = 32  # side of the frames that a light network sees: `light_resize` of the embedded studies
READ = 0.9  # of digits on crops at their own size, at least
# Share of digits read on whole frames: at least of those of their own size, and how much less of SMALL ones, where
# there is fine detail. Share of shapes told on SMALL ones. Chosen after a pilot, which the READMEs tell.
WHOLE, LESS, SHAPE = 0.7, 0.1, 0.95
BOX = ["x0", "y0", "x1", "y1"]


class Looked:
    """Looked-at videos. `seen[name]`: an array with one row per video; `badges[name]`: one with a row for each frame
    of a moment that was looked at (`video`, `thing`: whose it is). `among(truth)`: the frames, all with a badge, within
    which nothing but the badge's meaning may tell which are informative."""

    def __init__(self, videos: pd.DataFrame, truth: pd.DataFrame, scenes: list[Scene], settings: Any, among: Any):
        self.scenes, self.settings = scenes, settings
        self.is_train = (videos["split"] == "train").to_numpy()
        kept: dict[str, list[Any]] = {}
        badges: dict[str, list[Any]] = {}
        tables = dict(list(truth.groupby("video_id", sort=False)))
        for number, path in enumerate(tqdm(videos["path"], desc="looking", mininterval=5)):
            rng, decoded, table = (
                np.random.default_rng([7, number]),
                decode(Path(path)),
                tables[scenes[number].video_id],
            )
            for name, value in look(decoded, table, among(table), rng).items():
                kept.setdefault(name, []).append(value)
            for name, values in look_at_badges(decoded, table, scenes[number], settings, rng).items():
                badges.setdefault(name, []).extend(values)
                if name == "thing":
                    badges.setdefault("video", []).extend([number] * len(values))
        self.seen = {name: np.array(values) for name, values in kept.items()}
        self.badges = {name: np.array(values) for name, values in badges.items()}

    def split(self, values: Any) -> tuple[NDArray[Any], NDArray[Any]]:
        """One value per video, as (train, test)."""
        values = np.asarray(values)
        return values[self.is_train], values[~self.is_train]

    def of_badges(self, name: str, which: NDArray[np.bool_]) -> tuple[NDArray[Any], NDArray[Any]]:
        """One value per frame of a moment that `which` holds for, as (train, test)."""
        train = self.is_train[self.badges["video"]]
        return self.badges[name][which & train], self.badges[name][which & ~train]

    def things(self, which: NDArray[np.bool_]) -> list[Any]:
        """The thing of each of these frames."""
        chosen = zip(self.badges["video"][which], self.badges["thing"][which], strict=True)
        return [self.scenes[video].things[thing] for video, thing in chosen]


def look(decoded: Decoded, table: pd.DataFrame, among: NDArray[np.bool_], rng: np.random.Generator) -> dict[str, Any]:
    """What is kept of one video as a whole."""
    frames, total = decoded.luminance, len(decoded.luminance)
    blank, boxes = (table["visibility"] == 0).to_numpy(), table[BOX].to_numpy()
    busy = int(rng.choice(np.flatnonzero(~blank)))
    places = {"first": 0, "last": total - 1, "random": int(rng.integers(total))}
    found: dict[str, Any] = {name: with_detail(frames[place][None])[0] for name, place in places.items()}
    found |= {f"{name}_blank": blank[place] for name, place in places.items()}
    return found | {
        "file": [decoded.file_bytes, decoded.packets.sum(), decoded.packets.std(), total],
        "mean": with_detail(frames.mean(axis=0)[None])[0],
        "masked": with_detail(masked(frames[busy], boxes[busy])[None])[0],
        "artefacts": frame_artefacts(decoded, table, among),
    }


def look_at_badges(
    decoded: Decoded, table: pd.DataFrame, scene: Scene, settings: Any, rng: np.random.Generator
) -> dict[str, list[Any]]:
    """What is kept of FRAMES frames of each moment, in which it shows what it has."""
    side, boxes = 2 * round(0.65 * settings.object_px), table[BOX].to_numpy()
    shows, moment = (table["key"] | table["marker"]).to_numpy(), table["moment"].to_numpy()
    found: dict[str, list[Any]] = {"thing": [], "crop": [], "frame": []}
    numbered = [place for place, thing in enumerate(scene.things) if thing.role != "lookalike"]
    for number, place in enumerate(numbered):
        for index in rng.permutation(np.flatnonzero(shows & (moment == number)))[:FRAMES]:
            found["thing"].append(place)
            found["crop"].append(crop(decoded.luminance[index], boxes[index], side))
            found["frame"].append(decoded.luminance[index])
    return found


def masked(frame: NDArray[np.float32], box: NDArray[Any]) -> NDArray[np.float32]:
    """The frame with a grey square, whose size doesn't depend on the box's, over the badge."""
    half = MASK * min(frame.shape) / 2
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    found = frame.copy()
    found[max(0, int(y - half)) : int(y + half), max(0, int(x - half)) : int(x + half)] = 0.45
    return found


def frame_artefacts(decoded: Decoded, table: pd.DataFrame, among: NDArray[np.bool_]) -> list[float]:
    """AUC of `informative` within the video from each of ARTEFACTS; not a number where all those frames are alike."""
    informative = table["informative"].to_numpy()[among]
    if len(set(informative)) < 2:
        return [float("nan")] * len(ARTEFACTS)
    change, phase = table["novelty_pixels"].to_numpy(), np.arange(len(among)) % KEYFRAME_EVERY
    features = (decoded.packets, phase, decoded.luminance.mean(axis=(1, 2)), change)
    return [float(roc_auc_score(informative, feature[among])) for feature in features]


def artefacts(data: Looked) -> dict[str, Result]:
    """Do the codec or the brightness tell which frames are informative? Do two splits share anything?"""
    found = {}
    for name, areas in zip(ARTEFACTS, data.seen["artefacts"].T, strict=True):
        areas = areas[np.isfinite(areas)]
        says = f"AUC of `informative` from a frame's {name.replace('_', ' ')}, mean over videos, distance from 1/2"
        bound = max(0.03, 3 * areas.std() / len(areas) ** 0.5)
        found[f"artefact_{name}"] = result(abs(areas.mean() - 0.5), bound, "max", len(areas), says)
    return found | {"shared_between_splits": shared_between_splits(data.scenes[0].seed[0], data.settings)}


def read_digits(data: Looked, epochs: int = 10) -> tuple[dict[str, Result], NDArray[Any]]:
    """Digits from true-box crops, also after training on shuffled labels, one result each; and the logits of each test
    crop."""
    which = of_digits(data)
    train, test = data.of_badges("crop", which)
    goals, truths = nouns(data, which)
    logits = fit_network(network(2, 10, 12), with_detail(train), goals, epochs, with_detail(test))
    hits = logits.argmax(1) == truths
    found = {"digit_crop": result(hits.mean(), READ, "min", len(truths), "digit from true-box crops")}
    shuffled = np.random.default_rng(0).permutation(goals)
    hits = classify(with_detail(train), shuffled, with_detail(test), 10, epochs=3) == truths
    owner = data.badges["video"][which & ~data.is_train[data.badges["video"]]]
    # digits needn't be equally frequent: who learnt nothing else may still name the most frequent one
    chance = max(np.bincount(truths).max() / len(truths), 0.1)
    found["shuffled_labels"] = at_most(
        [hits[owner == video].mean() for video in np.unique(owner)], chance, "digit after training on shuffled labels"
    )
    return found, logits


def read_frames(data: Looked, epochs: int = 10) -> dict[str, Result]:
    """What whole frames with a digit tell, at their own size and at SMALL pixels: the digit, of which small ones must
    tell less where there is fine detail, and the badge's shape."""
    which = of_digits(data)
    train, test = data.of_badges("frame", which)
    goals, truths = nouns(data, which)
    small_train, small_test = shrunk(train, SMALL)[:, None], shrunk(test, SMALL)[:, None]
    full = (classify(train[:, None], goals, test[:, None], 10, epochs) == truths).mean()
    small = (classify(small_train, goals, small_test, 10, epochs) == truths).mean()
    count, says = len(truths), f"whole frames of {SMALL} x {SMALL} pixels"
    bound = full - LESS if data.settings.fine_detail else 1.0
    shapes = np.array([SHAPES.index(thing.badge) for thing in data.things(which)])
    of_train = data.is_train[data.badges["video"][which]]
    told = classify(small_train, shapes[of_train], small_test, 2, epochs // 2) == shapes[~of_train]
    return {
        "digit_frame": result(full, WHOLE, "min", count, "digit from whole frames at their own size"),
        "digit_small": result(small, bound, "max", count, f"digit from {says}"),
        "shape_small": result(told.mean(), SHAPE, "min", count, f"shape of a badge with a digit from {says}"),
    }


def of_digits(data: Looked) -> NDArray[np.bool_]:
    """Which of the looked-at frames show a digit."""
    return np.array([thing.noun >= 0 for thing in data.things(np.ones(len(data.badges["thing"]), dtype=bool))])


def nouns(data: Looked, which: NDArray[np.bool_]) -> tuple[NDArray[Any], NDArray[Any]]:
    """The digits of these frames, as (train, test)."""
    digits, of_train = (
        np.array([thing.noun for thing in data.things(which)]),
        data.is_train[data.badges["video"][which]],
    )
    return digits[of_train], digits[~of_train]
