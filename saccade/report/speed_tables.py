"""What the clock said: realised speed-ups by runtime, every reading, the parts of a video's time, the best point under
a time limit; tidy, and as a reader sees it. No torch."""

import math
from typing import Any

import pandas as pd

from saccade.records import EXACT, FASTEST
from saccade.report.tidy import Column, TidyTable, tidy, words
from saccade.results.runs import rows_of
from saccade.results.speed import IDENTITY

FEW = 50  # videos below which a time says that it rests on few
PERCENTILES = ("mean", "p50", "p90", "p99")
SPEEDUP = ("speedup", "low", "high", "marked")
RUNTIME = Column("Runtime", ("runtime", "own_runtime", "against_runtime", "shared"), "runtime", kind="text")


def speed(readings: pd.DataFrame) -> TidyTable:
    """One row per timed point, device and runtime, that of each in its fastest first: the speed-up of one video at a
    time and of many at once, without decoding, beside the ratio of multiply-adds; what to doubt. readings:
    `results.speed.read_speed`."""
    rows, batches = [], {}
    ready = readings[~readings.decoding.astype(bool)]
    for _, group in ready.groupby(IDENTITY, sort=False):
        row = _identity(next(rows_of(group)))
        for one in rows_of(group):
            name = f"batch_{one.batch}"
            batches[name] = "Single stream" if one.batch == 1 else f"Offline, {one.batch}"
            row |= {f"{name}.{key}": float(getattr(one, key)) for key in SPEEDUP}
            row |= {f"{name}.share": one.speedup / one.mac_ratio}
            if one.batch == 1:
                row |= {"ms": one.ms["mean"], "against_ms": one.against_ms["mean"]}
                row |= {"processor.speedup": one.processor_speedup}
        rows.append(row | {"aa.low": group.aa.min(), "aa.high": group.aa.max(), "doubts": _doubts(group)})
    return tidy(
        rows,
        [
            *_who(ready, words("Counterpart", "counterpart")),
            RUNTIME,
            Column("MACs", ("mac_ratio",), "times"),
            *(
                Column(said, tuple(f"{name}.{part}" for part in (*SPEEDUP, "share")), "realised")
                for name, said in batches.items()
            ),
            Column("A/A", ("aa.low", "aa.high"), "ratios_from_to"),
            Column("Processor", ("processor.speedup",), "times"),
            Column("ms per video", ("against_ms", "ms"), "down_to"),
            words("Doubts", "doubts"),
        ],
    )


def speed_readings(readings: pd.DataFrame) -> TidyTable:
    """One row per reading: both clocks, how often each side was called, percentiles over the videos."""
    rows = []
    for one in rows_of(readings):
        row = _identity(one) | {"batch": one.batch, "decoding": float(one.decoding), "n": one.n, "aa": one.aa}
        row |= {key: float(getattr(one, key)) for key in SPEEDUP} | {"repeats": one.repeats}
        for side, times in (("ms", one.ms), ("against_ms", one.against_ms)):
            row |= {f"{side}.{key}": times[key] for key in times}
        row |= {f"processor.{key}": getattr(one, f"processor_{key}") for key in ("speedup", "aa", "ms", "against_ms")}
        rows.append(row)
    return tidy(
        rows,
        [
            *_who(readings),
            RUNTIME,
            Column("Scenario", ("batch", "decoding"), "scenario", kind="text"),
            Column("n", ("n",), "count"),
            Column("Speed-up", SPEEDUP, "speedup"),
            Column("A/A", ("aa",), "two_decimals"),
            Column("Again", ("repeats",), "whole"),
            Column("Point ms", tuple(f"ms.{key}" for key in PERCENTILES), "percentiles"),
            Column("Counterpart ms", tuple(f"against_ms.{key}" for key in PERCENTILES), "percentiles"),
            Column("Processor", ("processor.speedup",), "times"),
            Column("Its A/A", ("processor.aa",), "two_decimals"),
            Column("Processor ms", ("processor.against_ms", "processor.ms"), "down_to"),
        ],
    )


def _identity(one: Any) -> dict[str, Any]:
    """shared: whether this runtime is the fastest of several, for point and counterpart alike; beside: whether another
    leads."""
    names = (*IDENTITY, "own_runtime", "against_runtime", "videos", "mac_ratio")
    return {name: getattr(one, name) for name in names} | {
        "shared": float(one.leads and one.timed_in > 1),
        "beside": float(not one.leads),
    }


def _who(readings: pd.DataFrame, *more: Column) -> list[Column]:
    """The columns that say what was timed; variant, seed and device where there are several."""
    several = {name for name in IDENTITY if readings[name].nunique() > 1}
    return [
        *([words("Variant", "variant")] if "variant" in several else []),
        *(words("Point", "title"), *more),
        *([Column("Seed", ("seed",), "whole")] if "seed" in several else []),
        *([words("Device", "device")] if "device" in several else []),
    ]


def _doubts(group: pd.DataFrame) -> str:
    first = next(rows_of(group))
    changed = "" if pd.isna(first.decided_otherwise) else f" ({first.decided_otherwise:.0f} decided otherwise)"
    doubts = {
        f"not exact{changed}": first.runtime not in (*EXACT, FASTEST),
        "stale": first.stale,
        "not alone": not first.alone,
        "few videos": first.videos < FEW,
        "marked": bool(group.marked.any()),
    }
    return ", ".join(doubt for doubt, holds in doubts.items() if holds) or "none"


def speed_parts(parts: pd.DataFrame) -> TidyTable:
    """One row per part of a video's time: milliseconds of the point and of its counterpart, and what the point
    saves. parts: `results.speed.read_parts`."""
    rows = []
    for key, group in parts.groupby(IDENTITY, sort=False):
        wide = (
            group.pivot(index="part", columns="side", values="ms").reindex(list(dict.fromkeys(group.part))).fillna(0.0)
        )
        wide.loc["sum"] = wide.sum()
        identity = dict(zip(IDENTITY, key, strict=True))
        identity |= {"runtime": "fastest of each" if identity["runtime"] == FASTEST else identity["runtime"]}
        for part, own, against in zip(wide.index, wide.own, wide.against, strict=True):
            rows.append(
                identity | {"part": part, "point_ms": own, "counterpart_ms": against, "saved_ms": against - own}
            )
    return tidy(
        rows,
        [
            *_who(parts, words("Counterpart", "counterpart")),
            *(words("Runtime", "runtime"), words("Part", "part")),
            Column("Point ms", ("point_ms",), "significant"),
            Column("Counterpart ms", ("counterpart_ms",), "significant"),
            Column("Saved ms", ("saved_ms",), "saved"),
        ],
    )


def equal_time(tables: dict[str, pd.DataFrame]) -> TidyTable:
    """One row per head, device and limit, each point in its fastest exact form. `tables`: {head:
    `results.speed.equal_time`}."""
    rows = [
        {"head": head, **row._asdict(), "marked": float(row.marked)}
        for head, row in _limits(tables)
        if row.runtime == FASTEST
    ]
    return tidy(
        rows,
        [
            *_limit(tables),
            *(words("Variant", "variant"), words("Point", "point"), Column("Best %", ("value",), "percent")),
            *(Column("ms per video", ("ms", "marked"), "marked_time"), words("Runtime", "taken_in")),
        ],
    )


def equal_time_by_runtime(tables: dict[str, pd.DataFrame]) -> TidyTable:
    """One row per head, device and limit, a column for each exact runtime; empty where only one was timed."""
    rows: dict[tuple[str, str, float], dict[str, Any]] = {}
    for head, row in _limits(tables):
        if row.runtime != FASTEST:
            found = rows.setdefault((head, row.device, row.limit_ms), {})
            found |= {f"{row.runtime}.{key}": getattr(row, key) for key in ("value", "variant", "point", "ms")}
            found |= {f"{row.runtime}.marked": float(row.marked)}
    runtimes = [name for name in EXACT if any(f"{name}.value" in found for found in rows.values())]
    named = ("head", "device", "limit_ms")
    places = list(dict.fromkeys(key[:2] for key in rows))
    keys = sorted(rows, key=lambda key: (places.index(key[:2]), key[2]))
    return tidy(
        [dict(zip(named, key, strict=True)) | rows[key] for key in keys] if len(runtimes) > 1 else [],
        [
            *_limit(tables),
            *(
                Column(name, tuple(f"{name}.{key}" for key in ("value", "variant", "point", "ms", "marked")), "best")
                for name in runtimes
            ),
        ],
    )


def _limit(tables: dict[str, pd.DataFrame]) -> list[Column]:
    """The columns that say what was asked; the device where there are several."""
    several = len({device for table in tables.values() for device in table.device}) > 1
    devices = [words("Device", "device")] if several else []
    return [words("Head", "head"), *devices, Column("Under", ("limit_ms",), "limit")]


def _limits(tables: dict[str, pd.DataFrame]) -> list[tuple[str, Any]]:
    """(head, row) of all tables, but what hasn't been scored."""
    return [(head, row) for head, table in tables.items() for row in rows_of(table) if not math.isnan(row.value)]
