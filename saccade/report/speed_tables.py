"""What the clock said: realised speed-ups, the parts of a video's time, the best point under a time limit; tidy, and
as a reader sees it. No torch."""

import math
from typing import Any

import pandas as pd

from saccade.report.tidy import Column, TidyTable, tidy, words
from saccade.results.runs import rows_of
from saccade.results.speed import IDENTITY

FEW = 50  # videos below which a time says that it rests on few
TIMED = (
    words("Variant", "variant"),
    words("Point", "title"),
    words("Counterpart", "counterpart"),
    words("Device", "device"),
)


def speed(readings: pd.DataFrame) -> TidyTable:
    """One row per timed point and device: cost ratio, the speed-up at each batch size without and with decoding, what
    to doubt. readings: `results.speed.read_speed`."""
    rows, batches = [], {}
    for key, group in readings.groupby(IDENTITY, sort=False):
        first = next(rows_of(group))
        row = dict(zip(IDENTITY, key, strict=True)) | {"videos": first.videos, "macs_ratio": first.mac_ratio}
        for one in rows_of(group):
            name = f"batch_{one.batch}{'.decoding' if one.decoding else ''}"
            batches[name] = f"Batch {one.batch}{' with decoding' if one.decoding else ''}"
            row |= {f"{name}.speedup": one.speedup, f"{name}.low": one.low, f"{name}.high": one.high}
            row |= {f"{name}.marked": float(one.marked)}
        smallest = group.batch.min()
        alone = next(one for one in rows_of(group) if one.batch == smallest and not one.decoding)
        row |= {f"ms.{name}": alone.ms[name] for name in ("mean", "p50", "p95")}
        rows.append(row | {"aa.low": group.aa.min(), "aa.high": group.aa.max(), "doubts": _doubts(first, group)})
    parts = ("speedup", "low", "high", "marked")
    return tidy(
        rows,
        [
            *(*TIMED, Column("Seed", ("seed",), "whole"), Column("Videos", ("videos",), "whole")),
            Column("MACs", ("macs_ratio",), "times"),
            *(Column(said, tuple(f"{name}.{part}" for part in parts), "speedup") for name, said in batches.items()),
            Column("ms per video", ("ms.mean", "ms.p50", "ms.p95"), "with_range"),
            Column("A/A", ("aa.low", "aa.high"), "ratios_from_to"),
            words("Doubts", "doubts"),
        ],
    )


def _doubts(first: Any, group: pd.DataFrame) -> str:
    doubts = {
        "stale: made with other code or settings": first.stale,
        "not alone": not first.alone,
        "few videos": first.videos < FEW,
        "† A/A": bool(group.marked.any()),
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
        for part, own, against in zip(wide.index, wide.own, wide.against, strict=True):
            times = {"part": part, "point_ms": own, "counterpart_ms": against, "saved_ms": against - own}
            rows.append(dict(zip(IDENTITY, key, strict=True)) | times)
    return tidy(
        rows,
        [
            *(*TIMED, words("Part", "part")),
            Column("Point ms", ("point_ms",), "significant"),
            Column("Counterpart ms", ("counterpart_ms",), "significant"),
            Column("Saved ms", ("saved_ms",), "saved"),
        ],
    )


def equal_time(tables: dict[str, pd.DataFrame]) -> TidyTable:
    """One row per head, device and limit. `tables`: {head: `results.speed.equal_time`}."""
    rows = [
        {"head": head, **row._asdict(), "marked": float(row.marked)}
        for head, table in tables.items()
        for row in rows_of(table)
        if not math.isnan(row.value)
    ]
    return tidy(
        rows,
        [
            *(words("Head", "head"), words("Device", "device"), Column("Under", ("limit_ms",), "limit")),
            *(words("Variant", "variant"), words("Point", "point"), Column("Best %", ("value",), "percent")),
            Column("ms per video", ("ms", "marked"), "marked_time"),
        ],
    )
