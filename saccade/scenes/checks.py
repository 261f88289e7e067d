"""What the datasets' own checks share: a result with its bound, and the command that writes checks.json."""

import argparse
import dataclasses
import hashlib
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from saccade.files import read_json, write_json
from saccade.records import canonical
from saccade.scenes.digits import split_backgrounds, split_instances

Result = dict[str, Any]


def settings_hash(settings: Any) -> str:
    """Of what the videos are like, not of which drawing of them it is."""
    kinds = {key: value for key, value in dataclasses.asdict(settings).items() if key != "draw"}
    return hashlib.sha256(canonical(kinds).encode()).hexdigest()[:16]


def result(value: float, bound: float, sense: str, count: int, says: str) -> Result:
    held = value <= bound if sense == "max" else value >= bound
    numbers = {"value": round(float(value), 4), "bound": round(float(bound), 4), "n": int(count)}
    return {**numbers, "sense": sense, "ok": bool(held), "says": says}


def at_most(hits: Any, chance: float, says: str) -> Result:
    """`hits`: (n,) in [0, 1], one per video; their mean must stay within 3 standard errors of chance."""
    bound = min(1.0, chance + 3 * np.sqrt(chance * (1 - chance) / len(hits)))
    return result(np.mean(hits), bound, "max", len(hits), says)


def shared_between_splits(seed: int, settings: Any) -> Result:
    """How many digits and backgrounds are in two splits."""
    instances = split_instances(seed, settings.instance_shares)
    pools = [[one for group in part for one in group] for part in instances.values()]
    tiles = split_backgrounds(settings.backgrounds).values()
    shared = sum(len(group) for group in (*pools, *tiles)) - len(set().union(*pools)) - len(set().union(*tiles))
    return result(shared, 0, "max", 1797, "digits and backgrounds that two splits share")


def run_checks(checks: Iterable[Callable[[Any], dict[str, Result]]], data: Any) -> dict[str, Any]:
    """What all checks find in `data`, printed as it comes, and the CPU time that they take in seconds."""
    started = time.process_time()
    found: dict[str, Result] = {}
    for check in checks:
        results = check(data)
        for name, row in results.items():
            verdict = "ok" if row["ok"] else "NOT HELD"
            print(
                f"{name:28} {row['value']:7.3f} {row['sense']} {row['bound']:.3f} {verdict:8} {row['says']}", flush=True
            )
        print(f"-- {check.__name__}: {time.process_time() - started:.0f} s of CPU so far", flush=True)
        found |= results
    return {"cpu_s": round(time.process_time() - started), "checks": found}


def command(folder: Path, says: str, run: Callable[[str, int, int, Path, int, int], dict[str, Any]]) -> None:
    """Runs the checks of the dataset in `folder` as the command line asks, and writes what they find to its
    checks.json: `run(budget, train, test, raw, seed, workers)`."""
    parser = argparse.ArgumentParser(description=says.splitlines()[0])
    parser.add_argument("--budget", default="study")
    parser.add_argument("--train", type=int, default=800, help="training videos to look at")
    parser.add_argument("--test", type=int, default=300, help="test videos to look at")
    parser.add_argument("--raw", type=Path, help="where the videos are, raw/<budget> by default")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--workers", type=int, default=2, help="processes that render what is missing; the checks use one core"
    )
    given = parser.parse_args()
    import torch  # here: the processes that render import this file

    torch.set_num_threads(1)
    raw = given.raw or folder / "raw" / given.budget
    report = run(given.budget, given.train, given.test, raw, given.seed, given.workers)
    file = folder / "checks.json"
    write_json(file, {**(read_json(file) if file.exists() else {}), given.budget: report})
