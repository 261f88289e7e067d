"""The step that reads the clock. Each operating point and its static counterpart take turns, in each runtime, in fresh
processes; what was found goes into latency.json.

Both models get the same exact optimisations and see the same test videos. That nothing else runs on the machine is the
caller's affair. What else ran is recorded, and a reading that disagrees with itself (A/A) is taken again and in the end
marked, never hidden.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from saccade import products
from saccade.engine.inference import need_trained
from saccade.files import read_json
from saccade.plan.staleness import timed_with
from saccade.project import provenance, version_of
from saccade.records import EAGER, EXACT, FASTEST, LATENCY_FILE, RUNTIMES, SaccadeError, one_line
from saccade.timing import machine, turns
from saccade.timing.one_process import devices_of
from saccade.timing.runtimes import PACKAGES, why_absent
from saccade.timing.side import Pair

PROCESSES = 3


def measure(
    pairs: Mapping[str, Pair],
    folder: Path,
    asked: Sequence[str] = (EAGER,),
    only: str | None = None,
    record_absent: bool = False,
) -> None:
    """Times every pair in the runtimes that are asked for and writes `folder`/latency.json, which always holds all
    pairs in all of these and in eager.

    What else stands in the file is kept where the pair's settings and code haven't changed. So are, with `only`, the
    times of the other points in these runtimes. Raises SaccadeError before the first process where one of the runs
    isn't trained, or a runtime isn't here; with `record_absent` the file then says why.
    """
    for pair in pairs.values():
        need_trained(pair.own)
        need_trained(pair.against)
    absent = {name: why for name in asked if not devices_of([name]) and (why := why_absent(name, torch.device("cpu")))}
    if absent and not record_absent:
        raise SaccadeError(next(iter(absent.values())))
    points = {point: _known(folder / LATENCY_FILE, pair, only) for point, pair in pairs.items()}
    wanted = [name for name in RUNTIMES if name in (*asked, EAGER) and name not in absent]
    jobs = {
        point: [
            name
            for name in wanted
            if name not in points[point]["runtimes"] or (name in asked and only in (None, point))
        ]
        for point in pairs
    }
    with tqdm(total=PROCESSES * sum(map(len, jobs.values())), unit="process", desc="measure") as progress:
        for point, names in jobs.items():
            for name in names:
                _time(points[point], pairs[point], name, (name, name), progress)
            _time_fastest(points[point], pairs[point], names, progress)
            more = {name: why for name, why in absent.items() if name not in points[point]["runtimes"]}
            points[point]["absent"] |= more
    products.write(folder / LATENCY_FILE, {"run": next(iter(pairs.values())).own.run, "points": points})


def _known(file: Path, pair: Pair, only: str | None) -> dict[str, Any]:
    """What the file says of the pair, where that is current, to be added to."""
    try:
        before = products.read(file)["points"].get(pair.point, {}) if file.is_file() else {}
    except products.DamageError:
        if only:
            raise
        before = {}  # all of it is made anew
    facts = {
        "against": {"run": pair.against.run, "point": next(iter(pair.against.points))},
        "settings": pair.values,
        "code": pair.code,
    }
    if not is_current(before, pair):
        return facts | {"runtimes": {}, "absent": {}}
    return {**before, "runtimes": dict(before["runtimes"]), "absent": dict(before["absent"])}


def is_current(measured: Mapping[str, Any], pair: Pair) -> bool:
    of_this_version = "runtimes" in measured
    same = timed_with(measured.get("code"), measured.get("settings")) == timed_with(pair.code, pair.values)
    return of_this_version and same


def _time(entry: dict[str, Any], pair: Pair, name: str, runtimes: tuple[str, str], progress: tqdm) -> None:
    """Times the pair, the point in the first of the runtimes and its counterpart in the second. What was found goes
    into the point's entry under `name`; where a runtime other than eager fails, into `absent` why."""
    entry["runtimes"].pop(name, None), entry["absent"].pop(name, None)
    with tempfile.TemporaryDirectory(prefix="saccade-measure-") as place:
        processes: list[dict[str, Any]] = []
        try:
            for number in range(PROCESSES):
                progress.set_description(f"measure {pair.point}, {name}, process {number + 1} of {PROCESSES}")
                processes.append(run_process(pair, runtimes, number, Path(place, f"{number}.json")))
                progress.update()
                if refused := processes[-1].get("refused"):
                    raise SaccadeError(refused)
        except SaccadeError as error:
            if name == EAGER:
                raise
            entry["absent"][name] = one_line(error)
            progress.total = (progress.total or 0) - PROCESSES + len(processes)
            progress.write(f"saccade: note: {pair.point} isn't timed in {name}: {one_line(error)}", file=sys.stderr)
            return
    if name == EAGER:
        macs = processes[0]["macs"]
        entry["macs"] = macs | {"ratio": macs["against"] / macs["own"]}
        entry["videos"] = processes[0]["videos"]
    entry["runtimes"][name] = combine(pair, runtimes, processes)


def _time_fastest(entry: dict[str, Any], pair: Pair, anew: Sequence[str], progress: tqdm) -> None:
    """Times the point and its counterpart each in the exact runtime that is its fastest on the CPU, where these differ
    and the point has no such times yet or others were taken anew."""
    chosen = fastest(entry["runtimes"])
    before = entry["runtimes"].get(FASTEST, {})
    if not anew and (FASTEST in entry["absent"] or (before.get("own"), before.get("against")) == chosen):
        return
    entry["runtimes"].pop(FASTEST, None), entry["absent"].pop(FASTEST, None)
    if len(set(chosen)) > 1:
        progress.total = (progress.total or 0) + PROCESSES
        _time(entry, pair, FASTEST, chosen, progress)


def fastest(timed: Mapping[str, Any]) -> tuple[str, str]:
    """The exact runtimes in which the point, and its counterpart, take the least time on average: one video at a time,
    without decoding, on the CPU."""

    seconds = {
        name: one["seconds"]
        for name in (name for name in EXACT if name in timed)
        for one in timed[name]["readings"]
        if one["device"] == "cpu" and one["batch"] == 1 and not one["decoding"]
    }
    own, against = (min(seconds, key=lambda name: seconds[name][side]["mean"]) for side in turns.SIDES)
    return own, against


def run_process(pair: Pair, runtimes: tuple[str, str], number: int, into: Path) -> dict[str, Any]:
    """What `time_once` writes in a fresh process: this step called again."""
    asked = [pair.own.run, "--point", pair.point, "--process", str(number), "--into", str(into)]
    asked += [word for name in runtimes for word in ("--runtime", name)]
    # the process stops with this one, not with our parent
    own_code = {"PYTHONPATH": str(Path(__file__).resolve().parents[2]), "SACCADE_STOPS_WITH": str(os.getpid())}
    command = [sys.executable, "-m", "saccade", "measure", *asked]
    done = subprocess.run(command, cwd=pair.own.root, env=os.environ | own_code, check=False)
    if done.returncode:
        ended = f"failed (exit status {done.returncode}); what it printed says why"
        raise SaccadeError(f"{pair.own.run}: process {number + 1} of measuring {pair.point} {ended}")
    found: dict[str, Any] = read_json(into)
    return found


def combine(pair: Pair, runtimes: tuple[str, str], processes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What latency.json says of one point in these runtimes, from what its processes found."""
    first = processes[0]
    readings = []
    for place, timed in enumerate(first["timed"]):
        alike = [process["timed"][place] for process in processes]
        what = {key: timed[key] for key in ("device", "batch", "decoding")} | {
            "scenario": turns.scenario(timed["batch"])
        }
        samples, repeats = [one["samples"] for one in alike], sum(one["repeats"] for one in alike)
        readings.append(what | turns.reading(samples, timed["videos"], repeats))
    packages = {package: version_of(package) for name in runtimes for package in PACKAGES.get(name, ())}
    return {
        "own": runtimes[0],
        "against": runtimes[1],
        "readings": readings,
        "parts": first["parts"],
        "optimised": first["optimised"],
        "machine": machine.describe()
        | {"threads": first["threads"], "processes": [process["load"] for process in processes]},
        "alone": all(process["load"]["alone"] for process in processes),
        "provenance": provenance(pair.own.root, **({"runtime": packages} if packages else {})),
    }
