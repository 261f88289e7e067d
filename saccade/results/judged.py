"""The judged claims of each paper, as the report's part `claims` left them. No torch."""

from pathlib import Path

import pandas as pd

from saccade import products
from saccade.cards.paper import read_paper
from saccade.records import CLAIMS_COLUMNS
from saccade.results.reader import PlannedGrid


def claims_file(grid: PlannedGrid, root: Path, method: str) -> Path:
    return root / "results" / str(grid["budget"]) / "claims" / f"{method}.csv"


def read_claims(grid: PlannedGrid, root: Path, method: str) -> pd.DataFrame:
    """CLAIMS_COLUMNS, a line per claim in the order of paper.yml, all text; empty where the method has no claims.
    SaccadeError where they weren't judged yet."""
    paper, path = read_paper(root, method), claims_file(grid, root, method)
    if paper is None or not paper.claims:
        return pd.DataFrame(columns=CLAIMS_COLUMNS)
    return products.read_csv(path, dtype=str, keep_default_na=False)
