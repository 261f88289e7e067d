"""What `measure` left: realised speed-ups as tidy rows. No torch."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from saccade.cards.address import COUNTERPART, RUN, Address, parse_address
from saccade.plan.staleness import timed_with
from saccade.records import EXACT, FASTEST, RUNTIMES
from saccade.results.reader import PlannedGrid, RunFiles, dataset_label, runs_of
from saccade.results.runs import rows_of

POINT = ["variant", "point", "title", "seed", "counterpart", "device"]
IDENTITY = [*POINT, "runtime"]  # `runtime`: a name of RUNTIMES, or FASTEST: point and counterpart each in its own
SPEED_COLUMNS = [
    *IDENTITY,
    "own_runtime",
    "against_runtime",
    "leads",
    "timed_in",
    "run",
    "videos",
    "mac_ratio",
    "batch",
    "decoding",
    "n",
    "repeats",
    "ms",
    "against_ms",
    "speedup",
    "low",
    "high",
    "aa",
    "marked",
    "processor_ms",
    "processor_against_ms",
    "processor_speedup",
    "processor_aa",
    "decided_otherwise",
    "largest_difference",
    "alone",
    "stale",
]
FLAGS = ("decoding", "leads", "marked", "alone", "stale")
PART_COLUMNS = [*IDENTITY, "side", "part", "ms"]
NOT_TIMED_COLUMNS = ["variant", "point", "title", "run", "runtime", "why"]
SIDES = {"own": "ms", "against": "against_ms"}


def read_speed(grid: PlannedGrid, root: Path, method: str, dataset: str) -> pd.DataFrame:
    """One row per reading (SPEED_COLUMNS).

    Times are in milliseconds per video, elapsed and of the processor (ms, against_ms: {mean, p50, p90, p95, p99};
    processor_*: means, None where the processor's time isn't the device's); low, high: the least and the largest
    speed-up that one process alone says; n: timed calls per side; repeats: how often the reading was taken again.
    leads: whether point and counterpart are each in the exact runtime that is its fastest for one video at a time;
    timed_in: in how many exact ones the point was timed on that device.
    decided_otherwise, largest_difference: what the runtime changed, the worse of the two sides.
    """
    rows = []
    for identity, found in _timed_runtimes(grid, root, method, dataset):
        about = {key: found[key] for key in ("run", "videos", "alone", "stale")}
        about |= {f"{side}_runtime": found[side] for side in SIDES} | {"mac_ratio": found["macs"]["ratio"]}
        for reading in found["readings"]:
            rows.append(identity | about | _reading(reading) | _changed(found, reading["device"]))
    table = pd.DataFrame(rows, columns=SPEED_COLUMNS)
    points = [_with_leads(group) for _, group in table.groupby(POINT, sort=False)]
    return pd.concat(points or [table], ignore_index=True).astype(dict.fromkeys(FLAGS, bool))


def _reading(reading: dict[str, Any]) -> dict[str, Any]:
    row = {key: reading[key] for key in ("device", "batch", "decoding", "n", "repeats", "speedup", "aa", "marked")}
    row |= {"low": min(reading["by_process"]), "high": max(reading["by_process"])}
    for side, name in SIDES.items():
        row[name] = {key: 1000 * seconds for key, seconds in reading["seconds"][side].items()}
    if processor := reading["processor"]:
        row |= {f"processor_{name}": 1000 * processor["seconds"][side]["mean"] for side, name in SIDES.items()}
        row |= {f"processor_{key}": processor[key] for key in ("speedup", "aa")}
    return row


def _changed(found: dict[str, Any], device: str) -> dict[str, Any]:
    sides = list(found["optimised"].get(device, {}).values())
    return {
        key: max((side[key] for side in sides), default=np.nan) for key in ("decided_otherwise", "largest_difference")
    }


def single_stream(speed: pd.DataFrame) -> pd.DataFrame:
    """The readings of one video at a time from clips that lie ready."""
    return speed[(speed.batch == 1) & ~speed.decoding.astype(bool)]


def _with_leads(readings: pd.DataFrame) -> pd.DataFrame:
    """The readings of one point on one device, those of each in its fastest first: those named so, or those of the
    runtime that both share."""
    exact = [row for row in rows_of(single_stream(readings)) if row.runtime in EXACT]
    best = (
        {min(exact, key=lambda row: getattr(row, name)["mean"]).runtime for name in SIDES.values()} if exact else set()
    )
    leading = FASTEST if (readings.runtime == FASTEST).any() else best.pop() if len(best) == 1 else ""
    told = readings.assign(leads=readings.runtime == leading, timed_in=len({row.runtime for row in exact}))
    return told.sort_values("leads", ascending=False, kind="stable")


def read_parts(grid: PlannedGrid, root: Path, method: str, dataset: str) -> pd.DataFrame:
    """One row per part of a video's time (PART_COLUMNS), batch 1: side is own or against, ms milliseconds per video."""
    rows = [
        identity | {"device": device, "side": side, "part": part, "ms": 1000 * seconds}
        for identity, found in _timed_runtimes(grid, root, method, dataset)
        for device, sides in found["parts"].items()
        for side, parts in sides.items()
        for part, seconds in parts.items()
    ]
    return pd.DataFrame(rows, columns=PART_COLUMNS)


def read_not_timed(grid: PlannedGrid, root: Path, method: str, dataset: str) -> pd.DataFrame:
    """One row per point and runtime that were asked for and not timed, and why (NOT_TIMED_COLUMNS)."""
    rows = []
    for identity, found in _measured(grid, root, method, dataset):
        again = f"`python -m saccade measure {found['run']}` takes them anew"
        absent = found.get("absent", {"": f"times of an earlier version of Saccade can't be read; {again}"})
        who = {key: identity[key] for key in ("variant", "point", "title")} | {"run": found["run"]}
        rows += [who | {"runtime": runtime, "why": why} for runtime, why in absent.items()]
    return pd.DataFrame(rows, columns=NOT_TIMED_COLUMNS)


def _timed_runtimes(
    grid: PlannedGrid, root: Path, method: str, dataset: str
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """(who it is, what was measured of it) for every planned point and each runtime in which it has been timed, that of
    each in its fastest first."""
    for identity, found in _measured(grid, root, method, dataset):
        timed = found.get("runtimes", {})
        for name in (name for name in (FASTEST, *RUNTIMES) if name in timed):
            yield identity | {"runtime": name}, found | timed[name]


def _measured(
    grid: PlannedGrid, root: Path, method: str, dataset: str
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """(who it is, what was measured of it) for every planned point that has been timed, in the grid's order;
    `stale`: whether the code or the settings were others than the grid's."""
    for run in runs_of(grid, method):
        timed = RunFiles(run, root).latency() if dataset_label(run) == dataset else None
        points = timed["points"] if timed else {}
        for point in (point for point in run["points"] if point["name"] in points):
            entry = points[point["name"]]
            identity = {
                "variant": run["variant"],
                "point": point["name"],
                "title": point.get("title") or point["name"],
                "seed": run["seed"],
                "counterpart": _short(run, entry["against"]),
            }
            stale = timed_with(entry["code"], entry["settings"]) != point["timed_with"]
            yield identity, entry | {"stale": stale, "run": run["run"]}


def _short(run: dict[str, Any], against: dict[str, str]) -> str:
    """The counterpart without what it shares with the run (`address.COUNTERPART`)."""
    other = parse_address(against["run"], RUN)
    method = other.method if other.method != run["method"] else ""
    variant = other.variant if method or other.variant != run["variant"] else ""
    return str(Address(method=method, variant=variant, point=against["point"]))


def equal_time(speed: pd.DataFrame, values: pd.DataFrame) -> pd.DataFrame:
    """The most accurate timed point of the method under each limit, in each runtime and with each point in its fastest
    (runtime FASTEST): device, runtime, limit_ms, variant, point, value, ms, taken_in (the runtime of the time), marked.

    `values`: variant, point, value, as `frontier.tradeoff_points` gives them, without stand-ins. Times are at batch 1
    without decoding, mean per video, in exact runtimes, whose accuracy is the one that was scored. Counterparts that
    are points of the method's own count, too. Limits are 1, 2, 5, 10, ... ms, from the first that some point meets.
    """
    known = {(row.variant, row.point): row.value for row in rows_of(values)}
    rows = []
    for device, of_device in single_stream(speed).groupby("device", sort=False):
        times = _point_times(of_device[of_device.runtime.isin(EXACT)], set(known))
        shared = _limits([ms for found in times.values() for ms, *_ in found.values()])
        for runtime in (name for name in (FASTEST, *EXACT) if name in times):
            limits = _limits([ms for ms, *_ in times[FASTEST].values()]) if runtime == FASTEST else shared
            for limit in limits:
                met = {who: found for who, found in times[runtime].items() if found[0] <= limit}
                if met:
                    who = max(met, key=lambda one: (known[one], -met[one][0]))
                    rows.append([device, runtime, limit, *who, known[who], *met[who]])
    columns = ["device", "runtime", "limit_ms", "variant", "point", "value", "ms", "taken_in", "marked"]
    return pd.DataFrame(rows, columns=columns)


Times = dict[tuple[str, str], tuple[float, str, bool]]  # (variant, point) -> milliseconds, runtime, marked


def _point_times(readings: pd.DataFrame, wanted: set[tuple[str, str]]) -> dict[str, Times]:
    """{runtime: the times of the wanted points in it}; FASTEST: each point's shortest."""
    times: dict[str, Times] = {name: {} for name in EXACT if name in set(readings.runtime)}
    rows = list(rows_of(readings))
    for row in rows:
        other = parse_address(row.counterpart, COUNTERPART, Address(variant=row.variant))
        if not other.method:
            times[row.runtime][other.variant, other.point] = (row.against_ms["mean"], row.runtime, row.marked)
    for row in rows:  # a point's own time wins over one as counterpart
        times[row.runtime][row.variant, row.point] = (row.ms["mean"], row.runtime, row.marked)
    kept = {name: {who: time for who, time in found.items() if who in wanted} for name, found in times.items()}
    every = dict.fromkeys(who for found in kept.values() for who in found)
    return kept | {FASTEST: {who: min(found[who] for found in kept.values() if who in found) for who in every}}


def _limits(times: list[float]) -> list[float]:
    """1, 2, 5 times powers of ten, from the first that isn't below the shortest time to the first that isn't below the
    longest."""
    if not times:
        return []
    steps = [digit * 10.0**power for power in range(-3, 7) for digit in (1, 2, 5)]
    last = next(step for step in steps if step >= max(times))
    return [step for step in steps if min(times) <= step <= last]
