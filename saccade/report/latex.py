"""Tables and text as LaTeX. No torch."""

import unicodedata
from collections.abc import Sequence
from typing import Any

import pandas as pd

from saccade.report.cells import NONE

WRAPPED = 30  # letters, from which on a column of words is broken into lines
JOINED = "\u2060"  # between two hyphens, of which LaTeX would make a dash

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
    "`": r"\textasciigrave{}",
    JOINED: "{}",
    "…": r"\ldots{}",
    "\n": " ",
}


def escape_latex(text: object) -> str:
    """Text as LaTeX prints it; a letter that its fonts lack is printed as its code point rather than lost."""
    text = unicodedata.normalize("NFC", str(text)).replace("--", f"-{JOINED}-")
    return "".join(
        LATEX.get(c) or (c if ord(c) < 0x180 and c.isprintable() else rf"\texttt{{U+{ord(c):04X}}}") for c in text
    )


def number_notes(table: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """The table with numbers in place of the sentences of its column `Note`, and those sentences in order; (table, [])
    without one."""
    if "Note" not in table:
        return table, []
    notes = [note for note in dict.fromkeys(table["Note"]) if note not in ("", NONE)]
    return table.assign(Note=[str(notes.index(note) + 1) if note in notes else "" for note in table["Note"]]), notes


def table_to_latex(table: pd.DataFrame, kinds: Sequence[str], caption: str, label: str) -> str:
    """A booktabs longtable of text with its notes below, everything escaped; intervals are set small below their
    number, which leads. kinds: of each column, `n` (numbers), `text`, or `long` (sentences, and what is as long as
    these)."""

    def number(value: object) -> str:
        mean, bracket, interval = escape_latex(value).partition(" [")
        stacked = rf"\begin{{tabular}}[t]{{@{{}}r@{{}}}}{mean}\\[-2pt]{{\tiny [{interval}}}\end{{tabular}}"
        return stacked if bracket else mean

    table, notes = number_notes(table)
    kinds = [
        "long" if kind == "text" and table[name].str.len().max() > WRAPPED else kind
        for name, kind in zip(table, kinds, strict=True)
    ]
    long = kinds.count("long")
    width = max(0.15, (0.95 - 0.075 * (len(table.columns) - long)) / max(long, 1))
    place = {"long": rf"p{{{width:.2f}\textwidth}}", "text": "l", "n": "r"}
    align = "".join(place[kind] for kind in kinds)
    cells: Any = {name: number if kind == "n" else escape_latex for name, kind in zip(table, kinds, strict=True)}
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
