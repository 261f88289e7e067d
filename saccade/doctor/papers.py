"""What of the papers' tables could be answered here and now, and what the rest waits for. No torch."""

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path

import pandas as pd

from saccade.cards.address import VARIANT_ON_DATA, parse_address
from saccade.cards.dataset import load_dataset
from saccade.cards.layout import Layout
from saccade.cards.paper import Paper, read_paper
from saccade.cost.printed import is_complexity
from saccade.judging.reported import lines_of, printed_cells, source_of
from saccade.plan.availability import missing_data, why_blocked, why_without
from saccade.plan.checked import check_settings
from saccade.plan.runs import Run
from saccade.plan.wrapped_text import row, wrapped
from saccade.project import PUBLISHED, names
from saccade.records import METRICS_FILE, SaccadeError, one_line

HEAD = (
    "Of each table the cells that are ours. Counted: multiply-adds and parameters, which take no data (saccade cost). "
    "Ready to run: their data are here or are made here, and so are published weights."
)
COUNTED, DONE, READY, UNPLANNED = "counted", "done", "ready to run", "not to be planned"

State = tuple[str, str]  # of a paper's run: what is told of its cells, and a hint for the first of those that share it


def describe_papers(root: Path, width: int) -> Iterator[str]:
    """Per paper a line for each table that asks something of us: how many of its cells are counted, done or ready to
    run, and what the others lack."""
    yield from wrapped(HEAD, "", width)
    state_of = cache(partial(run_state, root))
    for method in names(root, "methods"):
        try:
            paper = read_paper(root, method)
            told = dict(_tables(paper, state_of)) if paper else {}
        except SaccadeError as error:
            yield from ("", *wrapped(f"{method}: wrong: {one_line(error)}", "", width, "  "))
            continue
        if paper and told:
            yield from ("", *wrapped(f"{method}  {paper.title}", "", width, "  "))
            for name, text in told.items():
                yield from row(name, text, told, width)


def _tables(paper: Paper, state_of: Callable[[str], State]) -> Iterator[tuple[str, str]]:
    printed = printed_cells(paper)
    for layout in paper.tables:
        if layout.rows and layout.columns and (text := _told(paper, layout, printed, state_of)):
            yield layout.name, text


def _told(paper: Paper, layout: Layout, printed: pd.DataFrame, state_of: Callable[[str], State]) -> str:
    """`8 counted; 32 lacking minikinetics (not here)`, of the cells that are ours; '' where nothing is asked of us."""
    found, hints = Counter({COUNTED: 0}), dict[str, str]()
    for line in lines_of(paper, layout, printed):
        source = source_of(layout, line)
        if is_complexity(line.unit) and (source or line.origin != "cited"):
            found[COUNTED] += 1
        elif source and line.shown in layout.metrics:
            state, hint = state_of(source.run)
            found[state] += 1
            hints.setdefault(state, hint)
    return "; ".join(f"{count} {state}{hints.get(state, '')}" for state, count in found.items() if count)


def run_state(root: Path, name: str) -> State:
    """Of the cells that a paper's run (`VARIANT_ON_DATA`) answers: whether they are done or ready to run, or which data
    are lacking. Where it is a mean over editions all of these count."""
    named = dataclasses.replace(parse_address(name, VARIANT_ON_DATA), budget=PUBLISHED, seed="0")
    if named.dataset not in names(root, "data"):
        return f"lacking {named.dataset} (no card)", ""
    try:
        dataset = load_dataset(root, named.dataset)
    except SaccadeError:
        return f"lacking {named.dataset} (its card is wrong)", ""
    editions = dataset.means.get(named.edition, (named.edition,))
    try:
        runs = [Run.parse(root, str(dataclasses.replace(named, edition=edition))) for edition in editions]
        if all(list((root / run.folder).parent.glob(f"seed*/{METRICS_FILE}")) for run in runs):
            return DONE, ""
        if deaf := next(filter(None, (why_without(root, run) for run in runs)), None):
            lacks, comma, who = one_line(deaf).partition(", ")
            return f"not to be run: {lacks}", comma + who
        missing = {data.partition("@")[0]: "" for run in runs for data in missing_data(root, run)}
        blocked = "" if missing else next(filter(None, (why_blocked(root, run) for run in runs)), "")
        for run in [] if missing or blocked else runs:
            check_settings(root, run)
    except SaccadeError:
        return UNPLANNED, f" (saccade plan {dataclasses.replace(named, edition=editions[0])} says why)"
    if missing:
        return f"lacking {', '.join(missing)} (not here)", ""
    return (f"not to be run: {one_line(blocked)}", "") if blocked else (READY, "")
