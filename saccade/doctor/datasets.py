"""The datasets at a glance. No torch."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from saccade.cards.dataset import Dataset, load_dataset
from saccade.doctor.dataset_state import DatasetState, PreparedState, RawState, look
from saccade.plan.wrapped_text import row, second_column, to_type, wrapped
from saccade.project import names
from saccade.records import SaccadeError, first_few, one_line, size_words


def describe_datasets(root: Path, width: int) -> Iterator[str]:
    """Each with how it is obtained, its state, and the command that brings it further."""
    every = names(root, "data")
    for name in every:
        try:
            dataset = load_dataset(root, name)
            state = look(root, dataset)
        except SaccadeError as error:
            yield from row(name, f"wrong: {one_line(error)}", every, width)
            continue
        yield from row(name, f"{how_obtained(dataset)}: {state_words(dataset, state)}", every, width)
        yield from next_lines(state, second_column(every, width), width)


def next_lines(state: DatasetState, indent: int, width: int) -> list[str]:
    """What brings the dataset further: the command, or the sentence where only the user can do it."""
    if state.command:
        return [to_type(state.command, indent)]
    return wrapped(one_line(state.advice), " " * indent, width)


def how_obtained(dataset: Dataset) -> str:
    """In a word: acquire fetches it, the user does, nobody can, it is made here, or it is the user's own."""
    return dataset.obtained or ("embedded" if dataset.source == "embedded" else "yours")


def state_words(dataset: Dataset, state: DatasetState) -> str:
    """What is here of it, in one sentence."""
    parts = [raw_words(state.raw)] if state.raw else []
    parts += [f"videos of {dataset.videos_of}: {raw_words(state.videos)}"] if state.videos else []
    if state.advice:
        parts = ["what is here can't be used" if dataset.wrong else "nothing here"]
    lacking = state.advice or not all(raw.enough for raw in (state.raw, state.videos) if raw)
    return "; ".join([*parts, *(prepared_words(state.prepared) or ([] if lacking else ["not prepared"]))])


def raw_words(raw: RawState) -> str:
    """`fetched 1 of 2 files, 114 kB of 6.96 GB; 1 still to unpack`."""
    count = f"{raw.files} file{'s' * (raw.files != 1)}"
    more = f", which name more: {'; '.join(raw.more)}" if raw.more else ""
    if not raw.here:
        size = f", {size_words(raw.bytes)}" if raw.bytes else ""
        return "your own copy is here" if raw.brought else f"nothing here ({count}{size}{more})"
    unpack = f"; {raw.packed} still to unpack" if raw.packed else ""
    if raw.here == raw.files:
        lacking = "" if raw.whole or raw.packed else ", but not all that prepare expects"
        return f"all here: {count}, {size_words(raw.bytes_here)}{unpack}{lacking}"
    of = f" of {size_words(raw.bytes)}" if raw.bytes else ""
    lacking = f"; not here: {first_few(raw.partial, 3)}" if raw.partial else ""
    return f"fetched {raw.here} of {count}, {size_words(raw.bytes_here)}{of}{more}{unpack}{lacking}"


def prepared_words(prepared: Sequence[PreparedState]) -> list[str]:
    """For which budgets and editions it is prepared, those in one part of which the same is to be said."""
    groups: dict[tuple[str, str], list[PreparedState]] = {}
    for each in prepared:
        groups.setdefault((each.stale, each.wrong), []).append(each)
    return [_of_alike(stale, wrong, states) for (stale, wrong), states in groups.items()]


def _of_alike(stale: str, wrong: str, states: Sequence[PreparedState]) -> str:
    labels = ", ".join(each.label for each in states)
    if wrong:
        return one_line(f"preparing {labels}: {wrong}")
    usable, expected = (f"{sum(s.coverage.get(key, 0) for s in states):,}" for key in ("usable", "expected"))
    told = f"prepared for {labels} ({usable} of {expected} videos usable)"
    return one_line(f"{told}, stale: {stale}") if stale else told
