"""Templates filled with saved tables and figures: self-contained HTML, LaTeX with its own delimiters. No torch."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup, escape

from saccade import products
from saccade.files import read_json, write_atomic
from saccade.report import figures
from saccade.report.latex import escape_latex, number_notes
from saccade.report.tidy import TidyTable, read_table

TEMPLATES = Path("workflow/templates")
BANNERS = {
    "demo": "This proves the machine, not the method: nothing here is judged.",
    "study": "Mechanism, embedded data: only order and equivalence are judged here, and no number is one of a paper's.",
    "paper": "Real data and published schedules: the reproduction itself.",
    "released": "Published weights on the user's own videos: nothing was trained here, and no number is a paper's.",
}
COLOURS = {
    figures.INK: "var(--ink)",
    figures.MUTED: "var(--muted)",
    figures.RULE: "var(--rule)",
    "#ffffff": "var(--paper)",
}
COLOURS |= {figures.ACCENT: "var(--accent)"}


@dataclass(frozen=True)
class Table:
    """A table on a page: what it is about, its cells as text, which rows stand beside others, the notes that cells
    number, its LaTeX and where its csv is."""

    name: str
    about: dict[str, str]
    columns: list[str]
    kinds: list[str]
    rows: list[list[str]]
    beside: list[bool]
    notes: list[str]
    latex: str
    path: Path


@dataclass(frozen=True)
class Drawing:
    """A saved figure: what it is about, and its path without the ending (.svg, .png, .pdf)."""

    name: str
    about: dict[str, str]
    path: Path


def banner(budget: str) -> str:
    """The sentence that every page opens with."""
    return BANNERS.get(budget, "Chosen by its user: none of the published protocols.")


def read_tables(folder: Path) -> list[Table]:
    """The tables that the notebook saved, their numbers made text."""
    found = []
    for path in (path for path in products.members(folder) if path.suffix == ".json"):
        table, about = read_table(path)
        found.append(as_table(path.stem, table, about, path.with_suffix(".csv")))
    return found


def as_table(name: str, table: TidyTable, about: dict[str, str] | None = None, path: Path = Path()) -> Table:
    """A table of numbers as a page shows it; `about` and `path` of one that a notebook saved. The first column heads
    its rows, so it is text. Rows with a role, or whose data say so (`beside`), stand beside others."""
    cells, notes = number_notes(table.text())
    kinds = ["text" if number == 0 and c.kind == "n" else c.kind for number, c in enumerate(table.columns)]
    latex = path.with_suffix(".tex").read_text(encoding="utf-8") if path.name else ""
    rows = [list(row) for row in cells.itertuples(index=False)]
    beside = [bool(one) for one in cells.get("Role", table.data.get("beside", [0] * len(rows)))]
    told = about or {"kind": name, "title": "", "caption": ""}
    return Table(name, told, list(map(str, cells)), kinds, rows, beside, notes, latex, path)


def read_figures(folder: Path) -> list[Drawing]:
    described = [path for path in products.members(folder) if path.suffix == ".json"]
    return [Drawing(path.stem, read_json(path), path.with_suffix("")) for path in described]


def inline_svg(drawing: Drawing) -> Markup:
    """The figure as an <svg> that scales, follows the page's colours, and says its alternative text; ids get the
    figure's name, so that several can share a page."""
    text = Path(f"{drawing.path}.svg").read_text(encoding="utf-8")
    text = text[text.index("<svg") :]
    head, body = text.split(">", 1)
    box = re.search(r'viewBox="[^"]*"', head)
    head = f'<svg {box.group(0) if box else ""} role="img" aria-label="{escape(drawing.about["alt"])}"'
    prefix = re.sub(r"\W", "-", drawing.name)
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.S)
    body = re.sub(r'id="([^"]+)"', rf'id="{prefix}-\1"', body)
    body = re.sub(r'xlink:href="#', f'href="#{prefix}-', body).replace("url(#", f"url(#{prefix}-")
    for colour, variable in COLOURS.items():
        body = re.sub(colour, variable, body, flags=re.I)
    return Markup(f"{head}>{body}")


def bracketed(text: str) -> Markup:
    """A cell whose interval stands, smaller, under its number."""
    number, bracket, interval = text.partition(" [")
    return (
        escape(number) + Markup(' <small class="interval">[{}</small>').format(interval) if bracket else escape(number)
    )


def fill_html(root: Path, template: str, path: Path, **values: Any) -> None:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(root / TEMPLATES),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "bracketed": bracketed,
        "inline_svg": inline_svg,
        "from": lambda target: os.path.relpath(target, path.parent),
    }
    text = environment.get_template(template).render(**values)
    write_atomic(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def fill_latex(root: Path, template: str, path: Path, **values: Any) -> None:
    """Delimiters: `\\VAR{...}`, `\\BLOCK{...}`, `\\#{...}`; `| tex` escapes, `| from` is a path as seen from the
    page."""
    environment = jinja2.Environment(
        block_start_string=r"\BLOCK{",
        block_end_string="}",
        variable_start_string=r"\VAR{",
        variable_end_string="}",
        comment_start_string=r"\#{",
        comment_end_string="}",
        trim_blocks=True,
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # LaTeX, escaped by `tex`
        loader=jinja2.FileSystemLoader(root / TEMPLATES),
    )
    environment.filters |= {"tex": escape_latex, "from": lambda target: os.path.relpath(target, path.parent)}
    text = environment.get_template(template).render(**values)
    write_atomic(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))
