"""What a method's findings.py makes of hand-made results, as the tests of several methods ask for it."""

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from seals import seal

from saccade.report.findings import finding_figures, finding_tables
from saccade.report.tidy import TidyTable
from saccade.results.found import Found


def found_of(root: Path, grid: dict[str, Any], method: Path) -> Found:
    """What has been written below `root`, sealed, beside the method's folder."""
    seal(root)
    (root / "methods").mkdir()
    (root / "methods" / method.name).symlink_to(method)
    return Found(grid, root, method.name)


def tables_of(found: Found) -> dict[str, TidyTable]:
    return {name.removeprefix("findings--"): table for name, _, table in finding_tables(found)}


def figures_of(found: Found) -> dict[str, tuple[dict[str, str], Figure]]:
    """{name: (what a page says about it, the figure)}."""
    return {name.removeprefix("findings--"): (about, figure) for name, about, figure in finding_figures(found)}
