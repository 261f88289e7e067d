"""ATFR's tables: our count of each printed complexity cell, on the meta device.

A static network's cost follows from its layers. With ATFR it is a line a + b B' over the maps that sampling leaves, and
B' follows from what a trained network decides, which can't be counted without its weights and the videos. So `ours` has
there what decides nothing: the bins that embeddings without structure keep (the null model). Sizes are those of the
operating point that answers the row in paper.yml.
"""

from dataclasses import replace
from math import floor
from pathlib import Path

from saccade.cost.printed import KEY, NULL_MODEL, PARAMETERS, CountedCell, is_complexity, read_reported

from .pricing import (
    Network,
    attention_gmacs,
    gmacs,
    implied_bins,
    in_step,
    million_parameters,
    normalised_giga,
    null_bins,
    sampling_gmacs,
    sampling_million_parameters,
    static_gmacs,
    terms,
)

CLASSES = {
    "minikinetics": 200,
    "kinetics400": 400,
    "kinetics600": 600,
    "something-v2": 174,
    "ucf101": 101,
    "hmdb51": 51,
}

THIN18, THIN50 = Network("3dresnet18", 32, 224), Network("3dresnet50", 32, 256)
C2D18, C2D50, I3D50 = Network("c2d-r18", 32, 224), Network("c2d-r50", 32, 256), Network("i3d-r50", 32, 256)
X3D_S, X3D_M = Network("x3d-s", 13, 160), Network("x3d-m", 16, 256)
X3D_L, X3D_L356 = Network("x3d-l", 16, 312), Network("x3d-l", 16, 356)
X3D_XL, X3D_XL356 = Network("x3d-xl", 16, 312), Network("x3d-xl", 16, 356)
SLOWFAST18, SLOWFAST50 = Network("slowfast-8x8-r18", 32, 224), Network("slowfast-8x8-r50", 32, 256)
R2PLUS1D = Network("r2plus1d-r50", 32, 256)
SLOWFAST4X16, SLOWFAST64 = Network("slowfast-4x16-r50", 32, 256), Network("slowfast-8x8-r50", 64, 256, block=8)

STATIC = {
    ("Table 4", "SlowFast-8x8-ResNet18, 32 frames"): SLOWFAST18,
    ("Table 4", "SlowFast-8x8-ResNet18, 64 frames"): replace(SLOWFAST18, frames=64),
    ("Table 4", "R(2+1)D, 32 frames"): C2D18,
    ("Table 4", "R(2+1)D, 64 frames"): replace(C2D18, frames=64),
    ("Table 6", "No SGS"): X3D_S,
    ("Table 7", "SlowFast 8x8, ResNet18"): replace(SLOWFAST18, size=256),
    ("Table 7", "SlowFast 8x8, ResNet50"): SLOWFAST50,
    ("Table 7", "R(2+1)D, ResNet50"): C2D50,
    ("Table 7", "I3D, ResNet50"): I3D50,
    ("Table 7", "X3D-S"): X3D_S,
    ("Table 7", "3DResNet, ResNet50"): THIN50,
    ("Table 8", "X3D-L, 10 views"): X3D_L,
    ("Table 8", "X3D-L, 30 views"): X3D_L356,
    ("Table 8", "SlowFast 4x16, R50"): SLOWFAST4X16,
    ("Table 8", "X3D-S, 10 views"): X3D_S,
    ("Table 8", "X3D-XL, 10 views"): X3D_XL,
    ("Table 8", "X3D-XL, 30 views"): X3D_XL356,
    ("Table 9", "SlowFast 4x16, R50"): SLOWFAST4X16,
    ("Table 9", "X3D-M"): X3D_M,
    ("Table 9", "X3D-XL"): X3D_XL356,
    ("Table 10", "SlowFast-R50"): SLOWFAST64,
    ("Table A.6", "X3D-S"): X3D_S,
    ("Table A.6", "X3D-S+Temporal Attention"): X3D_S,
}
SAMPLED = {
    ("Table 4", "R(2+1)D+ATFR, 32 frames"): C2D18,
    ("Table 4", "R(2+1)D+ATFR, 64 frames"): replace(C2D18, frames=64),
    ("Table 4", "3DResNet-18+ATFR, 32 frames"): THIN18,
    ("Table 4", "3DResNet-18+ATFR, 64 frames"): replace(THIN18, frames=64),
    ("Table 6", "First Conv"): replace(X3D_S, placement="conv1"),
    ("Table 6", "Res2"): X3D_S,
    ("Table 6", "Res3"): replace(X3D_S, placement="res3"),
    ("Table 7", "R(2+1)D+ATFR, ResNet50"): C2D50,
    ("Table 7", "I3D+ATFR, ResNet50"): I3D50,
    ("Table 7", "X3D-S+ATFR"): X3D_S,
    ("Table 7", "3DResNet+ATFR, ResNet50"): THIN50,
    ("Table 8", "SlowFast 4x16, R50+ATFR"): SLOWFAST4X16,
    ("Table 8", "X3D-S+ATFR, 10 views"): X3D_S,
    ("Table 8", "X3D-XL+ATFR, 10 views"): X3D_XL,
    ("Table 8", "X3D-XL+ATFR, 30 views"): X3D_XL356,
    ("Table 9", "X3D-M+ATFR"): X3D_M,
    ("Table 9", "X3D-XL+ATFR"): X3D_XL356,
    ("Table 10", "SlowFast-R50+ATFR"): SLOWFAST64,
    **{
        (table, f"B={bins}"): replace(THIN18, bins=bins)
        for table in ("Table A.3", "Table A.4")
        for bins in (4, 8, 16, 32)
    },
    ("Table A.6", "X3D-S+ATFR"): X3D_S,
    ("App. F", "3DResNet+ATFR, ResNet50"): THIN50,
}


def cells() -> list[CountedCell]:
    reported = read_reported(Path(__file__).parent / "reported.csv")
    return [answer(line) for line in reported[reported["unit"].map(is_complexity)].to_dict("records")]


def answer(line: dict) -> CountedCell:
    keys, where, classes = {name: line[name] for name in KEY}, (line["table"], line["row"]), CLASSES[line["dataset"]]
    if line["unit"] == PARAMETERS and where in {**STATIC, **SAMPLED}:
        return count_parameters(keys, line, classes)
    if network := STATIC.get(where):
        attention = attention_gmacs(network) if "Attention" in line["row"] else 0.0
        ours = static_gmacs(network, classes) + attention
        rule = f"conv + linear{' (of the attention too)' if attention else ''}, {view(network, classes)}"
        return CountedCell(
            **keys, ours=ours, rule=rule, note=agreement(ours, line["value"]) + static_note(line, network)
        )
    if network := SAMPLED.get(where):
        ours = float(gmacs(network, classes, null_bins(network)).mean())
        rule = (
            f"{NULL_MODEL}: a + b E[B'] of structureless embeddings, no trained decision; {view(network, classes)}, "
            "SGS "
            "itself left out"
        )
        return CountedCell(**keys, ours=ours, rule=rule, note=sampled_note(line, network, classes))
    return CountedCell(**keys, ours=None, rule="", note="cited; not one of our networks")


def count_parameters(keys: dict, line: dict, classes: int) -> CountedCell:
    where = (line["table"], line["row"])
    network = STATIC.get(where) or SAMPLED[where]
    sampling = sampling_million_parameters(network) if where in SAMPLED else 0.0
    ours = million_parameters(network, classes) + sampling
    rule = f"parameters, those of normalisation and of the {classes}-way head included"
    rule += f", and {1e6 * sampling:,.0f} of f_s" if sampling else ""
    decimals = 1 if network.name == "x3d-l" else 2  # as printed
    return CountedCell(**keys, ours=ours, rule=rule, note=agreement(ours, line["value"], decimals))


def view(network: Network, classes: int) -> str:
    return f"{classes}-way head included, one view of {network.frames} frames of {network.size} x {network.size}"


def agreement(ours: float, printed: float, decimals: int = 1) -> str:
    if abs(ours - printed) < 1e-3 * printed or round(ours, decimals) == printed:
        return "agrees"
    if floor(10**decimals * ours) / 10**decimals == printed:
        return f"agrees when cut to {'a decimal' if decimals == 1 else f'{decimals} decimals'}"
    return f"print is {abs(printed / ours - 1):.1%} {'more' if printed > ours else 'less'}"


def static_note(line: dict, network: Network) -> str:
    if network.name.startswith("c2d"):
        true, same = (static_gmacs(one, 200) for one in (R2PLUS1D, C2D50))
        return (
            f", for {network.name}: the printed cost has no temporal convolutions. R(2+1)D-R50, which has them, costs "
            f"{true:.1f} where c2d-r50 costs {same:.1f}"
        )
    if line["table"] == "Table 10":
        elements = normalised_giga(network)
        found = f"{static_gmacs(network, 174) + 4 * elements:.2f}"
        return (
            f"; normalisation at 4 for each of {elements:.3f} G elements would give {found}, a rule that no other row "
            "follows"
        )
    return ""


def sampled_note(line: dict, network: Network, classes: int) -> str:
    """a and b, the B' that print implies, and the null model's beside it."""
    start, step = in_step(network, classes)
    implied, kept = implied_bins(network, classes, line["value"]), null_bins(network).double().mean(0).tolist()
    if network.alpha:
        slow, fast = network.lengths
        filled = float(terms(network, null_bins(network))[:, 1].mean())
        said = (
            f"a = {start:.3f}, b = {step:.3f} for a slow and {network.alpha} fast maps: print implies about B' = "
            f"{implied:.1f} of {fast} and {implied / network.alpha:.1f} of {slow} slow ones; embeddings without "
            f"structure keep {kept[1]:.2f} and {kept[0]:.2f} (filled up to {filled:.2f} where the fast pathway joins)"
        )
    else:
        unit = " for a pair of maps (an odd one is dropped)" if network.pairs else ""
        said = (
            f"a = {start:.4f}, b = {step:.4f}{unit}: print implies B' = {implied:.2f} of "
            f"{network.bins or network.frames}; embeddings without structure keep {kept[0]:.2f}"
        )
    return f"{said}{sampled_remark(line, network, classes)}; SGS itself would add {sampling_gmacs(network):.3f}"


def sampled_remark(line: dict, network: Network, classes: int) -> str:
    """Where print can't be right as it stands, or can't tell."""
    remark = ""
    if network.name in ("x3d-s", "x3d-m"):
        cut = ", which the static row cuts" if network.name == "x3d-s" else ""
        remark += f"; print's last digit{cut} is worth {0.1 / in_step(network, classes)[1]:.1f} maps"
    if network.frames == 64 and not network.alpha:
        pinned = float(null_bins(replace(network, bins=32)).double().mean())
        remark += f", and {pinned:.2f} with B kept at the 32 of training, as the code of one-pathway networks does"
    if network.name == "3dresnet18":
        larger = replace(network, size=256)
        (start, step), implied = in_step(larger, classes), implied_bins(larger, classes, line["value"])
        remark += f". At 256 x 256 a = {start:.3f}, b = {step:.4f}, and print would imply {implied:.2f}"
        remark += f", but a single map costs {start + step:.2f}" if implied < 1 else ""
    if network.name == "3dresnet18" and line["table"] == "Table 4":
        remark += (
            ". The table's static networks fit 224 x 224; 32 and 64 frames of this one don't fit one size and one B"
        )
    if line["table"] == "Table A.4":
        remark += ". All four costs of this table are exactly 2.0 + 0.375 B, which isn't this network's line"
    return remark
