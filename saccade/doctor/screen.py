"""What `doctor` prints: one screen on this machine, the datasets and the papers, or one dataset in full."""

from collections.abc import Iterator
from pathlib import Path

from saccade.cards.config import load_config
from saccade.cards.dataset import load_dataset
from saccade.doctor.dataset_state import DEMO
from saccade.doctor.datasets import describe_datasets
from saccade.doctor.machine import examine
from saccade.plan.grid import selected_runs
from saccade.plan.wrapped_text import row, second_column, to_type, wrapped
from saccade.project import names
from saccade.records import SaccadeError, one_line


def describe_all(root: Path, width: int) -> Iterator[str]:
    """The screen, line by line. Raises SaccadeError at its end where something is broken that the demo needs."""
    found = list(examine(root, ", ".join(_come_as_rar(root))))
    labels = [finding.name for finding in found]
    yield "MACHINE"
    for finding in found:
        said = f"{finding.says}: {finding.lacks}" if finding.lacks else finding.says
        yield from row(finding.name, one_line(said), labels, width)
        if finding.lacks:
            yield to_type(finding.mend, second_column(labels, width))
    yield from ("", "DATASETS", *describe_datasets(root, width), "", "PAPERS")
    try:
        from saccade.doctor.papers import describe_papers

        yield from describe_papers(root, width)
    except ImportError as error:  # of pandas
        yield from wrapped(f"can't be told: {error}", "  ", width)
    yield from ("", "One dataset in full: saccade doctor DATASET")
    if broken := [*(finding.broken for finding in found if finding.broken), *_broken_demo(root)]:
        raise SaccadeError(f"the demo can't run here: {'; '.join(broken)}")


def _come_as_rar(root: Path) -> Iterator[str]:
    """The datasets that have a RAR archive among their files."""
    for name in names(root, "data"):
        try:
            dataset = load_dataset(root, name)
        except SaccadeError:
            continue
        if any(file.name.lower().endswith(".rar") for file in dataset.files):
            yield name


def _broken_demo(root: Path) -> Iterator[str]:
    """What is wrong with the demo's config or with a card that it needs."""
    try:
        selected_runs(root, load_config(root / "config" / f"{DEMO}.yaml"))
    except SaccadeError as error:
        yield str(error)
