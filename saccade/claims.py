"""Each claim of a paper judged twice, on its printed numbers and on ours, as far as the budget allows: docs/claims.md. No torch.

A method's `claims.py` has one function per claim of its `paper.yml`, named by its id: (reported, ours) -> Finding | Cited. `reported`
is a `Reported`, `ours` an `Ours`; what asks `ours` stands inside the finding's `on_ours`, which is called only where it is judged.
"""

import dataclasses
import inspect
import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from saccade.cards.paper import Claim, Paper, claims_hash, read_paper
from saccade.ours import Ours
from saccade.paper_tables import printed_cells
from saccade.project import load_module
from saccade.records import CLAIMS_COLUMNS, SaccadeError, suggest
from saccade.tables import Plan
from saccade.typeset import NONE
from saccade.verdict import Cited, Finding, Judgement, NotRun, Outcome, Untestable, judge

Predicate = Callable[[Any, Any], Finding | Cited]
EMBEDDED = "mechanism, embedded data: "
PLURAL = {"agrees": "agree", "disagrees": "disagree", "not printed": "not printed"}
PRINTED = {True: "agrees", False: "disagrees", None: "not printed"}


@dataclass(frozen=True, eq=False)
class Reported:
    """The paper's printed numbers, in the units of reported.csv. datasets: of each table, where a cell is printed for several."""

    lines: pd.DataFrame
    datasets: Mapping[str, str]

    def __call__(self, table: str, row: str, column: str, dataset: str | None = None) -> float:
        """SaccadeError where there is no such cell, or one on each of several datasets and none is named."""
        found = self.lines[(self.lines["table"] == table) & (self.lines["row"] == row) & (self.lines["column"] == column)]
        if dataset is None and len(found) > 1:
            dataset = self.datasets.get(table)
        own = found if dataset is None else found[found["dataset"] == dataset]
        if len(own) != 1:
            there = f"on {', '.join(found['dataset'])}" if len(found) else self._near(table, row, column)
            raise SaccadeError(
                f"reported.csv has {len(own)} cells {table} / {row} / {column}" + (f" / {dataset}" if dataset else "") + f": {there}"
            )
        return float(own["value"].iloc[0])

    def _near(self, table: str, row: str, column: str) -> str:
        mine = self.lines[self.lines["table"] == table]
        for what, name, known in (("table", table, self.lines["table"]), ("row", row, mine["row"]), ("column", column, mine["column"])):
            if name not in set(known):
                return f"no {what} '{name}'" + suggest(name, set(known))
        return "not printed together"


def judge_all(plan: Plan, root: Path) -> pd.DataFrame:
    """CLAIMS_COLUMNS of every method of the plan that has a paper.yml: results/<budget>/claims.csv."""
    tables = [judge_paper(plan, root, entry["name"]) for entry in plan["methods"]]
    return pd.concat([pd.DataFrame(columns=CLAIMS_COLUMNS), *(table for table in tables if len(table))], ignore_index=True)


def judge_paper(plan: Plan, root: Path, method: str) -> pd.DataFrame:
    """CLAIMS_COLUMNS, a line per claim in the order of paper.yml; empty without a paper.yml."""
    paper = read_paper(root, method)
    if paper is None or not paper.claims:
        return pd.DataFrame(columns=CLAIMS_COLUMNS)
    predicates = load_predicates(paper)
    kept = {claim.id: not_judged(plan["budget"], claim) for claim in paper.claims}
    chosen = {name: _named(paper, name, act if not kept[name] else _silent(act)) for name, act in predicates.items()}
    reported = Reported(printed_cells(paper), {layout.name: layout.dataset for layout in paper.tables})
    found = judge(chosen, reported, Ours(plan, root, method))
    lines = [[paper.name, *_line(claim, found[claim.id], kept[claim.id], plan["budget"])] for claim in paper.claims]
    return pd.DataFrame(lines, columns=CLAIMS_COLUMNS)


def load_predicates(paper: Paper) -> dict[str, Predicate]:
    """The functions of claims.py by id, in the order of paper.yml. SaccadeError where a claim has no function, or a function of
    (reported, ours), which is what makes it a claim's, no claim."""
    module = load_module(paper.file.with_name("claims.py"))
    functions = inspect.getmembers(module, inspect.isfunction)
    own = [name for name, each in functions if [*inspect.signature(each).parameters] == ["reported", "ours"]]
    ids = [claim.id for claim in paper.claims]
    if lacking := [name for name in ids if not callable(getattr(module, name, None))]:
        raise SaccadeError(f"{module.__file__} has no function for the claims {', '.join(lacking)} of paper.yml")
    if more := [name for name in own if name not in ids]:
        raise SaccadeError(f"{module.__file__}: no claim of paper.yml has the id {', '.join(more)}")
    return {name: getattr(module, name) for name in ids}


def not_judged(budget: str, claim: Claim) -> str:
    """Why the claim isn't judged on ours in this budget; '' where it is."""
    if budget == "demo":
        return "not judged: the demo proves the machine"
    if budget == "study":
        return "" if claim.mechanism else "not run (needs budget paper: real data, published schedules)"
    if budget == "paper":
        return "not judged: a mechanism is judged on embedded data, in budget study" if claim.mechanism else ""
    return f"not judged: budget {budget} is none of the published protocols"


def show_claims(lines: pd.DataFrame) -> pd.DataFrame:
    """The claims of one paper as its page shows them."""
    names = {"claim": "Claim", "where": "Where", "says": "Says", "comparand": "Comparand", "on_printed": "On printed"}
    table = lines.rename(columns={**names, "on_ours": "On ours", "evidence": "Evidence"}).drop(columns="paper")
    return table.drop(columns="Evidence") if (table["Evidence"] == "").all() else table.replace({"Evidence": {"": NONE}})


def count_verdicts(lines: pd.DataFrame) -> str:
    """How many claims there are and what was found, in one line."""
    printed, ours = (Counter(text.partition(" (")[0] for text in lines[column]) for column in ("on_printed", "on_ours"))
    numbers = ", ".join(f"{printed[text]} {plural}" for text, plural in PLURAL.items() if printed[text])
    verdicts = "; ".join(f"{count} {text}" for text, count in ours.most_common())
    return f"{len(lines)} claim{'s' if len(lines) != 1 else ''}. On the printed numbers: {numbers}. On ours: {verdicts}."


def summaries(plan: Plan, root: Path) -> dict[str, str]:
    """{method: `count_verdicts`} of what claims.csv holds."""
    path = root / "results" / plan["budget"] / "claims.csv"
    lines = pd.read_csv(path, dtype=str, keep_default_na=False) if path.exists() else pd.DataFrame(columns=CLAIMS_COLUMNS)
    papers = {entry["name"]: read_paper(root, entry["name"]) for entry in plan["methods"]}
    mine = {method: lines[lines["paper"] == paper.name] for method, paper in papers.items() if paper}
    return {method: count_verdicts(some) for method, some in mine.items() if len(some)}


def committed(root: Path, method: str) -> str:
    """The sentence with the hash that a page carries; '' without claims."""
    paper = read_paper(root, method)
    return (
        f"Claims and predicates: {claims_hash(paper)} (sha256 of the claims of paper.yml and of claims.py)."
        if paper and paper.claims
        else ""
    )


def _named(paper: Paper, name: str, act: Predicate) -> Predicate:
    """The predicate, whose mistakes name it, and whose question that the runs can't answer is untestable."""

    def named(reported: Any, ours: Any) -> Finding | Cited:
        try:
            found = act(reported, ours)
        except SaccadeError as error:
            raise SaccadeError(f"{paper.file.with_name('claims.py')}: {name}: {error}") from None
        return found if isinstance(found, Cited) else dataclasses.replace(found, on_ours=lambda: _answered(found.on_ours))

    return named


def _answered(on_ours: Callable[[], Outcome]) -> Outcome:
    try:
        return on_ours()
    except SaccadeError as error:
        raise Untestable(str(error)) from None


def _silent(act: Predicate) -> Predicate:
    """The predicate without its test on ours, which then isn't counted among those that are corrected for their number."""

    def silent(reported: Any, ours: Any) -> Finding | Cited:
        found = act(reported, ours)
        return found if isinstance(found, Cited) else Finding(found.on_printed, _not_asked)

    return silent


def _not_asked() -> Outcome:
    raise NotRun("not asked")


def _line(claim: Claim, found: Judgement, kept: str, budget: str) -> list[str]:
    """claim, where, says, comparand, on_printed, on_ours, evidence."""
    verdict = found.on_ours
    evidence = verdict.evidence + ("" if math.isnan(verdict.p) else f"; p = {verdict.p:.2g} after Holm's correction")
    told = verdict.kind + (f" ({verdict.why})" if verdict.why else "")
    if found.comparand == "cited":
        on_ours, evidence = ("not comparable", verdict.why) if budget != "demo" else (kept, verdict.why)
    else:
        on_ours = kept or (EMBEDDED if claim.mechanism else "") + told
    return [claim.id, claim.where, claim.says, found.comparand, PRINTED[found.on_printed], on_ours, evidence]
