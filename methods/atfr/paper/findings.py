"""What only ATFR shows: how many bins the printed costs imply, how many videos keep (Fig. 3), which classes keep few
and many (Table 5), and, where the ground truth knows the redundancy, whether bins follow it. No torch."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from saccade.report.figures import INK, MUTED, PALETTE, WIDTH
from saccade.report.tidy import Column, TidyTable, tidy, words
from saccade.results.reader import NotRun, dataset_label

from .implied_bins import CAPTION, TITLE, implied_bins

OWN = "single"  # the point whose bins are the network's own
EXTREMES = 5  # classes at either end, as many as Table 5 prints
COLUMNS = ["dataset", "variant", "point", "seed", "video_id", "bins", "full"]
SHOWN = ("dataset", "variant", "point")


def bins_of(found: Any) -> pd.DataFrame:
    """COLUMNS: mean B' over a video's views, and how many of them hold more than a trace; NotRun where no run has
    any."""
    rows = []
    for run in found.runs():
        label = dataset_label(run)
        for row in found.predictions(run).itertuples(index=False):
            if all("bins" in view for view in row.decisions):
                means = [float(np.mean([view[key] for view in row.decisions])) for key in ("bins", "full_bins")]
                rows.append([label, run["variant"], row.point, run["seed"], row.video_id, *means])
    if not rows:
        raise NotRun("no run keeps bins")
    return pd.DataFrame(rows, columns=COLUMNS)


def redundancy_of(found: Any) -> pd.DataFrame:
    """dataset, video_id, moments (distinct true moments among the frames looked at), motion (mean change of state per
    frame)."""
    tables = []
    for label, run in {dataset_label(run): run for run in found.runs()}.items():
        try:
            truth = found.truth(run)
        except NotRun:
            continue
        if not {"moment", "novelty"} <= set(truth):
            continue
        looked = {row.video_id: row.decisions[0]["frames"] for row in found.predictions(run).itertuples(index=False)}
        by_video = truth[truth.video_id.isin(looked)].sort_values("frame").groupby("video_id")
        rows = [
            (label, video, len(set(frames.moment.to_numpy()[looked[video]])), frames.novelty.iloc[1:].mean())
            for video, frames in by_video
        ]
        tables.append(pd.DataFrame(rows, columns=["dataset", "video_id", "moments", "motion"]))
    return (
        pd.concat(tables, ignore_index=True)
        if tables
        else pd.DataFrame(columns=["dataset", "video_id", "moments", "motion"])
    )


def tables(found: Any) -> Iterator[tuple[str, str, str, TidyTable]]:
    yield "implied-bins", TITLE, CAPTION, implied_bins()
    bins = bins_of(found)
    yield (
        "bins",
        "Bins kept per clip, and what they follow",
        "B' is the number of bins that hold a frame, hence of maps that later stages compute; sd and range over "
        "videos. Full bins hold more than the trace that the linear kernel leaves of the frame at the very edge. Rank "
        "correlations (Spearman, mean over seeds) with the true number of distinct moments among the frames looked at, "
        "and with the mean change per frame, where they are known.",
        _summary(bins, redundancy_of(found)),
    )
    for dataset, own in bins[bins.point == OWN].groupby("dataset", sort=False):
        yield (
            f"classes-{_name(str(dataset))}",
            f"Classes with the fewest and the most bins, {dataset}",
            "As the paper's Table 5: mean B' over a class's clips and all seeds.",
            _extremes(found, own),
        )


def _summary(bins: pd.DataFrame, redundancy: pd.DataFrame) -> TidyTable:
    rows = []
    for key, group in bins.groupby(list(SHOWN), sort=False):
        row: dict[str, Any] = dict(zip(SHOWN, key, strict=True))
        row |= {"bins": group.bins.mean(), "bins.sd": group.groupby("seed").bins.std().mean()}
        row |= {"bins.low": group.bins.min(), "bins.high": group.bins.max(), "full_bins": group.full.mean()}
        known = group.merge(redundancy, on=["dataset", "video_id"])
        for column in ("moments", "motion"):
            rhos = [_correlation(one.bins, one[column]) for _, one in known.groupby("seed")]
            row[f"follows.{column}"] = np.mean(rhos) if rhos and np.isfinite(rhos).all() else np.nan
        rows.append(row | {"seeds": group.seed.nunique()})
    return tidy(
        rows,
        [
            *(words(name.capitalize(), name) for name in SHOWN),
            Column("Mean B'", ("bins",), "significant"),
            Column("sd", ("bins.sd",), "significant"),
            Column("Range", ("bins.low", "bins.high"), "from_to"),
            Column("Full bins", ("full_bins",), "significant"),
            Column("Seeds", ("seeds",), "whole"),
            Column("Follows moments", ("follows.moments",), "two_decimals"),
            Column("Follows motion", ("follows.motion",), "two_decimals"),
        ],
    )


def _correlation(bins: pd.Series, other: pd.Series) -> float:
    """Spearman's: that of the ranks."""
    return float(bins.rank().corr(other.rank())) if bins.nunique() > 1 and other.nunique() > 1 else np.nan


def _extremes(found: Any, own: pd.DataFrame) -> TidyTable:
    rows = []
    for variant, group in own.groupby("variant", sort=False):
        run = next(
            run for run in found.runs() if (run["variant"], dataset_label(run)) == (variant, group.dataset.iloc[0])
        )
        index = found.index(run)
        heads = [name for name in ("action", "label", "verb") if name in index] or [index.columns[-1]]
        labels = index.set_index("video_id")[heads[0]]
        if labels.map(np.ndim).any():
            continue
        names = found.classes(run, heads[0])
        means = group.groupby(group.video_id.map(labels).astype(int)).bins.mean().sort_values()
        few = min(EXTREMES, len(means) // 2)
        for kind, part in (("fewest", means.iloc[:few]), ("most", means.iloc[::-1].iloc[:few])):
            row = {"variant": variant, "head": heads[0], "end": kind}
            for place, (number, value) in enumerate(part.items(), 1):
                row |= {f"class_{place}": names[number], f"class_{place}.bins": value}
            rows.append(row)
    pairs = tuple(f"class_{place}{what}" for place in range(1, EXTREMES + 1) for what in ("", ".bins"))
    return tidy(
        rows,
        [
            *(words("Variant", "variant"), words("Head", "head"), Column("Bins", ("end",))),
            Column("Classes", pairs, "listed_with_values", kind="long"),
        ],
    )


def figures(found: Any) -> Iterator[tuple[str, str, str, str, Figure]]:
    bins = bins_of(found)
    own = bins[bins.point == OWN]
    redundancy = redundancy_of(found)
    for dataset, group in own.groupby("dataset", sort=False):
        spread = "; ".join(
            f"{variant}: mean {one.bins.mean():.1f}, sd {one.bins.std():.1f}"
            for variant, one in group.groupby("variant")
        )
        yield (
            f"histogram-{_name(str(dataset))}",
            f"Bins kept, {dataset}",
            "As the paper's Figure 3: clips by number of active bins, in percent. Embeddings without structure keep "
            "half of the bins, too; what adapts must spread.",
            f"Histogram of active bins on {dataset}. {spread}.",
            _histogram(group),
        )
        known = group.merge(redundancy, on=["dataset", "video_id"])
        if known.moments.nunique() > 1:
            yield (
                f"moments-{_name(str(dataset))}",
                f"Bins against true moments, {dataset}",
                "Mean active bins of videos by their number of distinct true moments among the frames looked at; bars "
                "are the standard deviation over videos. On the dotted line a network keeps one map for each moment.",
                f"Active bins against distinct moments on {dataset}: "
                + "; ".join(
                    f"{variant} rises by {_slope(one):.2f} bins a moment" for variant, one in known.groupby("variant")
                ),
                _against_moments(known),
            )


def _histogram(group: pd.DataFrame) -> Figure:
    figure = Figure(figsize=(WIDTH, 3.2), layout="constrained")
    axes = figure.subplots()
    edges = np.arange(0.5, np.ceil(group.bins.max()) + 1.5)
    for colour, (variant, one) in zip(PALETTE, group.groupby("variant", sort=False), strict=False):
        share = 100 * np.histogram(one.bins, edges)[0] / len(one)
        axes.stairs(share, edges, color=colour, label=str(variant), linewidth=1.6)
    axes.set(xlabel="active bins B'", ylabel="clips (%)", xlim=(edges[0], edges[-1]))
    figure.legend(loc="outside upper left", frameon=False, ncols=2, fontsize=8)
    return figure


def _against_moments(known: pd.DataFrame) -> Figure:
    figure = Figure(figsize=(WIDTH, 3.4), layout="constrained")
    axes = figure.subplots()
    limit = known.moments.max() + 1
    axes.plot([1, limit], [1, limit], color=MUTED, linestyle=":", linewidth=1)
    for number, (colour, (variant, one)) in enumerate(zip(PALETTE, known.groupby("variant", sort=False), strict=False)):
        by = one.groupby(pd.cut(one.moments, np.linspace(0.5, limit, 7)), observed=True)
        middle, mean, spread = by.moments.mean(), by.bins.mean(), by.bins.std().fillna(0)
        axes.errorbar(
            middle + 0.08 * number,
            mean,
            spread,
            color=colour,
            label=str(variant),
            linewidth=1.4,
            elinewidth=0.7,
            marker="o",
            ms=3,
        )
    axes.set(xlabel="distinct true moments among the frames", ylabel="active bins B'")
    axes.tick_params(colors=INK)
    figure.legend(loc="outside upper left", frameon=False, ncols=2, fontsize=8)
    return figure


def _slope(one: pd.DataFrame) -> float:
    return float(np.polyfit(one.moments, one.bins, 1)[0])


def _name(dataset: str) -> str:
    return dataset.replace("@", "-").replace(".", "-").replace("_", "-")
