"""The step that tells: judges each paper's claims, collects every number of the planned grid, runs each method's
notebook, and puts its tables and figures on pages.

Each part imports what it needs itself: a job does one part, and starts in a fraction of the time that all would take.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from saccade import products
from saccade.records import CLAIMS_COLUMNS, SaccadeError
from saccade.report.notebook import run_notebook

if TYPE_CHECKING:
    from saccade.results.reader import PlannedGrid

PARTS = ("claims", "collect", "notebook", "page", "index")


def report(root: Path, plan_path: Path, part: str | None = None, method: str | None = None) -> None:
    """One part for one method, or (None) all of them in order: what the command line and the rules call."""
    grid = products.read(plan_path)
    methods = [entry["name"] for entry in grid["methods"]]
    if method is not None and method not in methods:
        raise SaccadeError(f"{plan_path} has no method '{method}'; it has {', '.join(methods)}")
    chosen = methods if method is None else [method]
    for name in PARTS if part is None else [part]:
        if name == "collect":
            collect(grid, root)
        elif name == "index":
            write_index(grid, root)
        else:
            for each in chosen:
                if name == "notebook":
                    run_notebook(root, grid["budget"], each)
                else:
                    (judge if name == "claims" else write_page)(grid, each, root)


def judge(grid: "PlannedGrid", method: str, root: Path) -> None:
    """Writes results/<budget>/claims/<method>.csv, the one place where its paper's claims are judged; nothing without
    claims."""
    from saccade.judging.claims import judge_paper
    from saccade.results.judged import claims_file

    found = judge_paper(grid, root, method)
    if len(found):
        products.write_csv(claims_file(grid, root, method), found)


def collect(grid: "PlannedGrid", root: Path) -> None:
    """Writes results/<budget>/metrics.csv, planned.csv and claims.csv, the claims of all methods as `judge` left
    them."""
    import pandas as pd

    from saccade.results.judged import read_claims
    from saccade.results.runs import average_editions, collect_metrics, collect_planned

    folder = root / "results" / grid["budget"]
    metrics = collect_metrics(grid, root)
    products.write_csv(folder / "metrics.csv", pd.concat([metrics, average_editions(grid, metrics)], ignore_index=True))
    products.write_csv(folder / "planned.csv", collect_planned(grid, root))
    judged = [read_claims(grid, root, entry["name"]) for entry in grid["methods"]]
    empty = pd.DataFrame(columns=CLAIMS_COLUMNS)
    claims = pd.concat([empty, *(table for table in judged if len(table))], ignore_index=True)
    products.write_csv(folder / "claims.csv", claims)


def write_page(grid: "PlannedGrid", method: str, root: Path) -> None:
    """Writes reports/<budget>/<method>.tex, .pdf (where LaTeX is installed) and .html from the files that the notebook
    left."""
    from saccade.report import method_page, pages
    from saccade.report.pdf import compile_pdf
    from saccade.results.runs import without_other_methods

    grid = without_other_methods(grid, method)
    folder = root / "reports" / grid["budget"]
    values = method_page.page_values(grid, method, root)
    pages.fill_latex(root, "method.tex.j2", folder / f"{method}.tex", **values)
    values["no_pdf"] = compile_pdf(folder / f"{method}.tex")
    pages.fill_html(root, "method.html.j2", folder / f"{method}.html", **values)


def write_index(grid: "PlannedGrid", root: Path) -> None:
    """Writes reports/<budget>/index.html: every method with how much of it was run, and what was not."""
    from saccade.report import index_page, pages

    path = root / "reports" / grid["budget"] / "index.html"
    pages.fill_html(root, "index.html.j2", path, **index_page.page_values(grid, root))
