"""What the printed costs pin down: Table 1 with what each stage costs in each network that has about the cost printed,
these networks beside each other, and what 52.3 may be made of. No torch: what was counted with it (count_presets.py)
stands in presets.csv and spatial.csv.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from saccade.cost.printed import read_reported
from saccade.plan.layers import resolve
from saccade.plan.runs import Run
from saccade.report.tidy import Column, TidyTable, sentences, tidy, words

HERE = Path(__file__).parent
KERNELS = {
    "factorised": "1x3x3 and 3x1x1 in turn",
    "dilated": "1x3x3, dilated ones 3x1x1",
    "depthwise": "1x3x3 and depthwise 3x1x1 in turn",
    "shift": "1x3x3, every second one behind a shift",
    "full": "1x3x3, dilated ones 3x3x3",
}
# What speaks for each network and what against it. A stage's pairs of convolutions are Table 1's.
REASONS = {
    "P1": (
        "only second convolutions of a pair are dilated in Table 1, and here they are the ones in time; a dilation in "
        "time needs a kernel in time; every frame has a map, as Sec. 2.1 wants",
        "of all these the furthest from print; smaller maps than DenseNAS has at these widths",
    ),
    "P1b": (
        "as P1, and Table 1 shows no shortcut",
        "as P1; deep networks without shortcuts are known to learn worse, and the authors' paper on this network "
        "speaks of residual stages",
    ),
    "P2": (
        "only what Table 1 calls dilated differs from what it calls a convolution",
        "stages 1 to 3 see single frames, and all dilated convolutions lose their kernel in space",
    ),
    "P2b": ("as P2, and the nearest to print", "as P2 and P1b"),
    "P3": (
        "the strides of DenseNAS, which has these widths; every frame has a map",
        "nothing printed speaks of depthwise convolutions",
    ),
    "P4": (
        "the strides of DenseNAS; all convolutions of a stage alike, as Table 1 looks",
        "a shift is no dilated convolution; 4 of 16 frames have a map; the dilation of 4 in stage 5 reaches past the 4 "
        "frames that are left",
    ),
    "P5": (
        "the strides of DenseNAS; a dilated convolution in its usual sense",
        "4 of 16 frames have a map; dilations of 4 reach past the 4 frames that are left, so that their kernels read "
        "single frames",
    ),
}
WITH = {
    "counted": "counted here",
    "otherwise": "made or counted otherwise",
    "behind": "a convolution behind each new video, as S3N has one for images",
    "pass": "one pass more",
}


def tables() -> list[tuple[str, str, str, TidyTable]]:
    """As `tables` of a findings.py. They are of print and of networks, not of any run."""
    return [
        (
            "stages",
            "Table 1 with its cost",
            "GMACs of a view of 16 frames of 224 x 224, counted, stage by stage, in each network that has about the "
            "printed cost; the last row is the whole, with a classifier of 101 classes. Dilation changes no cost. The "
            "same in every budget; no run of ours is in it.",
            stages(),
        ),
        (
            "presets",
            "Networks that Table 1 and 15.78 allow",
            "P1 is the default. Maps: sides in pixels that stages 1 to 7 give, of 16 frames but where said. Parameters "
            "with 101 classes. Shortcuts are 1x1x1 convolutions where sizes change. To print: how far the cost is from "
            "15.78. Cost alone can't choose: it comes out within a percent with from 9 to 31 million parameters.",
            presets(),
        ),
        (
            "spatial-cost",
            "What 52.3 may be made of",
            "GMACs of a view with spatial attention: first what ours executes, then what would come on top if it were "
            "made as published, or counted otherwise, or done beside. Sum: of the rows counted so far; further below, "
            "ours with that row alone. S3N: the method for images that spatial attention is built on.",
            spatial_cost(),
        ),
    ]


def stages() -> TidyTable:
    counted = pd.read_csv(HERE / "presets.csv").pivot(index="part", columns="preset", values="gmacs")
    lines: list[dict[str, Any]] = [{"part": stage, **said} | counted.loc[stage].to_dict() for stage, said in _layers()]
    lines += [
        {"part": "Classifier"} | counted.loc["Classifier"].to_dict(),
        {"part": "A view"} | counted.sum().to_dict(),
    ]
    return tidy(
        lines,
        [
            *(words(heading, name, empty="") for heading, name in (("Part", "part"), ("Channels", "channels"))),
            Column("Convolutions", ("convolutions",), "whole", empty=""),
            words("Dilated in time", "dilated", empty=""),
            *(Column(preset, (preset,), "two_decimals") for preset in REASONS),
        ],
    )


def _layers() -> Iterator[tuple[str, dict[str, Any]]]:
    """Of each stage of Table 1: `channels` given and made, number of `convolutions`, which are `dilated` by what."""
    reported = read_reported(HERE / "reported.csv")
    table = reported[reported["row"].str.startswith("Stage")].pivot(index="row", columns="column", values="value")
    place = table.index.str.extract(r"(Stage \d+), convolution (\d+)").set_axis(["stage", "number"], axis=1)
    layers = table.reset_index(drop=True).astype(int).assign(stage=place.stage, number=place.number.astype(int))
    for stage, rows in layers.sort_values("number").groupby("stage"):
        dilated = [f"{one.number}th by {one.Dilation}" for one in rows.itertuples() if one.Dilation > 1]
        channels = f"{rows.In.iloc[0]} to {rows.Out.iloc[0]}"
        yield str(stage), {"channels": channels, "convolutions": len(rows), "dilated": ", ".join(dilated)}


def presets() -> TidyTable:
    counted = pd.read_csv(HERE / "presets.csv")
    lines = [_preset(str(name), parts) for name, parts in counted.groupby("preset", sort=False)]
    return tidy(
        lines,
        [
            words("Preset", "preset"),
            words("Variant", "variant"),
            words("Convolutions", "kernels"),
            words("Maps", "maps"),
            words("Shortcuts", "shortcuts"),
            Column("GMACs", ("gmacs",), "two_decimals"),
            Column("To print", ("apart",), "signed_percent"),
            Column("Parameters (M)", ("parameters",), "two_decimals"),
            sentences("For it", "speaks_for"),
            sentences("Against it", "against"),
        ],
    )


def _preset(name: str, parts: pd.DataFrame) -> dict[str, Any]:
    variant, gmacs, inner = parts.variant.iloc[0], parts.gmacs.sum(), parts[parts.part != "Classifier"]
    settings = resolve(HERE.parents[2], Run("paper", "ucf101", "", "tcnn", variant, 0)).typed
    printed = read_reported(HERE / "reported.csv").set_index(["table", "row", "column"])["value"]
    stem = "" if settings.stem == "1x3x3" else f"; the first {settings.stem}"
    frames = f"; frames {', '.join(map(str, inner.frames))}" if inner.frames.nunique() > 1 else ""
    return {
        "preset": name,
        "variant": variant,
        "kernels": KERNELS[settings.kernels] + stem,
        "maps": ", ".join(map(str, inner.side)) + frames,
        "shortcuts": "yes" if settings.shortcut == "projection" else "no",
        "gmacs": gmacs,
        "apart": gmacs / printed["Table 2", "T-CNN", "GFLOPs"] - 1,
        "parameters": parts.parameters.sum(),
        "speaks_for": REASONS[name][0],
        "against": REASONS[name][1],
    }


def spatial_cost() -> TidyTable:
    lines = pd.read_csv(HERE / "spatial.csv")
    printed = read_reported(HERE / "reported.csv").set_index(["table", "row", "column"])["value"]
    counted = lines.kind == "counted"
    ours = lines.gmacs[counted].sum()
    lines["sum"] = lines.gmacs.cumsum().where(counted, ours + lines.gmacs)
    lines["share"] = lines["sum"] / printed["Table 2", "T-CNN + spatial", "GFLOPs"]
    return tidy(
        lines.assign(kind=lines.kind.map(WITH)).to_dict("records"),
        [
            *(words(heading, name) for heading, name in (("How", "kind"), ("Part", "part"))),
            Column("GMACs", ("gmacs",), "significant"),
            Column("Sum", ("sum",), "two_decimals"),
            Column("Of print (%)", ("share",), "percent"),
        ],
    )
