"""The data's own test: does it hold what it promises, and no more? Writes checks.json.

    PYTHONPATH=. python data/motion-digits/checks.py --budget study --train 800 --test 300

Reuses the videos below raw/<budget> and makes those that are missing. Each result has a value, a bound and a sense
("max": the value must not exceed it, "min": must reach it). The checks themselves are in shortcuts.py.
"""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from saccade.cards.dataset import load_dataset
from saccade.plan.layers import data_settings
from saccade.project import load_module
from saccade.scenes.checks import command, run_checks, settings_hash

HERE = Path(__file__).resolve().parent
# Per budget: checks that don't hold, and why we live with it.
KNOWN_FAILURES: dict[str, dict[str, str]] = {
    "demo": {
        "artefact_packet_size": "a shuffled face has more edges than a digit and costs more bytes; it tells when, "
        "never what",
        "artefact_brightness": "a shuffled face is a little brighter than a digit, as its cut strokes are magnified",
        "file_verb": "nothing but the target moves, so the kind of motion shows a little in the bytes of a file, which "
        "no network reads",
    },
    "study": {
        "central_patch_covers": "targets stay inside the frame on their ramp, so the middle is likelier: compare with "
        "a central patch",
    },
}
# Arrays of probes.look with several rows a video, and the array that says whose they are.
OWNERS = {"crops": "crops_video", "half_crops": "crops_video", "half_frames": "half_video", "half_boxes": "half_video"}


def card_settings(budget: str) -> Any:
    """What the card says for that budget, as the dataset's Settings."""
    root = HERE.parents[1]
    return load_module(HERE / "settings.py").Settings(**data_settings(root, load_dataset(root, HERE.name), budget))


class Data:
    """Looked-at videos. `pair(name)`: an array of probes.look, split in train and test; `labels(head)`: the same of the
    true labels."""

    def __init__(self, videos: Any, truth: Any, scenes: list[Any], settings: Any, verbs: list[str]):
        self.probes, self.settings, self.scenes, self.verbs = load_module(HERE / "probes.py"), settings, scenes, verbs
        self.seen = self.probes.look(videos, truth, side=2 * round(0.6 * settings.object_px))
        self.is_train = (videos["split"] == "train").to_numpy()
        self.groups = [group for _, group in truth.groupby("video_id", sort=False)]
        self.paired = [verbs.index(verb) for pair in settings.audio_pairs for verb in pair]

    def split(self, values: Any) -> tuple[np.ndarray, np.ndarray]:
        """One value per video, as (train, test)."""
        values = np.asarray(values)
        return values[self.is_train], values[~self.is_train]

    def pair(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        owner = self.seen[OWNERS[name]] if name in OWNERS else np.arange(len(self.is_train))
        return self.seen[name][self.is_train[owner]], self.seen[name][~self.is_train[owner]]

    def labels(self, head: str) -> tuple[np.ndarray, np.ndarray]:
        return self.split([scene.labels[head] for scene in self.scenes])

    def boxes(self) -> list[np.ndarray]:
        """The target's box in each frame of each video, (T, 4)."""
        return [group[["x0", "y0", "x1", "y1"]].to_numpy() for group in self.groups]


def run(budget: str, train: int, test: int, raw: Path, seed: int, workers: int) -> dict[str, Any]:
    """All checks of a budget, on its first `train` and `test` videos."""
    declared, prepare, shortcuts = (
        card_settings(budget),
        load_module(HERE / "prepare.py"),
        load_module(HERE / "shortcuts.py"),
    )
    settings = dataclasses.replace(declared, counts={"train": train, "val": 0, "test": test})
    videos, truth = prepare.prepare(settings, raw, seed, workers)
    data = Data(videos, truth, prepare.compose_all(settings, seed), settings, list(prepare.VERBS))
    counts = {"train": train, "test": test, "seed": seed}
    return {"settings": settings_hash(declared), **counts, **run_checks(shortcuts.CHECKS, data)}


if __name__ == "__main__":
    command(HERE, __doc__ or "", run)
