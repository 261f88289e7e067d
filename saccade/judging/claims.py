"""Each claim of a paper judged twice, on its printed numbers and on ours, as far as the budget allows: docs/claims.md.
No torch.

A plain claim has its `tests` in `paper.yml` (plain_claims.py). A method's `claims.py` has one function for each other
id: (reported, ours) -> Finding | Cited. `reported` is a `Reported`, `ours` a `SystemResults`; what asks `ours` stands
inside the finding's `on_ours`, which is called only where it is judged.
"""

import dataclasses
import inspect
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from saccade.cards.paper import Claim, Paper, read_paper
from saccade.judging.plain_claims import plain_predicate
from saccade.judging.reported import Reported, printed_cells
from saccade.judging.systems import SystemResults
from saccade.judging.verdict import Cited, Finding, Judgement, Outcome, Untestable, verdicts_of
from saccade.products import DamageError
from saccade.project import load_module
from saccade.records import CLAIMS_COLUMNS, SaccadeError
from saccade.results.reader import NotRun, PlannedGrid

Predicate = Callable[[Any, Any], Finding | Cited]
EMBEDDED = "mechanism, embedded data: "
PRINTED = {True: "agrees", False: "disagrees", None: "not printed"}
CANT_FAIL = "can't fail"  # on the printed numbers, since the bound, or the order, was taken from them


def judge_paper(grid: PlannedGrid, root: Path, method: str) -> pd.DataFrame:
    """CLAIMS_COLUMNS, a line per claim in the order of paper.yml; empty without a paper.yml."""
    paper = read_paper(root, method)
    if paper is None or not paper.claims:
        return pd.DataFrame(columns=CLAIMS_COLUMNS)
    predicates = load_predicates(paper)
    kept = {claim.id: why_not_judged(grid["budget"], claim) for claim in paper.claims}
    chosen = {
        claim.id: _named(paper, claim, predicates[claim.id] if not kept[claim.id] else _silent(predicates[claim.id]))
        for claim in paper.claims
    }
    reported = Reported(printed_cells(paper), {layout.name: layout.dataset for layout in paper.tables})
    found = verdicts_of(chosen, reported, SystemResults(grid, root, method))
    try:
        lines = [[paper.name, *_line(claim, found[claim.id], kept[claim.id], grid["budget"])] for claim in paper.claims]
    except SaccadeError as error:
        raise SaccadeError(f"{paper.file}: {error}") from None
    return pd.DataFrame(lines, columns=CLAIMS_COLUMNS)


def load_predicates(paper: Paper) -> dict[str, Predicate]:
    """What judges each claim, by id, in the order of paper.yml: its `tests`, or the function of claims.py. SaccadeError
    where a claim has neither, or a function of (reported, ours), which is what makes it a claim's, no claim without
    tests."""
    file = paper.file.with_name("claims.py")
    module = load_module(file) if file.is_file() else None
    functions = inspect.getmembers(module, inspect.isfunction) if module else []
    own = [name for name, each in functions if [*inspect.signature(each).parameters] == ["reported", "ours"]]
    ids = [claim.id for claim in paper.claims if not claim.tests]
    if lacking := [name for name in ids if not callable(getattr(module, name, None))]:
        raise SaccadeError(
            f"{file} has no function for the claims {', '.join(lacking)} of paper.yml, which have no `tests` there"
        )
    if twice := [claim.id for claim in paper.claims if claim.tests and callable(getattr(module, claim.id, None))]:
        raise SaccadeError(f"{file}: {', '.join(twice)}: judged by the `tests` of paper.yml already")
    if more := [name for name in own if name not in ids]:
        raise SaccadeError(f"{file}: no claim of paper.yml has the id {', '.join(more)}")
    return {
        claim.id: plain_predicate(paper, claim) if claim.tests else getattr(module, claim.id) for claim in paper.claims
    }


def why_not_judged(budget: str, claim: Claim) -> str | None:
    """Why the claim isn't judged on ours in this budget; None where it is."""
    if budget == "demo":
        return "not judged: the demo proves the machine"
    if budget == "study":
        return None if claim.mechanism else "not run (needs budget paper: real data, published schedules)"
    if budget == "paper":
        return "not judged: a mechanism is judged on embedded data, in budget study" if claim.mechanism else None
    return f"not judged: budget {budget} is none of the published protocols"


def _named(paper: Paper, claim: Claim, act: Predicate) -> Predicate:
    """The predicate, whose mistakes name it, and whose question that the runs can't answer is untestable."""

    def named(reported: Any, ours: Any) -> Finding | Cited:
        try:
            found = act(reported, ours)
        except DamageError:  # no answer of the runs', nor the claim's mistake
            raise
        except SaccadeError as error:
            file = paper.file if claim.tests else paper.file.with_name("claims.py")
            raise SaccadeError(f"{file}: {claim.id}: {error}") from None
        return (
            found if isinstance(found, Cited) else dataclasses.replace(found, on_ours=lambda: _answered(found.on_ours))
        )

    return named


def _answered(on_ours: Callable[[], Outcome]) -> Outcome:
    try:
        return on_ours()
    except DamageError:
        raise
    except SaccadeError as error:
        raise Untestable(str(error)) from None


def _silent(act: Predicate) -> Predicate:
    """The predicate without its test on ours, which then isn't counted among those that are corrected for their
    number."""

    def silent(reported: Any, ours: Any) -> Finding | Cited:
        found = act(reported, ours)
        return found if isinstance(found, Cited) else Finding(found.on_printed, _not_asked)

    return silent


def _not_asked() -> Outcome:
    raise NotRun("not asked")


def _line(claim: Claim, found: Judgement, kept: str | None, budget: str) -> list[str]:
    """claim, where, says, comparand, on_printed, on_ours, evidence."""
    verdict = found.on_ours
    evidence = verdict.evidence + ("" if math.isnan(verdict.p) else f"; p = {verdict.p:.2g} after Holm's correction")
    text = verdict.kind + (f" ({verdict.why})" if verdict.why else "")
    if found.comparand == "cited":
        on_ours, evidence = ("not comparable", verdict.why) if kept is None or budget != "demo" else (kept, verdict.why)
    else:
        on_ours = kept or (EMBEDDED if claim.mechanism else "") + text
    comparand = "cited, run here" if claim.cited_rival else found.comparand
    return [claim.id, claim.where, claim.says, comparand, _on_printed(claim, found.on_printed), on_ours, evidence]


def _on_printed(claim: Claim, said: bool | None) -> str:
    """The verdict on the printed numbers, and in brackets what it is worth. SaccadeError where paper.yml says that it
    can't fail and it does, or of a claim without printed numbers what these are worth."""
    remarks = {
        "bound_from_print": claim.bound_from_print,
        "partly_from_print": claim.partly_from_print and f"in part can't fail: {claim.partly_from_print}",
        "cited_rival": claim.cited_rival
        and f"against cited numbers, which may differ in {', '.join(claim.cited_rival)}",
    }
    given = {key: remark for key, remark in remarks.items() if remark}
    if given and said is None:
        raise SaccadeError(f"{claim.id}: {', '.join(given)}: nothing is printed that it could be said of")
    if claim.bound_from_print and not said:
        raise SaccadeError(f"{claim.id}: bound_from_print: the printed numbers do fail it; leave the key out")
    word = CANT_FAIL if claim.bound_from_print else PRINTED[said]
    return word + (f" ({'; '.join(given.values())})" if given else "")
