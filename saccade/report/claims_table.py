"""The claims of a paper as its page shows them, and how many were found to hold. No torch."""

from collections import Counter
from pathlib import Path

import pandas as pd

from saccade import products
from saccade.cards.paper import claims_hash, read_paper
from saccade.records import CLAIMS_COLUMNS
from saccade.report.tidy import TidyTable, sentences, words
from saccade.results.reader import PlannedGrid

PARTLY = "in part can't fail"  # as `judge_paper` says it
PLURAL = {
    "agrees": "agree",
    "disagrees": "disagree",
    "can't fail": "can't fail (bounds taken from print)",
    "not printed": "not printed",
}
COLUMNS = (
    words("Claim", "claim"),
    words("Where", "where"),
    sentences("Says", "says"),
    words("Comparand", "comparand"),
    sentences("On printed", "on_printed"),
    sentences("On ours", "on_ours"),
    sentences("Evidence", "evidence"),
)


def claims(lines: pd.DataFrame) -> TidyTable:
    """The claims of one paper (CLAIMS_COLUMNS), without its name."""
    return TidyTable(lines.drop(columns="paper").reset_index(drop=True), COLUMNS).without_empty()


def count_verdicts(lines: pd.DataFrame) -> str:
    """How many claims there are and what was found, in one line."""
    printed, ours = (Counter(text.partition(" (")[0] for text in lines[column]) for column in ("on_printed", "on_ours"))
    partly = int(lines["on_printed"].str.contains(PARTLY, regex=False).sum())
    plurals = PLURAL | ({"agrees": f"agree ({partly} of them {PARTLY})"} if partly else {})
    numbers = ", ".join(f"{printed[text]} {plural}" for text, plural in plurals.items() if printed[text])
    verdicts = "; ".join(f"{count} {text}" for text, count in ours.most_common())
    return (
        f"{len(lines)} claim{'s' if len(lines) != 1 else ''}. On the printed numbers: {numbers}. On ours: {verdicts}."
    )


def summaries(grid: PlannedGrid, root: Path) -> dict[str, str]:
    """{method: `count_verdicts`} of what claims.csv holds."""
    path = root / "results" / grid["budget"] / "claims.csv"
    lines = (
        products.read_csv(path, dtype=str, keep_default_na=False)
        if products.left(path)
        else pd.DataFrame(columns=CLAIMS_COLUMNS)
    )
    papers = {entry["name"]: read_paper(root, entry["name"]) for entry in grid["methods"]}
    mine = {method: lines[lines["paper"] == paper.name] for method, paper in papers.items() if paper}
    return {method: count_verdicts(some) for method, some in mine.items() if len(some)}


def committed(root: Path, method: str) -> str:
    """The sentence with the hash that a page carries; '' without claims."""
    paper = read_paper(root, method)
    return (
        f"Claims and predicates: {claims_hash(paper)} (sha256 of the claims and rows of paper.yml and of claims.py)."
        if paper and paper.claims
        else ""
    )
