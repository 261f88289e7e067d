"""What the clock said, as a reader sees it: realised speed-ups, the parts of a video's time, the best point under a
time limit. No torch."""

import math

import pandas as pd

from saccade.report.typeset import NONE, percent, significant
from saccade.results.runs import rows_of
from saccade.results.speed import IDENTITY

FEW = 50  # videos below which a time says that it rests on few


def show_speed(speed: pd.DataFrame) -> pd.DataFrame:
    """One row per timed point and device: cost ratio, the speed-up at each batch size without and with decoding, what
    to doubt."""
    rows = []
    for _, group in speed.groupby(IDENTITY, sort=False):
        first = next(rows_of(group))
        row = {"Variant": first.variant, "Point": first.title, "Counterpart": first.counterpart, "Device": first.device}
        row |= {"Seed": str(first.seed), "Videos": str(first.videos), "MACs": f"{first.mac_ratio:.2f}×"}
        for reading in rows_of(group):
            heading = f"Batch {reading.batch}{' with decoding' if reading.decoding else ''}"
            row[heading] = (
                f"{reading.speedup:.2f}×{' †' if reading.marked else ''} [{reading.low:.2f}, {reading.high:.2f}]"
            )
        alone = next(
            reading for reading in rows_of(group) if reading.batch == min(group.batch) and not reading.decoding
        )
        row["ms per video"] = (
            f"{significant(alone.ms['mean'])} [{significant(alone.ms['p50'])}, {significant(alone.ms['p95'])}]"
        )
        row["A/A"] = f"{group.aa.min():.2f} to {group.aa.max():.2f}"
        doubts = {"not alone": not first.alone, "few videos": first.videos < FEW, "† A/A": bool(group.marked.any())}
        doubts = {"stale: made with other code or settings": first.stale} | doubts
        rows.append(row | {"Doubts": ", ".join(doubt for doubt, holds in doubts.items() if holds) or "none"})
    return pd.DataFrame(rows).fillna(NONE)


def show_parts(parts: pd.DataFrame) -> pd.DataFrame:
    """One row per part of a video's time: milliseconds of the point and of its counterpart, and what the point
    saves."""
    rows = []
    for _, group in parts.groupby(IDENTITY, sort=False):
        wide = (
            group.pivot(index="part", columns="side", values="ms").reindex(list(dict.fromkeys(group.part))).fillna(0.0)
        )
        wide.loc["sum"] = wide.sum()
        first = next(rows_of(group))
        for part, own, against in zip(wide.index, wide.own, wide.against, strict=True):
            row = {
                "Variant": first.variant,
                "Point": first.title,
                "Counterpart": first.counterpart,
                "Device": first.device,
                "Part": part,
            }
            row |= {"Point ms": significant(own), "Counterpart ms": significant(against)}
            rows.append(row | {"Saved ms": f"{against - own:+.2f}".replace("-", "−")})
    return pd.DataFrame(rows)


def show_equal_time(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """One row per head, device and limit. `tables`: {head: equal_time(...)}."""
    rows = [
        {
            "Head": head,
            "Device": row.device,
            "Under": f"{row.limit_ms:g} ms",
            "Variant": row.variant,
            "Point": row.point,
            "Best %": percent(row.value),
            "ms per video": f"{significant(row.ms)}{' †' if row.marked else ''}",
        }
        for head, table in tables.items()
        for row in rows_of(table)
        if not math.isnan(row.value)
    ]
    return pd.DataFrame(rows)
