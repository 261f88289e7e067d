"""What the temporal samplers show (Sec. III-C, III-D): what they decide and where, how well attention is foreseen (Fig.
9), which term of the loss moves them, and ways through videos (Fig. 12). No torch."""

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from saccade.report.tidy import Column, TidyTable, interval, tidy, words
from saccade.results.reader import NotRun

from . import drawing, drawing_times, times
from .decisions import KEYS, MAPS

NAMED = (words("Dataset", "dataset"), words("Variant", "variant"))
LOSSES = {"code": "the official code's", "paper": "the paper's"}
ROUNDING = 1e-6  # of the largest term: a gradient as short as that is none
RULE = (
    "By name the first video of the test split that is recognised, and the first that isn't, among those whose maps "
    "were kept (one in 64 by the hash of its name)."
)


def tables(found: Any) -> Iterator[tuple[str, str, str, TidyTable]]:
    rows = times.decided(found)
    yield (
        "decisions",
        "What the temporal samplers decide",
        "Of each run over the test split: how often each decision is made where a frame was pre-scanned (0: it is "
        "seen in full; m: it isn't, and the m - 1 behind it aren't looked at), beside equal use; the code's loss "
        "counts a decision as often as frames stand under it, so that long skips are made less often. Then what "
        "becomes of the frames, the first included, and SSIM of attention and what was expected of it. Likeliest: as "
        "the paper decides at test time. Drawn: as the official code does; mean over the drawings, ±: their sample "
        "standard deviation.",
        _decisions_table(times.uses(rows[rows.point != MAPS])),
    )
    yield (
        "full-frames",
        "Which frames are seen in full",
        "The share of the frames seen in full, among those offered but the first, which always is: of all, which is "
        "what a sampler reaches that doesn't look; where the digit shows (informative) and where it doesn't; where, "
        f"since the frame offered before, something surprising came (the state is more than {times.SURPRISING} object "
        "sizes from what constant velocity predicts, once at least), and where all stood still. Likeliest decisions, "
        "mean over seeds, ±: sample standard deviation.",
        _full_table(times.on_frames(found, times.own(rows))),
    )
    yield (
        "foreseen",
        "How well attention is foreseen",
        "SSIM, over all channels, of attention with what the hallucinator expected of it, beside two guesses that "
        "need no network: the map of the frame looked at before (copied), and that map moved on by the step of at "
        "most a cell in each axis that it had moved last (shifted; edges repeat). On all frames looked at but the "
        "first, by what happened since the frame looked at before: all stood still; something surprising came, as "
        "above; neither (predictable). Likeliest decisions, mean over seeds.",
        _foreseen_table(times.foreseen(found, rows)),
    )
    yield (
        "pushes",
        "Which term of the loss moves the temporal sampler",
        "How long the gradient of each term is, as it is weighed in the loss, by the temporal sampler's weights: "
        "mean over four training batches before and after the training, and over seeds. The official code's "
        "efficiency loss has no gradient; less than a millionth of the largest term is the rounding of sums, and "
        "said to be 0.",
        _pushes_table(times.pushes(found)),
    )


def _decisions_table(uses: pd.DataFrame) -> TidyTable:
    lines = []
    for key, one in uses.groupby([*KEYS, "drawn", "most"], sort=False):
        line: dict[str, Any] = dict(zip([*KEYS, "drawn", "most"], key, strict=True))
        by = f"drawn, {len(one)}" if line.pop("drawn") else "likeliest"
        line |= {"by": by, "even": 1 / (line["most"] + 1)}
        numbers = [f"share.{m}" for m in range(line["most"] + 1)] + list(times.FATES)
        line |= {name: one[name].mean() for name in numbers}
        line |= {f"{name}.sd": one[name].std() for name in numbers if len(one) > 1}
        lines.append(line | {"similarity": one.similarity.mean(), "similarity.sd": one.similarity.std()})
    most = max((line["most"] for line in lines), default=0)
    return tidy(
        lines,
        [
            *(*NAMED, Column("Seed", ("seed",), "whole"), words("Decisions", "by")),
            *(interval(f"{m} (%)", f"share.{m}") for m in range(most + 1)),
            Column("Equal use (%)", ("even",), "percent"),
            interval("Full (%)", "full"),
            interval("Pre-scanned (%)", "scanned"),
            interval("Skipped (%)", "skipped"),
            Column("SSIM", ("similarity",), "significant"),
        ],
    )


def _full_table(frames: pd.DataFrame) -> TidyTable:
    kinds = ("all", "informative", "other", "surprising", "still")
    seeds = []
    for key, one in frames.groupby(KEYS, sort=False):
        among = {"all": one, "informative": one[one.informative], "other": one[~one.informative]}
        among |= {"surprising": one[one.surprising], "still": one[one.still]}
        shares = {kind: some.full.mean() for kind, some in among.items()}
        seeds.append(dict(zip(KEYS, key, strict=True)) | shares)
    headings = ("All (%)", "Informative (%)", "Not (%)", "Surprising (%)", "Still (%)")
    return tidy(
        _over_seeds(seeds, kinds),
        [*NAMED, *map(interval, headings, kinds), Column("Seeds", ("seeds",), "whole")],
    ).without_empty()


def _foreseen_table(frames: pd.DataFrame) -> TidyTable:
    lines = []
    for (dataset, variant), one in frames.groupby(["dataset", "variant"], sort=False):
        for stretch in times.STRETCHES:
            some = one if stretch == "all" else one[one.stretch == stretch]
            if len(some):
                means = some.groupby("seed")[list(times.GUESSES)].mean().mean()
                line = {"dataset": dataset, "variant": variant, "stretch": stretch, "frames": len(some)}
                lines.append(line | dict(means) | {"seeds": some.seed.nunique()})
    return tidy(
        lines,
        [
            *(*NAMED, words("Frames", "stretch"), Column("Number", ("frames",), "whole")),
            Column("Hallucinator", ("similarity",), "four_digits"),
            Column("Copied", ("copied",), "four_digits"),
            Column("Shifted", ("shifted",), "four_digits"),
            Column("Seeds", ("seeds",), "whole"),
        ],
    )


def _pushes_table(pushes: pd.DataFrame) -> TidyTable:
    terms = list(times.TERMS)
    largest = pushes[terms].max(axis=1)
    clear = pushes[terms].where(pushes[terms].isna() | pushes[terms].ge(ROUNDING * largest, axis=0), 0.0)
    lines = []
    for key, one in pushes.assign(**clear).groupby(["dataset", "variant", "loss", "when"], sort=False):
        line: dict[str, Any] = dict(zip(["dataset", "variant", "loss", "when"], key, strict=True))
        line["loss"] = LOSSES[line["loss"]]
        line["when"] = {"first": "before", "last": "after"}[line["when"]]
        lines.append(line | dict(one[terms].mean()) | {"seeds": one.seed.nunique()})
    return tidy(
        lines,
        [
            *(*NAMED, words("Efficiency loss", "loss"), words("Training", "when")),
            Column("Classes", ("classes",), "significant"),
            Column("Equal use", ("usage",), "significant"),
            Column("Efficiency", ("efficiency",), "significant"),
            Column("Seeds", ("seeds",), "whole"),
        ],
    ).without_empty()


def _over_seeds(rows: list[dict[str, Any]], names: Sequence[str]) -> list[dict[str, Any]]:
    """Mean and sample standard deviation of these columns, by dataset and variant."""
    lines = []
    for (dataset, variant), one in pd.DataFrame(rows, columns=[*KEYS, *names]).groupby(KEYS[:2], sort=False):
        line = {"dataset": dataset, "variant": variant, "seeds": one.seed.nunique()}
        lines.append(
            line | {name: one[name].mean() for name in names} | {f"{name}.sd": one[name].std() for name in names}
        )
    return lines


def figures(found: Any) -> Iterator[tuple[str, str, str, str, Figure]]:
    rows = times.decided(found)
    for dataset, some in rows[rows.point != MAPS].groupby("dataset", sort=False):
        uses = times.uses(some)
        yield (
            f"decisions-{file_name(dataset)}",
            f"Decisions of the temporal samplers, {dataset}",
            "How often each decision is made where a frame was pre-scanned, by variant. 0: the frame is seen in "
            "full; m: it isn't, and the m - 1 behind it aren't looked at. Bars: the likeliest decision, mean over "
            "seeds (dots). Diamonds: drawn, mean over seeds and drawings, and their sample standard deviation. "
            "Dashed: equal use.",
            f"Decisions on {dataset}, the likeliest: {drawing_times.told_decisions(uses)}",
            drawing_times.draw_decisions(uses),
        )
    for dataset, some in rows[rows.copied.notna()].groupby("dataset", sort=False):
        for name, draw in (("foreseen", _foreseen_figure), ("ways", _ways_figure)):
            one = _one(some, last=name == "ways")
            try:
                videos = list(times.traced(found, one))
            except NotRun:  # the videos are gone; those of another dataset may be there
                continue
            if videos:
                who = f"{one.variant.iloc[0]}, seed {one.seed.iloc[0]}"
                title, caption, alt, figure = draw(videos, who, str(dataset))
                yield f"{name}-{file_name(dataset)}", title, caption, alt, figure


def _foreseen_figure(videos: Sequence[times.Traced], who: str, dataset: str) -> tuple[str, str, str, Figure]:
    return (
        f"Attention and what was expected of it, {dataset}",
        f"As the paper's Figure 9, {who}: the frames looked at in order, their attention, and what the hallucinator "
        "had expected of it, with minus SSIM of the two over all channels (−1: alike). Maps are means over channels; "
        f"those of a video have one scale. Nothing is expected of a first frame. {RULE}",
        f"Minus SSIM on {dataset}. {drawing_times.told_foreseen(videos)}",
        drawing_times.draw_foreseen(videos),
    )


def _ways_figure(videos: Sequence[times.Traced], who: str, dataset: str) -> tuple[str, str, str, Figure]:
    boxes = max((len(some) for video in videos for some in video.boxes.values()), default=0)
    crops = f" with their crops. {drawing.slots(boxes)}" if boxes else "."
    return (
        f"Ways through videos, {dataset}",
        f"As the paper's Figure 12, {who}, likeliest decisions: all frames offered, in order. Red edge: seen in "
        f"full{crops} Green edge: pre-scanned only. Pale: not looked at. Below them attention and what was expected "
        f"of it, where there is any, means over channels; maps of a video have one scale. {RULE}",
        f"What became of the frames on {dataset}. {drawing_times.told_ways(videos)}",
        drawing_times.draw_ways(videos),
    )


def _one(rows: pd.DataFrame, last: bool) -> pd.DataFrame:
    """Those of one variant's first seed: of the variant that may leave out fewest frames and crops least; or of those
    that pre-scan some frames only and leave some out, where there are any, of the one that may leave out and crops
    most."""
    rows = rows[rows.seed == rows.groupby("variant").seed.transform("min")]
    keys = ["most", "regions"]
    if last:
        does = rows[["scanned", "skipped"]].map(len).gt(0).groupby(rows.variant).transform("any").all(axis=1)
        rows, keys = rows.assign(does=does), ["does", *keys]
    order = rows[keys].apply(tuple, axis=1)
    rows = rows[order == (order.max() if last else order.min())]
    return rows[rows.variant == rows.variant.iloc[0]]


def file_name(text: str) -> str:
    return text.replace("@", "-").replace(".", "-").replace("_", "-").lower()
