"""Kills trainings and predictions, runs them again, and compares what they leave with an uninterrupted run.

    python tests/kills.py --kills 100

A process that has imported everything but computed nothing forks a child for each verb, so a kill costs no import. Each
round starts from nothing, or from what the verbs before the killed one left, and ends when train, predict and score
have come through. Kills come at random moments
(SIGKILL, SIGTERM, SIGINT), and, one after the other, right before and right after each renaming of a file, where a
half-written state would show.
"""

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1])]

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from numbered import encode  # noqa: E402

import saccade.nn.backbones  # noqa: E402  # before the forks, so that no child has to
import saccade.steps.predict  # noqa: E402
import saccade.steps.score  # noqa: E402
import saccade.steps.train  # noqa: E402, F401
from saccade import files  # noqa: E402
from saccade.__main__ import main  # noqa: E402
from saccade.plan.staleness import predict_code, train_code  # noqa: E402
from saccade.temporary import LOCK  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]
RUN = "demo/clips/tsn/tiny/seed3"
VERBS = (["train", RUN, "train"], ["predict", RUN], ["score", RUN])
COMPARED = ("train.safetensors", "train.json", "predictions.parquet", "metrics.json")
DATASET = """
dataset: clips
title: Numbered clips
source: made by a test
licence: none
heads: {noun: {kind: single, classes: [a, b]}}
"""
PREPARE = """
import pandas as pd
def prepare(settings, raw, seed, workers):
    return pd.read_json(raw / "videos.json", dtype={"video_id": str, "cluster": str}), None
"""
# Everything that has a state: momentum, schedule, dropout, random crops, the best epoch's weights, a last batch that
# is left out; saved after every batch.
RECIPE = """
    clips: {weights: none, backbone: resnet10, width: 0.125, num_frames: 2, resize: 0, crop: 32, train_crop: random,
            dropout: 0.3, epochs: 3, batch_size: 4, optimizer: adam, lr: 0.003, schedule: cosine, warmup_epochs: 1.0,
            lr_every: batch, drop_last: true, selection: best, clip_norm: 1.0, checkpoint_minutes: MINUTES, device: cpu}
"""


def make_project(root: Path, minutes: float) -> None:
    """A project with TSN and 20 small videos, prepared."""
    raw = root / "data/clips/raw/demo"
    raw.mkdir(parents=True)
    (root / "Snakefile").touch()
    (root / "data/clips/card.yml").write_text(DATASET)
    (root / "data/clips/prepare.py").write_text(PREPARE)
    for name in ("saccade", "methods/tsn"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    card = root / "methods/tsn/card.yml"
    text = card.read_text().replace(
        "\nbudgets:", "\ndatasets:" + RECIPE.replace("MINUTES", str(minutes)) + "\nbudgets:", 1
    )
    card.write_text(
        text[: text.index("\nbudgets:")]
        + "\ncontract: [tiny]\nvariants:\n  tiny: {use: [train]}\n\npoints:\n  uniform2: {}\n"
    )
    rows = []
    for number in range(20):
        split = "train" if number < 13 else "val" if number < 16 else "test"
        path = encode(raw / f"v{number:02}.mp4", frames=6 + number % 5, size=(48, 40))
        rows.append(
            {"video_id": f"v{number:02}", "split": split, "cluster": str(number), "path": str(path), "noun": number % 2}
        )
    pd.DataFrame(rows).to_json(raw / "videos.json", orient="records")
    finish(root, start(root, ["prepare", "clips", "--budget", "demo", "--workers", "1"]))
    train_code(root, "tsn", "train")  # remembered, so that no child has to read the code
    predict_code(root, "tsn")


def start(root: Path, arguments: list[str], die_at: tuple[int, str] | None = None) -> int:
    """The child's pid. `die_at`: (n, `before` or `after`) kills it at the n-th renaming of a file."""
    if pid := os.fork():
        return pid
    try:
        os.chdir(root)
        log = os.open("log.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(log, 1)
        os.dup2(log, 2)
        if die_at:
            files.os.replace = _deadly(*die_at)  # type: ignore[attr-defined]
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os._exit(main(arguments))
    except SystemExit as error:
        os._exit(int(error.code or 0))
    except KeyboardInterrupt:
        os._exit(130)  # it came before main could say so; Python's own answer
    except BaseException:
        traceback.print_exc()
    os._exit(70)


def _deadly(number: int, moment: str):
    calls, replace = iter(range(number)), os.replace

    def replacing(source, target):
        fatal = next(calls, None) is None
        if fatal and moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        replace(source, target)
        if fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    return replacing


def finish(root: Path, pid: int) -> None:
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if code:
        raise SystemExit(f"a run that nobody disturbed ended with {code}:\n{(root / 'log.txt').read_text()[-2000:]}")


def left(root: Path) -> dict[str, str]:
    folder = root / "results" / RUN
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in COMPARED}


def leftovers(root: Path) -> int:
    """How many files and folders lie in the results that aren't whole yet, and that nobody is writing. A folder whose
    maker was killed before it named its lock isn't counted: it goes a minute later."""
    found = list((root / "results").rglob(".*"))
    nameless = {path for path in found if path.is_dir() and not _text(path / LOCK)}
    return sum(not {path, path.parent} & nameless for path in found)


def _text(file: Path) -> str:
    return file.read_text() if file.exists() else ""


def clean(root: Path) -> None:
    shutil.rmtree(root / "results", ignore_errors=True)


def uninterrupted(root: Path) -> tuple[dict[str, str], dict[str, float]]:
    """What a run leaves, and how long each verb took."""
    clean(root)
    seconds = {}
    for arguments in VERBS:
        began = time.perf_counter()
        finish(root, start(root, arguments))
        seconds[arguments[0]] = time.perf_counter() - began
    return left(root), seconds


def disturbed(root: Path, pid: int, after_s: float, number: int, tally: Counter, waits: list[float]) -> bool:
    """Whether the process was hit before it ended by itself."""
    time.sleep(after_s)
    if os.waitpid(pid, os.WNOHANG)[0]:
        return False
    began = time.perf_counter()
    os.kill(pid, number)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if code == 0:
        return False  # it was done before the signal arrived
    if code not in {signal.SIGKILL: (-9,), signal.SIGTERM: (143, -15), signal.SIGINT: (130,)}[signal.Signals(number)]:
        said = (root / "log.txt").read_text()[-2000:]
        raise SystemExit(f"after {signal.Signals(number).name} the process ended with {code}:\n{said}")
    if number != signal.SIGKILL:
        waits.append(time.perf_counter() - began)
    tally[signal.Signals(number).name] += 1
    return True


def random_rounds(
    root: Path, kills: int, expected: dict[str, str], seconds: dict[str, float], rng: random.Random
) -> dict[str, object]:
    """Rounds of signals at random moments, until there were `kills` SIGKILLs in all."""
    tally: Counter = Counter()
    waits: list[float] = []
    rounds = differences = resumed = lying = 0
    while tally["SIGKILL"] < kills:
        clean(root)
        rounds += 1
        for arguments in VERBS:
            hits = 0
            while True:
                pid = start(root, arguments)
                number = rng.choices([signal.SIGKILL, signal.SIGTERM, signal.SIGINT], [8, 1, 1])[0]
                # it must come through at last
                patience = rng.uniform(0, 1.1) * seconds[arguments[0]] if hits < 6 else 60.0
                if hits >= 6:
                    finish(root, pid)
                    break
                if not disturbed(root, pid, patience, number, tally, waits):
                    break
                hits += 1
        resumed += json.loads((root / "results" / RUN / "provenance.train.json").read_text())["resumed"]
        differences += left(root) != expected
        lying += leftovers(root)
    return {
        "rounds": rounds,
        **tally,
        "taken up": resumed,
        "differences": differences,
        "left lying": lying,
        "slowest stop (s)": round(max(waits, default=0), 2),
    }


def renaming_rounds(root: Path, expected: dict[str, str]) -> dict[str, object]:
    """For each renaming of a file in train, predict and score: killed right before it and right after it, then run
    again."""
    kills = differences = lying = 0
    for position, arguments in enumerate(VERBS):
        earlier = root / f"before-{arguments[0]}"  # what the verbs before it leave, made once
        clean(root)
        (root / "results").mkdir()
        for verb in VERBS[:position]:
            finish(root, start(root, verb))
        shutil.copytree(root / "results", earlier)
        for moment in ("before", "after"):
            number = 0
            while True:
                clean(root)
                shutil.copytree(earlier, root / "results")
                pid = start(root, arguments, (number, moment))
                if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) != -signal.SIGKILL:
                    break  # it renames no further file
                kills += 1
                for later in VERBS[position:]:
                    finish(root, start(root, later))
                differences += left(root) != expected
                lying += leftovers(root)
                number += 1
    return {"renamings killed at": kills, "differences": differences, "left lying": lying}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=30, help="SIGKILLs at random moments (default: %(default)s)")
    parser.add_argument("--seed", type=int, help="of the moments (default: another one each time, printed)")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else int(np.random.SeedSequence().entropy % 2**32)
    found = {"seed": seed}
    with tempfile.TemporaryDirectory() as folder:
        for label, minutes in (("saved after every batch", 0.0), ("saved after every epoch", 10.0)):
            root = Path(folder) / label.replace(" ", "-")
            make_project(root, minutes)
            expected, seconds = uninterrupted(root)
            again, _ = uninterrupted(root)
            if again != expected:
                raise SystemExit("two undisturbed runs differ: nothing can be said of disturbed ones")
            found[label] = random_rounds(root, options.kills // 2, expected, seconds, random.Random(seed))
        found["at renamings"] = renaming_rounds(root, expected)
    found["seconds"] = seconds
    print(json.dumps(found, indent=1))
