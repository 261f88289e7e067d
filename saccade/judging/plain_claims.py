"""What the words of a plain claim mean, on the printed numbers and on ours. No torch.

    better   printed: the first is above the second, or by at least `by` where that is said, and by at most `at_most`;
             ours: `verdict.better` by `by`, and the lead `at_most` that
    as_good  printed: they are at most `within` apart; ours: `verdict.comparable` within it
    cheaper  printed: the first costs less, or at most `share` of the second where that is said; ours: less than that
             share, per video
    rising   printed: each is above the one before; ours: `verdict.monotone`

All comparisons of a claim must hold jointly. Our runs follow from the rows, the measure from the columns' metrics.
"""

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from saccade.cards.paper import Claim, Paper
from saccade.cards.plain_claims import Comparison, PrintedCell
from saccade.judging.compare import difference, map_difference
from saccade.judging.effect import Effect
from saccade.judging.system_scores import SystemScores
from saccade.judging.systems import system_of
from saccade.judging.verdict import (
    Cited,
    Finding,
    Outcome,
    all_of,
    at_most,
    better,
    comparable,
    labelled,
    monotone,
)

Reported = Callable[..., float]
# how a metric ends -> what `SystemResults` is asked
QUESTIONS = {"top1": "hits", "top5": "top5", "map": "scored"}


def plain_predicate(paper: Paper, claim: Claim) -> Callable[[Reported, Any], Finding | Cited]:
    """The function of (reported, ours) that a plain claim stands for, as those of claims.py."""

    def judged(reported: Reported, ours: Any) -> Finding | Cited:
        rows = Rows(paper, claim.table, reported, ours)
        on_printed = all(PRINTED[one.word](one, rows) for one in claim.tests) if claim.table else None
        if claim.cited:
            return Cited(bool(on_printed), claim.cited)
        return Finding(on_printed, lambda: all_of(*(part for one in claim.tests for part in OURS[one.word](one, rows))))

    return judged


@dataclass(frozen=True)
class Rows:
    """The printed numbers and our results of one table's rows, by its columns."""

    paper: Paper
    table: str
    reported: Reported
    ours: Any

    def printed(self, row: str, column: str) -> float:
        name, dataset = self.paper.layout(self.table).printed_column(column)
        return self.reported(self.table, row, name, dataset)

    def printed_lead(self, first: str, second: str, column: str) -> float:
        """Rounded to what print has, so that 78.7 - 78.2 is 0.5."""
        return round(self.printed(first, column) - self.printed(second, column), 6)

    def bound(self, said: float | PrintedCell) -> float:
        """A margin for the printed numbers, which may be a printed number itself."""
        return self.reported(*said) if isinstance(said, tuple) else said

    def scores(self, row: str, column: str) -> Any:
        """Ours, by the metric that answers the column: SystemScores, or SystemClassScores for mean average
        precision."""
        head, _, measure = self.paper.metric(self.table, column).rpartition(".")
        system = system_of(self.paper.source(self.table, row, column), self.paper.method)
        if head == "gmacs":
            return self.ours.gmacs(*system)
        return getattr(self.ours, QUESTIONS[measure])(*system, head=head)

    def lead(self, first: str, second: str, column: str) -> Effect:
        """Ours of the first row minus ours of the second."""
        return _lead(self.scores(first, column), self.scores(second, column))


def _pairs(one: Comparison) -> Iterator[tuple[str, str, str]]:
    """(first row, second row, column): each of `rows` against each of `than`, in each column."""
    return ((first, second, column) for column in one.columns for first in one.rows for second in one.than)


# On the printed numbers


def printed_better(one: Comparison, rows: Rows) -> bool:
    """Every lead is above 0, or at least `by`, and at most `at_most`."""
    least, most = one.by.printed, one.at_most.printed
    leads = [rows.printed_lead(*pair) for pair in _pairs(one)]
    enough = all(lead > 0 if least is None else lead >= rows.bound(least) for lead in leads)
    return enough and (most is None or all(lead <= rows.bound(most) for lead in leads))


def printed_as_good(one: Comparison, rows: Rows) -> bool:
    """Every lead is within +-`within`."""
    margin = one.within.printed
    assert margin is not None, "read_paper lets no claim go without it"
    return all(abs(rows.printed_lead(*pair)) <= rows.bound(margin) for pair in _pairs(one))


def printed_cheaper(one: Comparison, rows: Rows) -> bool:
    """Every first costs less than its second, or at most `share` of it."""
    costs = [(rows.printed(first, column), rows.printed(second, column)) for first, second, column in _pairs(one)]
    share = one.share.printed
    return all(own < other if share is None else own <= rows.bound(share) * other for own, other in costs)


def printed_rising(one: Comparison, rows: Rows) -> bool:
    """In every column each row is above the one before."""
    steps = zip(one.rows, one.rows[1:], strict=False)
    return all(rows.printed(a, column) < rows.printed(b, column) for a, b in steps for column in one.columns)


# On ours


def our_better(one: Comparison, rows: Rows) -> Iterator[Outcome]:
    """Every lead is above `by` (0 where that isn't said), and below `at_most`."""
    for first, second, column in _pairs(one):
        lead, said = rows.lead(first, second, column), f"{column}, {first} - {second}"
        yield labelled(said, better(lead, one.by.ours or 0.0))
        if one.at_most.ours is not None:
            yield labelled(said, at_most(lead, one.at_most.ours))


def our_as_good(one: Comparison, rows: Rows) -> Iterator[Outcome]:
    """Every lead is within +-`within`."""
    margin = one.within.ours
    assert margin is not None, "read_paper lets no claim go without it"
    for first, second, column in _pairs(one):
        yield labelled(f"{column}, {first} - {second}", comparable(rows.lead(first, second, column), margin))


def our_cheaper(one: Comparison, rows: Rows) -> Iterator[Outcome]:
    """Every first costs less than `share` (1 where that isn't said) of its second, per video."""
    share = 1.0 if one.share.ours is None else one.share.ours
    for first, second, column in _pairs(one):
        own, other = rows.scores(first, column), rows.scores(second, column)
        less = difference(own, dataclasses.replace(other, values=np.asarray(other.values, dtype=float) * share))
        yield labelled(f"{column}, {first} - {second} x {share:.3g}", at_most(less, 0.0))


def our_rising(one: Comparison, rows: Rows) -> Iterator[Outcome]:
    """In every column each row is above the one before, all steps jointly."""
    for column in one.columns:
        steps = monotone([rows.scores(row, column) for row in one.rows], compare=_lead)
        yield labelled(f"{column} of {', '.join(one.rows)}, each minus the one before", steps)


def _lead(first: Any, second: Any) -> Effect:
    if isinstance(first, SystemScores):
        return difference(first, second)
    return map_difference(first, second)


PRINTED = {"better": printed_better, "as_good": printed_as_good, "cheaper": printed_cheaper, "rising": printed_rising}
OURS = {"better": our_better, "as_good": our_as_good, "cheaper": our_cheaper, "rising": our_rising}
