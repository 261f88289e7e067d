"""AdaFocus's tables and figures: our count of each printed complexity cell, on the meta device.

AdaFocus costs every video the same. AdaFocus+ doesn't: the paper names the share of patches that a threshold keeps of
training videos, while a cost holds for the share it keeps of others. `ours` is the cost at the share named, the note
says which one print implies.
"""

import re
from pathlib import Path

from saccade.cost.image_networks import head_gmacs
from saccade.cost.printed import KEY, CountedCell, is_complexity, read_reported

from .pricing import Price, price

CLASSES = {"activitynet": 200, "fcvid": 239, "minikinetics": 200, "something-v1": 174, "something-v2": 174}
ROW = re.compile(r"AdaFocus(?P<kind>\+|-TSM|) \((?P<patch>\d+)x\d+\)(?:, keep (?P<keep>[\d.]+))?")
UNSTATED = 0.5  # Table 2 doesn't say the share that AdaFocus+ keeps; its cost is that of 0.5 in Figure 5
FRAMES = 16


def cells() -> list[CountedCell]:
    reported = read_reported(Path(__file__).parent / "reported.csv")
    return [answer(line) for line in reported[reported["unit"].map(is_complexity)].to_dict("records")]


def answer(line: dict) -> CountedCell:
    keys, row = {name: line[name] for name in KEY}, ROW.fullmatch(line["row"])
    if row is None:
        return CountedCell(**keys, ours=None, rule="", note="cited; not one of our networks")
    if line["origin"] == "cited":
        return CountedCell(
            **keys,
            ours=None,
            rule="",
            note="cited, but of this paper's method: Figure 5's row of this name has our count",
        )
    kind, patch, classes = row["kind"], row["patch"], CLASSES[line["dataset"]]
    variant = f"adafocus-tsm-{patch}" if kind == "-TSM" else f"adafocus-{patch}" + ("-plus" if kind else "")
    found = price(variant, classes)
    if kind == "-TSM":
        return CountedCell(
            **keys, ours=found.whole, rule=tsm_rule(patch, classes), note=agreement(found.whole, line["value"])
        )
    if kind == "+":
        keep = float(row["keep"] or UNSTATED)
        note = plus_note(found, keep, line) + (
            "" if row["keep"] else "; the share kept isn't stated, 0.5 has this cost in Figure 5"
        )
        return CountedCell(**keys, ours=found.keeping(keep), rule=plus_rule(patch, classes, keep), note=note)
    return CountedCell(**keys, ours=found.whole, rule=rule(patch, classes), note=whole_note(found, line, classes))


def rule(patch: str, classes: int) -> str:
    return (
        f"conv + linear + GRU, {classes}-way head included, asked once, at the end; one view of {FRAMES} frames: f_G "
        "on "
        f"224 x 224, pi (its critic isn't asked), f_L on {patch} x {patch}, f_C"
    )


def plus_rule(patch: str, classes: int, keep: float) -> str:
    return (
        f"{rule(patch, classes)}; pi' beside pi, and f_L on {keep:g} of the patches: the cost that the share named "
        "would have"
    )


def tsm_rule(patch: str, classes: int) -> str:
    return (
        f"conv + linear + GRU, {classes}-way heads included, on every frame; one view of 8 frames of 224 x 224 (f_G) "
        f"and 12 of {patch} x {patch} (f_L), pi once, reading all 8 maps"
    )


def agreement(ours: float, printed: float) -> str:
    if abs(ours - printed) < 0.05:
        return "agrees"
    return f"print is {abs(printed / ours - 1):.1%} {'more' if printed > ours else 'less'}"


def whole_note(found: Price, line: dict, classes: int) -> str:
    note = agreement(found.whole, line["value"])
    if note == "agrees":
        return note
    extra = unused_heads(classes)
    return (
        f"{note}: with the 1000-way heads of both backbones, which nothing reads, and f_C's head after every frame, as "
        f"in the code, it would be {found.whole + extra:.2f}"
    )


def unused_heads(classes: int) -> float:
    """GMACs that counting tools add where they are shown networks with all of their layers, and f_C with an answer
    after each frame."""
    return FRAMES * head_gmacs(1280 + 2048, 1000) + (FRAMES - 1) * head_gmacs(1024, classes)


def plus_note(found: Price, keep: float, line: dict) -> str:
    note = (
        f"{agreement(found.keeping(keep), line['value'])}: it implies that {found.implied(line['value']):.3f} of the "
        f"patches were kept, where the threshold is to keep {keep:g} of training videos' (Sec. 4.1)"
    )
    if keep != UNSTATED:
        skipped = found.keeping(1 - keep)
        note += (
            f". Skipping {keep:g}, as the paper words it, would cost {skipped:.2f}, less than any of this patch's "
            "points in Figure 5"
        )
    return note
