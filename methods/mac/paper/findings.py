"""What only this method shows: what SAN19 costs by size and by layer (Fig. 3, 13), what the temporal samplers save,
where the crops lie and what they are worth beside others, crops and attention on frames (Fig. 5, 8, 11), and
`findings_times`. No torch."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from saccade.report.tidy import Column, TidyTable, interval, tidy, words
from saccade.results.reader import NotRun

from . import drawing, findings_times
from .decisions import EXAMPLES, FRAMES, compared, concentration, habits, kept_maps, looked, mapped, watched
from .findings_times import file_name
from .sizes import LOW, listed_until, san19, whole_san19
from .speed_ups import speed_up_table

SIDES = tuple(range(32, 257, 16))  # of the frames that Figure 3 is drawn over
MARKS = (224, 112, 64)  # those that it highlights
NAMED = (words("Dataset", "dataset"), words("Variant", "variant"))
RULE = (
    "By the authors' rule: convolutions by multiply-adds, an add for each bias, normalisation 2 an element, ReLU 1, "
    "pooling 1 an element that it is given; nothing for attention's products."
)
# what stands where the crops lie, in the order of the table
LOOKS = ("learned", "oracle", "random", "central", "uniform")


def tables(found: Any) -> Iterator[tuple[str, str, str, TidyTable]]:
    return _there(_tables(found), findings_times.tables(found))


def figures(found: Any) -> Iterator[tuple[str, str, str, str, Figure]]:
    return _there(_figures(found), findings_times.figures(found))


def _there(*parts: Iterator[Any]) -> Iterator[Any]:
    """Of each part what comes before the first that lacks a piece."""
    for made in parts:
        with suppress(NotRun):
            yield from made


def _tables(found: Any) -> Iterator[tuple[str, str, str, TidyTable]]:
    yield (
        "sizes",
        "What SAN19 costs by the frame's side",
        f"The numbers behind the paper's Figure 3, which prints none; the same in every budget. {RULE} Ours: all "
        "products, those of attention too, and no adds.",
        _sizes_table(),
    )
    yield speed_up_table(found)
    scores = compared(found)
    yield (
        "beside",
        "Crops where attention is, and other crops",
        "S_k with learned crops beside others of the same number and size, each with its own heads; mean over seeds, "
        "±: sample standard deviation. No crops: the same without any. Hit: frames on which one of the crops holds the "
        "target's middle, where it informs and is to be seen; beside it what as many random crops expect, the one in "
        "the middle, and the best places that don't depend on the video.",
        _beside_table(scores),
    )
    rows = looked(found)
    yield (
        "crops",
        "Where the crops lie",
        "Over the test split, mean over seeds. Fall-back: frames whose attention had no region, so that the crops lie "
        "in the middle. Distinct: different crops of a frame; where a frame has fewer regions than crops, its last one "
        "is taken again. Move: how far a slot's crop goes from one frame to the next, in sides of the frame. Most "
        "frequent: the share of the place chosen most often. The same: of attention's variance over its cells, the "
        "share that is the same on every frame and so can't follow anything; even attention adds up to more in the "
        "middle than at the edge.",
        _crops_table(rows),
    )
    yield (
        "layers",
        "How concentrated attention is, by layer",
        "Of the frames whose attention was kept at every layer, mean over frames and seeds: the least share of the "
        "cells that holds half of all attention; 50 % where it is even. Concise attention needs fewer.",
        _layers_table(concentration(kept_maps(found))),
    )


def _sizes_table() -> TidyTable:
    costs = [(side, whole_san19(side)) for side in sorted({*MARKS, *SIDES[2::4]}, reverse=True)]
    return tidy(
        [{"side": side, "printed": cost.printed / 1e9, "ours": cost.ours / 1e9} for side, cost in costs],
        [
            Column("Side (pixels)", ("side",), "whole"),
            Column("GMACs, authors' rule", ("printed",), "four_digits"),
            Column("GMACs, ours", ("ours",), "four_digits"),
        ],
    )


def _beside_table(scores: pd.DataFrame) -> TidyTable:
    said = scores.assign(
        crops=scores.settings.map(lambda settings: settings["regions"]),
        look=scores.settings.map(lambda settings: settings["look"] if settings["regions"] else "no crops"),
        head_kind=scores.settings.map(lambda settings: settings["fusion"]),
    )
    order = {name: number for number, name in enumerate(LOOKS)}
    said = said.sort_values(
        ["dataset", "head", "crops", "look"], key=lambda column: column.replace(order), kind="stable"
    )
    lines = []
    for (dataset, head, variant), one in said.groupby(["dataset", "head", "variant"], sort=False):
        line = {"dataset": dataset, "head": head, "variant": variant, "seeds": one.seed.nunique()}
        line |= {name: one[name].iloc[0] for name in ("crops", "look", "head_kind")}
        line |= {"gmacs": one.gmacs.mean(), "top1": one.top1.mean(), "top1.sd": one.top1.std()}
        lines.append(line | {name: one[name].mean() for name in one if str(name).startswith("hit")})
    return tidy(
        lines,
        [
            *(words("Dataset", "dataset"), words("Head", "head"), Column("Crops", ("crops",), "whole")),
            *(words("Look", "look"), words("Variant", "variant"), words("Fusion", "head_kind")),
            *(Column("GMACs", ("gmacs",), "significant"), interval("top-1", "top1")),
            Column("Hit (%)", ("hit",), "percent"),
            Column("Random (%)", ("hit.chance_random",), "percent"),
            Column("Centre (%)", ("hit.chance_centre",), "percent"),
            Column("Fixed (%)", ("hit.chance_fixed",), "percent"),
            Column("Seeds", ("seeds",), "whole"),
        ],
    ).without_empty()


def _crops_table(rows: pd.DataFrame) -> TidyTable:
    lines = []
    for (dataset, variant), group in rows.groupby(["dataset", "variant"], sort=False):
        one = pd.DataFrame([habits(seed) for _, seed in group.groupby("seed")]).mean()
        lines.append({"dataset": dataset, "variant": variant, **one, "seeds": group.seed.nunique()})
    return tidy(
        lines,
        [
            *NAMED,
            Column("Fall-back (%)", ("fallback",), "percent"),
            Column("Distinct", ("distinct", "crops"), "out_of"),
            Column("Move", ("move",), "significant"),
            Column("Most frequent (%)", ("frequent",), "percent"),
            Column("The same (%)", ("same",), "percent"),
            Column("Seeds", ("seeds",), "whole"),
        ],
    )


def _layers_table(rows: pd.DataFrame) -> TidyTable:
    firsts = [one[one.variant == one.variant.iloc[0]] for _, one in rows.groupby("dataset", sort=False)]
    rows = pd.concat(firsts)  # networks at low resolution are the same in all variants
    lines = [
        {"dataset": dataset, "variant": variant, "layer": layer, "cells": one.cells.iloc[0]}
        | {"half": one.half.mean(), "frames": len(one)}
        for (dataset, variant, layer), one in rows.groupby(["dataset", "variant", "layer"], sort=False)
    ]
    return tidy(
        lines,
        [
            *(*NAMED, words("Layer", "layer"), Column("Cells", ("cells",), "whole")),
            *(Column("Half in (%)", ("half",), "percent"), Column("Frames", ("frames",), "whole")),
        ],
    )


def _figures(found: Any) -> Iterator[tuple[str, str, str, str, Figure]]:
    yield _side_figure()
    yield _depth_figure()
    rows = looked(found)
    own = rows[rows.settings.map(lambda settings: settings["look"] == "learned")]
    for dataset, some in own.groupby("dataset", sort=False):
        most = max(some.settings.map(lambda settings: settings["regions"]))
        best = some[some.settings.map(lambda settings: settings["regions"]) == most]
        one = _first(best)
        try:
            videos = list(watched(found, one))
        except NotRun:  # the videos are gone; those of another dataset may be there
            continue
        yield (
            f"crops-{file_name(dataset)}",
            f"Crops on frames, {dataset}",
            f"As the paper's Figure 8, {one.variant.iloc[0]}, seed {one.seed.iloc[0]}: frames with their crops, and "
            f"below them the attention that chose these. {drawing.slots(most)} Dashed in white: the target, where the "
            "ground truth is known, it informs and is to be seen. All maps have one scale. At most "
            f"{FRAMES} of the frames looked at, in order. The videos are chosen by a rule: by name the first "
            f"{EXAMPLES} of the test split that are recognised, and the first {EXAMPLES} that aren't.",
            f"Frames of {len(videos)} videos of {dataset} with crops, and attention. {drawing.told_crops(videos)}",
            drawing.draw_crops(videos),
        )
    for dataset, some in kept_maps(found).groupby("dataset", sort=False):
        one = _first(some)
        try:
            kept = list(mapped(found, one))
        except NotRun:
            continue
        who = f"{one.variant.iloc[0]}, seed {one.seed.iloc[0]}"
        rule = (
            "By name the first video of the test split that is recognised, and the first that isn't, among those whose "
            "attention was kept (one in 64 by the hash of its name)."
        )
        yield (
            f"layers-{file_name(dataset)}",
            f"Attention of every layer, {dataset}",
            f"As the paper's Figure 11, {who}: what the local attention of each block adds up to, averaged over "
            f"channels, drawn bilinearly; each map has its own scale, written below its name. {rule}",
            f"Attention of the blocks on {dataset}. {drawing.told_layers(kept)}",
            drawing.draw_layers(kept),
        )
        yield (
            f"local-{file_name(dataset)}",
            f"Local and added-up attention, {dataset}",
            f"As the paper's Figure 5, {who}, of the layer whose attention chooses the crops: the frame, what all "
            f"local attention adds up to, and local attention at single cells (framed), where these see. {rule}",
            f"Local attention on {dataset}: {'; '.join(one.of.words for one in kept)}.",
            drawing.draw_local(kept),
        )


def _side_figure() -> tuple[str, str, str, str, Figure]:
    curve = [(side, whole_san19(side).printed / 1e9) for side in SIDES]
    marks = [(side, whole_san19(side).printed / 1e9) for side in MARKS]
    said = ", ".join(f"{value:.3f} at {side}" for side, value in marks)
    return (
        "cost-by-size",
        "What SAN19 costs by the frame's side",
        f"The paper's Figure 3, counted from the layers' sizes; the same in every budget. {RULE} Marked: the sides of "
        f"the whole frame, of the frame at low resolution and of a crop. {said} GMACs.",
        f"GMACs of SAN19 over the side of its input, rising with its square: {said}.",
        drawing.draw_sides(curve, marks),
    )


def _depth_figure() -> tuple[str, str, str, str, Figure]:
    layers = [(name, cost.printed / 1e9) for name, cost in san19(LOW)]
    sums = pd.Series(dict(layers)).cumsum()
    read, whole = sums["layer3.0"], sums.iloc[-1]
    return (
        "cost-by-layer",
        "What SAN19 costs up to each layer",
        f"The paper's Figure 13, for a frame of {LOW} x {LOW}, counted from the layers' sizes in the order in which "
        f"they run; the same in every budget. {RULE} Up to and with layer3.0, whose attention is read, it's {read:.4f} "
        f"of {whole:.4f} GMACs, {100 * read / whole:.1f} %. The authors' code lists poolings and the ReLUs between "
        f"stages last, so that its sum there is {listed_until(LOW, 3, 0) / 1e9:.4f}.",
        f"Accumulated GMACs of SAN19 at {LOW} pixels by block, {read:.4f} with layer3.0 and {whole:.4f} in all.",
        drawing.draw_depth(sums, "layer3.0"),
    )


def _first(rows: pd.DataFrame) -> pd.DataFrame:
    """Those of the first variant, and of its first seed."""
    rows = rows[rows.variant == rows.variant.iloc[0]]
    return rows[rows.seed == rows.seed.min()]
