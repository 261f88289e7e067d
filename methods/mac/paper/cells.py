"""Mac et al.'s tables: each printed cost a frame beside what the authors' counter finds (`sizes`), and in the note what
our model executes, on the meta device.

`ours` is by the authors' rule, since a table holds costs by one rule only: that of TSN, which stands in methods/tsn,
too. With temporal sampling a cost follows from how many frames are seen in full and pre-scanned: of Table II by the
shares that it prints, of Table V, which prints none, as if all decisions were used alike.
"""

import re
from pathlib import Path

from saccade.cost.printed import KEY, CountedCell, is_complexity, read_reported

from . import pricing
from .sizes import (
    CROP,
    FEATURES,
    FRAME,
    GIGA,
    LAYERS,
    LOW,
    SOUND,
    full_frame,
    gru,
    hears,
    prescanned,
    read,
    whole_san19,
)

SAMPLER = re.compile(r"S_(\d)")
IN_TIME = re.compile(r"S_(\d), T_(\d)")
TBN = {"TBN (ret), R+A": ("rgb", "audio"), "TBN (ret), R+A+F": ("rgb", "audio", "flow")}
VALIDATION_FRAMES = {
    "epic-kitchens-55": 2398 * 10,
    "ucf101": 3783 * 16,
}  # what Tables II's and V's totals are summed over
RULE = (
    "the authors' counter, a frame: convolutions by multiply-adds and an add for each bias, normalisation 2 an "
    "element, ReLU 1, pooling 1 an element that it is given; attention's products, shortcuts and classifiers left out"
)
GRU_RULE = "; GRUs by weights, biases and 7 a hidden unit"
TRUE = "all products, those of attention and of the classifiers included, and no adds"


def cells() -> list[CountedCell]:
    reported = read_reported(Path(__file__).parent / "reported.csv")
    return [answer(line) for line in reported[reported["unit"].map(is_complexity)].to_dict("records")]


def answer(line: dict) -> CountedCell:
    keys = {name: line[name] for name in KEY}
    if line["origin"] == "cited":
        return CountedCell(**keys, ours=None, rule="", note="cited; not one of our networks")
    if IN_TIME.fullmatch(line["row"]):
        return in_time(keys, line)
    row, data = line["row"], line["dataset"]
    ours, true, seen = gmacs(row, data), executed(row, data), what(row, data)
    if line["column"] == "GFLOPS saved":
        ours, true = gmacs("SAN19-base", data) - ours, executed("SAN19-base", data) - true
        seen = f"{what('SAN19-base', data)}, less {seen}"
    if line["column"] == "Total TFLOPS":
        ours, true = (value * VALIDATION_FRAMES[data] / 1000 for value in (ours, true))
        seen += f"; over {VALIDATION_FRAMES[data]:,} frames"
    rule = f"{RULE}{GRU_RULE if SAMPLER.fullmatch(row) else ''}: {seen}"
    return CountedCell(
        **keys, ours=ours, rule=rule, note=f"{agreement(ours, line['value'])}; true count {true:#.4g}: {TRUE}"
    )


def in_time(keys: dict, line: dict) -> CountedCell:
    """A cost of (S_k, T_M): with one head, which Table II fits, or with three, which the text has and Table V fits."""
    row, data = line["row"], line["dataset"]
    crops, most = map(int, IN_TIME.fullmatch(row).groups())
    printed = line["table"] == "Table II"
    full, scanned = shares(row) if printed else (1 / (most + 1), most / (most + 1))
    costs = [full * seen + scanned * prescanned() for seen in (full_frame(crops, data, one) for one in (True, False))]
    whole = VALIDATION_FRAMES[data]
    said = "the printed shares" if printed else f"1/{most + 1}, since no share is printed"
    rule = f"{RULE}{GRU_RULE}: {full:.2%} of frames in full, {scanned:.2%} pre-scanned ({said})"
    if line["column"] == "Total TFLOPS":
        costs = [cost * whole / 1000 for cost in costs]
        rule += f"; over {whole:,} frames"
    one, three = costs
    ours, other, heads, others = (one, three, "one head", "three") if printed else (three, one, "three heads", "one")
    note = "agrees"
    if round(ours, 2) != line["value"]:
        why = "shares are printed to 0.01 %" if printed else "decisions needn't be used alike"
        note = f"print is {abs(line['value'] - ours):.4f} {'more' if line['value'] > ours else 'less'}: {why}"
    if crops:
        rule += f"; {heads}"
        note += f"; with {others} {other:.4f}"
    if not printed:
        total = line["value"] if line["column"] == "Total TFLOPS" else line["value"] * whole / 1000
        implied = (1000 * total / whole - prescanned()) / (full_frame(crops, data, False) - prescanned())
        note += f"; print implies {implied:.2%} in full"
    return CountedCell(**keys, ours=ours, rule=rule, note=note)


def shares(row: str) -> tuple[float, float]:
    """Of frames seen in full and pre-scanned only, as Table II prints them."""
    reported = read_reported(Path(__file__).parent / "reported.csv")
    own = reported[(reported["table"] == "Table II") & (reported["row"] == row)].set_index("column")["value"]
    return own["Full"] / 100, own["Prescan"] / 100


def gmacs(row: str, data: str) -> float:
    """A frame, by the authors' rule."""
    if row in TBN:
        return sum(pricing.authors_bninception(modality) for modality in TBN[row])
    sound = whole_san19(SOUND, 1).printed if hears(data) else 0
    if row == "SAN19-base":
        return (whole_san19(FRAME).printed + sound) / GIGA
    crops = int(SAMPLER.fullmatch(row)[1])
    heads = sum(gru(FEATURES * parts, LAYERS[data]).printed for parts in read(crops, hears(data)))
    return (whole_san19(LOW).printed + sound + crops * whole_san19(CROP).printed + heads) / GIGA


def executed(row: str, data: str) -> float:
    return pricing.executed(variant(row), data)


def variant(row: str) -> str:
    """Of our card, behind a printed row."""
    if row in TBN:
        return "-".join(["tbn", *TBN[row]])
    return "base" if row == "SAN19-base" else row.replace("S_", "s")


def what(row: str, data: str) -> str:
    """The networks behind a printed row, and what they are given."""
    if row in TBN:
        sizes = {"rgb": "3 x 224 x 224", "audio": "1 x 256 x 256", "flow": "10 x 224 x 224"}
        return "BNInception on " + ", ".join(sizes[modality] for modality in TBN[row])
    sound = f", 1 x {SOUND} x {SOUND}" if hears(data) else ""
    if row == "SAN19-base":
        return f"SAN19 on 3 x {FRAME} x {FRAME}{sound}"
    crops = int(SAMPLER.fullmatch(row)[1])
    many = f", {crops} of 3 x {CROP} x {CROP}" if crops else ""
    heads = "3 GRUs" if crops else "a GRU"
    layers = LAYERS[data]
    return f"SAN19 on 3 x {LOW} x {LOW}{sound}{many}; {heads} of {layers} layer{'s' * (layers > 1)}"


def agreement(ours: float, printed: float) -> str:
    digits = 2  # of every printed cost
    if round(ours, digits) == printed:
        return "agrees"
    return (
        f"print, a difference of two rounded costs, is {abs(printed - ours):.4f} {'more' if printed > ours else 'less'}"
    )
