"""Mac et al.'s tables: each printed cost a frame beside what the authors' counter finds (`sizes`), and in the note what
our model executes, on the meta device.

`ours` is by the authors' rule, since a table holds costs by one rule only: that of TSN, which stands in methods/tsn,
too. Costs with temporal sampling follow from what a trained sampler decides.
"""

import re
from pathlib import Path

from saccade.cost.printed import KEY, CountedCell, is_complexity, read_reported

from . import pricing
from .sizes import FEATURES, gru, whole_san19

GIGA = 1e9
FRAME, LOW, CROP, SOUND = 224, 112, 64, 256  # sides in pixels
SAMPLER = re.compile(r"S_(\d)")
TBN = {"TBN (ret), R+A": ("rgb", "audio"), "TBN (ret), R+A+F": ("rgb", "audio", "flow")}
LAYERS = {"epic-kitchens-55": 2, "ucf101": 1}  # of each GRU; the paper says 2, Table IV prints the cost of 1
VALIDATION_FRAMES = 2398 * 10  # of EPIC-KITCHENS: what Table II's totals are summed over
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
    if "T_" in line["row"]:
        return CountedCell(**keys, ours=None, rule="", note="temporal sampling isn't built yet")
    row, data = line["row"], line["dataset"]
    ours, true, seen = gmacs(row, data), executed(row, data), what(row, data)
    if line["column"] == "GFLOPS saved":
        ours, true = gmacs("SAN19-base", data) - ours, executed("SAN19-base", data) - true
        seen = f"{what('SAN19-base', data)}, less {seen}"
    if line["column"] == "Total TFLOPS":
        ours, true = (value * VALIDATION_FRAMES / 1000 for value in (ours, true))
        seen += f"; over {VALIDATION_FRAMES:,} frames"
    rule = f"{RULE}{GRU_RULE if SAMPLER.fullmatch(row) else ''}: {seen}"
    return CountedCell(
        **keys, ours=ours, rule=rule, note=f"{agreement(ours, line['value'])}; true count {true:#.4g}: {TRUE}"
    )


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


def read(crops: int, sound: bool) -> list[int]:
    """How many networks' features each recurrent head reads: global, local, all."""
    return [1 + sound, sound + crops, 1 + sound + crops] if crops else [1 + sound]


def executed(row: str, data: str) -> float:
    return pricing.executed(variant(row), data)


def variant(row: str) -> str:
    """Of our card, behind a printed row."""
    if row in TBN:
        return "-".join(["tbn", *TBN[row]])
    return "base" if row == "SAN19-base" else row.replace("S_", "s")


def hears(data: str) -> bool:
    return data != "ucf101"


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
