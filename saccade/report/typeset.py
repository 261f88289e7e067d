"""How tables are set: numbers as text, captions that name the budget, LaTeX, and the files that a page is made of. No
torch."""

import math
import unicodedata
from pathlib import Path
from typing import Any

import pandas as pd

from saccade.files import write_atomic, write_csv, write_json
from saccade.results.runs import PlannedGrid

NONE = "–"  # what an empty cell shows
NATURE = {  # what a number of this budget is, said in every caption
    "demo": "toy data: proves the machine, not the method",
    "study": "mechanism, embedded data; not the paper's numbers",
    "paper": "real data, published schedules",
}
TITLES = {
    "not_run": "Planned and not run",
    "headline": "Accuracy and cost",
    "stand_ins": "Beside its stand-ins",
    "looks": "Whether it looks where the information is",
    "speed": "Realised speed-up",
    "speed_parts": "Where the time goes",
    "equal_time": "Best accuracy in equal time",
    "details": "More metrics",
    "coverage": "Videos",
    "cost_cells": "Printed costs, counted again",
    "paper": "The paper's table",
    "claims": "The paper's claims",
    "findings": "What only this method shows",
    "tradeoff": "Accuracy against cost",
    "modules": "Where the multiply-adds go",
    "curves": "Learning curves",
}
READING = (
    "Test split. Accuracy in %; brackets: 95 % bootstrap interval over clusters of videos (mean over seeds); "
    "±: sample standard deviation over seeds, where there are several. "
)
UNITS = (
    "GMACs: billions of multiply-adds per video as executed, over all views and crops, classification head included, "
    "decoding not; mean [median, 95th percentile] over videos. "
)
LONG = {"Why", "Points", "Says", "On ours", "Evidence", "Classes"}  # columns of sentences
TEXT = LONG | {
    "Dataset",
    "Variant",
    "Point",
    "Role",
    "Head",
    "Of",
    "Weights",
    "Run",
    "Step",
    "Where",
    "Row",
    "Column",
    "Unit",
    "Made (UTC)",
    "Device",
    "Counterpart",
    "Part",
    "Doubts",
    "Code",
    "Origin",
    "Claim",
    "Comparand",
    "On printed",
    "Class",
}
CAPTIONS = {
    "not_run": "Every planned cell (point and seed) that has no result, and why.",
    "headline": READING
    + UNITS
    + "Role: oracle (sees the ground truth), random, fixed and static (equal cost) are stand-ins to compare with; "
    "chance: always answering the majority class.",
    "stand_ins": (
        "Top-1 or mAP, mean over seeds, of each point beside the stand-ins that its card names; of several of one kind "
        "the best at equal cost. Weights: the same as the point's (where it looks), or re-tuned for the stand-in's "
        "choice (the system). "
        '"at 1.24×" marks a stand-in whose multiply-adds differ from the point\'s by more than 3 %. Headroom: oracle '
        "minus random; gain: the share of it that the point makes good, untestable where the headroom may be less than "
        "5 points; 95 % intervals over clusters of videos and seeds. Baselines' cost: multiply-adds of the cheapest "
        "baseline that is at least as accurate, as a multiple of the point's (≤: a cheaper one might do); not reached: "
        "no baseline of this budget is."
    ),
    "looks": (
        "The share of the chosen frames that are informative, and of the chosen patches that hold the target's centre, "
        "or 90 % of its box, where it is to be seen; mean over videos, brackets: 95 % bootstrap interval over "
        "clusters. Beside it, at the same number and size: what a random choice expects, frames evenly spread or the "
        "patch in the centre, and the best times or place that are the same for every video (fitted on the other "
        "splits). A point that finds no more than the best of these doesn't look."
    ),
    "speed": (
        "How much faster the point answers than its counterpart (its mean time over the point's), beside the ratio of "
        "their multiply-adds (MACs). Both optimised alike and exactly (batch normalisation folded, channels-last, "
        "inference mode), on the same test videos, taking turns in several fresh processes: the median of what each "
        "says; brackets: the least and the most. Batch: videos per call; with decoding: from the file on, one thread; "
        "otherwise from clips that lie ready in memory. ms per video: the point at batch 1 without decoding, mean "
        "[median, 95th percentile]. A/A: the counterpart against itself in the same turns, where it is furthest from "
        "1; † marks a reading whose A/A is more than 3 % from 1. Not alone: other programs kept more than a tenth of a "
        "core busy meanwhile. Stale: code or settings have changed since. The first seed only."
    ),
    "speed_parts": (
        "Milliseconds per video at batch 1, in a pass of its own: decoding, transforms (the rest of making a clip), "
        "each top-level part of the model, and what prediction does outside of them. Looking closely takes time, so "
        "the sum is a little more than the total."
    ),
    "equal_time": (
        "The most accurate of the timed points whose mean time per video (batch 1, without decoding) stays under the "
        "limit; accuracy: mean over seeds, time: the first seed. †: the reading's A/A is more than 3 % from 1."
    ),
    "details": READING + "Decoded frames: mean per video, looked at or not.",
    "coverage": "Videos expected by the dataset's card, usable in all and per split, left out because of a problem.",
    "cost_cells": (
        "Complexity as papers print it and as counted here without data, the same in every budget: multiply-adds, "
        "under the counting rule in the notes. Difference: ours minus printed, as a share of the printed number."
    ),
    "paper": (
        "Printed: as it stands in the paper; cited: taken by it from elsewhere. Ours: (counted) multiply-adds counted "
        "without data, the same in every budget; all else is executed by a run of budget paper, and by no other: mean "
        "± standard deviation over seeds, brackets: 95 % bootstrap interval over clusters (mean over seeds). "
        "Difference: ours minus printed, in points for accuracies, in % of the printed number otherwise. "
    ),
    "claims": (
        "Each claim judged twice: on the numbers that the paper prints, and on ours, with intervals over clusters of "
        "videos and seeds and Holm's correction for the number of claims. Comparand: own, or cited, which ours can't "
        "be put beside."
    ),
    "findings": "",
    "tradeoff": (
        "Circles: the method's own operating points, filled on their Pareto front (grey line). Triangles and other "
        "hollow marks: stand-ins (oracle up, random down); an oracle sees the ground truth. Small dots: seeds. Bars: "
        "95 % bootstrap intervals over clusters of test videos. Dotted: chance. Broad grey line: the static frontier, "
        "the best that any baseline of this budget reaches for at most that cost. Points of equal cost stand side by "
        "side. GMACs: billions of multiply-adds per video as executed, over all views and crops, head included; "
        "logarithmic."
    ),
    "modules": "Share of the multiply-adds executed for one video at the dearest point, by module; small ones under "
    "their parent.",
    "curves": "A line per seed and epoch. Validation split, from which checkpoints and settings are chosen; never the "
    "test split.",
}
LATEX = {
    **{c: f"\\{c}" for c in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "\\": r"\textbackslash{}",
}
LATEX |= {
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "−": "$-$",
    "≥": r"$\geq$",
    "≤": r"$\leq$",
}
LATEX |= {
    "→": r"$\rightarrow$",
    "–": "--",
    "—": "---",
    "×": r"$\times$",
    "±": r"$\pm$",
    "·": r"$\cdot$",
    "†": r"\textdagger{}",
    "’": "'",
    "…": r"\ldots{}",
    "\n": " ",
}


def escape_latex(text: object) -> str:
    """Text as LaTeX prints it; a letter that its fonts lack is printed as its code point rather than lost."""
    text = unicodedata.normalize("NFC", str(text))
    return "".join(
        LATEX.get(c) or (c if ord(c) < 0x180 and c.isprintable() else rf"\texttt{{U+{ord(c):04X}}}") for c in text
    )


def about(grid: PlannedGrid, kind: str, dataset: str = "", detail: str = "", **more: str) -> dict[str, str]:
    """What a page says about a table or figure: kind, dataset, title, caption. A caption names the budget that the
    numbers come from."""
    title = TITLES[kind] + (f": {detail}" if detail else "")
    caption = CAPTIONS[kind] if kind == "cost_cells" else source(grid, dataset) + CAPTIONS[kind]
    return {"kind": kind, "dataset": dataset, "title": title, "caption": caption, **more}


def source(grid: PlannedGrid, dataset: str = "") -> str:
    """Where numbers come from: how every caption of a budget's numbers begins."""
    nature = NATURE.get(grid["budget"], "a budget of its user's own")
    return f"Budget {grid['budget']} ({nature})" + (f", {dataset}. " if dataset else ". ")


def percent(value: float, sd: float = math.nan, low: float = math.nan, high: float = math.nan) -> str:
    """`63.2 ± 1.1 [58.1, 68.0]`, without the parts that are NaN."""
    if pd.isna(value):
        return NONE
    spread = "" if pd.isna(sd) else f" ± {100 * sd:z.1f}"
    interval = "" if pd.isna(low) or pd.isna(high) else f" [{100 * low:z.1f}, {100 * high:z.1f}]"
    return f"{100 * value:z.1f}{spread}{interval}"  # z: no "-0.0"


def significant(value: float, digits: int = 3) -> str:
    """So many significant digits, without an exponent down to 1e-6."""
    if pd.isna(value):
        return NONE
    decimals = digits - 1 - math.floor(math.log10(abs(value))) if value and math.isfinite(value) else 0
    return f"{value:,.{min(max(decimals, 0), 8)}f}"


def number_notes(table: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """The table with numbers in place of the sentences of its column `Note`, and those sentences in order; (table, [])
    without one."""
    if "Note" not in table:
        return table, []
    notes = [note for note in dict.fromkeys(table["Note"]) if note not in ("", NONE)]
    return table.assign(Note=[str(notes.index(note) + 1) if note in notes else "" for note in table["Note"]]), notes


def to_latex(table: pd.DataFrame, caption: str, label: str) -> str:
    """A booktabs longtable with its notes below, everything escaped; intervals are set small below their number, which
    leads."""

    def number(value: object) -> str:
        mean, bracket, interval = escape_latex(value).partition(" [")
        stacked = rf"\begin{{tabular}}[t]{{@{{}}r@{{}}}}{mean}\\[-2pt]{{\tiny [{interval}}}\end{{tabular}}"
        return stacked if bracket else mean

    table, notes = number_notes(table)
    long = len(LONG.intersection(table))
    width = max(0.15, (0.95 - 0.075 * (len(table.columns) - long)) / max(long, 1))
    align = "".join(rf"p{{{width:.2f}\textwidth}}" if c in LONG else "l" if c in TEXT else "r" for c in table)
    cells: Any = {column: escape_latex if column in TEXT else number for column in table}
    style = table.style.hide(axis="index").format(cells).format_index(_heading, axis=1)
    options: Any = {"environment": "longtable", "hrules": True, "column_format": align}
    text = str(style.to_latex(caption=escape_latex(caption), label=label, **options))
    return text + "".join(
        rf"\textsuperscript{{{i}}} {escape_latex(note)}\par" + "\n" for i, note in enumerate(notes, 1)
    )


def _heading(name: object) -> str:
    """A column's heading, in two lines where a printed column stands beside ours."""
    first, _, last = str(name).rpartition(" ")
    if not first or last not in ("printed", "ours", "difference"):
        return escape_latex(name)
    return rf"\begin{{tabular}}[b]{{@{{}}r@{{}}}}{escape_latex(first)}\\{last}\end{{tabular}}"


def save_table(table: pd.DataFrame, folder: Path, name: str, about: dict[str, str]) -> pd.DataFrame:
    """Write `<name>.csv`, `.tex` and `.json` (kind, dataset, title, caption: what a page says about it); gives the
    table back."""
    write_csv(folder / f"{name}.csv", table)
    text = to_latex(table, about["caption"], f"tab:{name}") if len(table.columns) else ""
    write_atomic(folder / f"{name}.tex", lambda path: path.write_text(text, encoding="utf-8"))
    write_json(folder / f"{name}.json", about)
    return table
