"""What `measure` left: realised speed-ups as tidy rows. No torch."""

from pathlib import Path
from typing import Any

import pandas as pd

from saccade.cards.address import COUNTERPART, RUN, Address, parse_address
from saccade.plan.staleness import timed_with
from saccade.records import EAGER
from saccade.results.reader import PlannedGrid, RunFiles, dataset_label, runs_of
from saccade.results.runs import rows_of

IDENTITY = ["variant", "point", "title", "seed", "counterpart", "device"]
SPEED_COLUMNS = [
    *IDENTITY,
    "videos",
    "mac_ratio",
    "batch",
    "decoding",
    "ms",
    "against_ms",
    "speedup",
    "low",
    "high",
    "aa",
    "marked",
    "alone",
    "stale",
]
PART_COLUMNS = [*IDENTITY, "side", "part", "ms"]


def read_speed(grid: PlannedGrid, root: Path, method: str, dataset: str) -> pd.DataFrame:
    """One row per reading (SPEED_COLUMNS): times in milliseconds per video (ms, against_ms: {mean, p50, ...}); low and
    high: the least and the largest speed-up that one process alone says."""
    rows = []
    for identity, found in _measured(grid, root, method, dataset):
        for reading in found["readings"]:
            row = identity | {"videos": found["videos"], "mac_ratio": found["macs"]["ratio"], "alone": found["alone"]}
            row |= {"stale": found["stale"]}
            row |= {key: reading[key] for key in ("device", "batch", "decoding", "speedup", "aa", "marked")}
            row |= {"low": min(reading["by_process"]), "high": max(reading["by_process"])}
            times = {side: {key: 1000 * s for key, s in value.items()} for side, value in reading["seconds"].items()}
            rows.append(row | {"ms": times["own"], "against_ms": times["against"]})
    return pd.DataFrame(rows, columns=SPEED_COLUMNS)


def read_parts(grid: PlannedGrid, root: Path, method: str, dataset: str) -> pd.DataFrame:
    """One row per part of a video's time (PART_COLUMNS), batch 1: side is own or against, ms milliseconds per video."""
    rows = [
        identity | {"device": device, "side": side, "part": part, "ms": 1000 * seconds}
        for identity, found in _measured(grid, root, method, dataset)
        for device, sides in found["parts"].items()
        for side, parts in sides.items()
        for part, seconds in parts.items()
    ]
    return pd.DataFrame(rows, columns=PART_COLUMNS)


def _measured(grid: PlannedGrid, root: Path, method: str, dataset: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """(who it is, what was measured of it) for every planned point that has been timed, in the grid's order;
    `stale`: whether the code or the settings were others than the grid's."""
    found = []
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
            }
            stale = timed_with(entry["code"], entry["settings"]) != point["timed_with"]
            if eager := entry.get("runtimes", {}).get(EAGER):
                identity |= {"counterpart": _short(run, entry["against"])}
                found.append((identity, entry | eager | {"stale": stale}))
    return found


def _short(run: dict[str, Any], against: dict[str, str]) -> str:
    """The counterpart without what it shares with the run (`address.COUNTERPART`)."""
    other = parse_address(against["run"], RUN)
    method = other.method if other.method != run["method"] else ""
    variant = other.variant if method or other.variant != run["variant"] else ""
    return str(Address(method=method, variant=variant, point=against["point"]))


def equal_time(speed: pd.DataFrame, values: pd.DataFrame, decoding: bool = False) -> pd.DataFrame:
    """The most accurate timed point of the method under each limit: device, limit_ms, variant, point, value, ms,
    marked.

    `values`: variant, point, value, as `frontier.tradeoff_points` gives them, without stand-ins. Times are at batch 1,
    mean per video. Counterparts that are points of the method's own count, too. Limits are 1, 2, 5, 10, ... ms, from
    the first that some point meets.
    """
    chosen = speed[(speed.batch == 1) & (speed.decoding == decoding)]
    times: dict[tuple[str, str, str], tuple[float, bool]] = {}
    for row in rows_of(chosen):
        other = parse_address(row.counterpart, COUNTERPART, Address(variant=row.variant))
        for key, ms in (
            ((row.device, other.variant, other.point), row.against_ms),
            ((row.device, row.variant, row.point), row.ms),
        ):
            times[key] = (ms["mean"], bool(row.marked))  # a point's own time wins over one as counterpart
    known = {(row.variant, row.point): row.value for row in rows_of(values)}
    rows = []
    for device in dict.fromkeys(key[0] for key in times):
        timed = [
            (ms, known[key[1:]], *key[1:], marked)
            for key, (ms, marked) in times.items()
            if key[0] == device and key[1:] in known
        ]
        for limit in _limits([ms for ms, *_ in timed]):
            ms, value, variant, point, marked = max(
                (one for one in timed if one[0] <= limit), key=lambda one: (one[1], -one[0])
            )
            rows.append([device, limit, variant, point, value, ms, marked])
    return pd.DataFrame(rows, columns=["device", "limit_ms", "variant", "point", "value", "ms", "marked"])


def _limits(times: list[float]) -> list[float]:
    """1, 2, 5 times powers of ten, from the first that isn't below the shortest time to the first that isn't below the
    longest."""
    if not times:
        return []
    steps = [digit * 10.0**power for power in range(-3, 7) for digit in (1, 2, 5)]
    last = next(step for step in steps if step >= max(times))
    return [step for step in steps if min(times) <= step <= last]
