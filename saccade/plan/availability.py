"""Whether a run can be done here and now, and if not, why: its data or its released weights are missing. No torch."""

from pathlib import Path

from saccade.cards.address import with_edition
from saccade.cards.dataset import Dataset, load_dataset
from saccade.cards.method import IMPORT, Method, load_method
from saccade.plan.phases import weights_of
from saccade.plan.runs import Run
from saccade.records import INDEX_FILE


def why_unavailable(root: Path, dataset: Dataset, budget: str, edition: str = "") -> str | None:
    """Why the dataset can't be used here and now; None where it can."""
    if dataset.wrong:
        return dataset.wrong
    if dataset.source == "embedded" and budget not in dataset.budgets:
        return f"{dataset.name} is embedded data and has no {budget} budget ({', '.join(dataset.budgets)})"
    prepared = Path("data", dataset.name, "prepared", with_edition(budget, edition), INDEX_FILE)
    # not even the prepared index tells what its labels mean
    if not all(head.classes for head in dataset.heads.values()):
        return why_raw_lacking(dataset)
    return None if (root / prepared).is_file() else why_raw_lacking(dataset)


def why_raw_lacking(dataset: Dataset) -> str | None:
    """What raw/ lacks, and how to bring it; None where it is whole."""
    if dataset.wrong:
        return dataset.wrong
    missing = [path for path in dataset.expects if not (dataset.folder / "raw" / path).exists()]
    what = f"lacks {', '.join(missing[:3])}{' ...' if len(missing) > 3 else ''}" if missing else "holds no videos yet"
    whole = not missing and all(head.classes for head in dataset.heads.values())
    return None if whole else f"data/{dataset.name}/raw {what}; {dataset.acquire}".rstrip("; ")


def why_blocked(root: Path, run: Run) -> str | None:
    """Why the run can't be done here and now: because of its own data, of data that a phase it needs is trained on, or
    of released weights. None where it can."""
    for one in dict.fromkeys([run, *(need.run for need in weights_of(root, run))]):
        if why := why_unavailable(root, load_dataset(root, one.dataset), one.budget, one.edition):
            return why
    imports = [need.run for need in weights_of(root, run) if need.phase.name == IMPORT]
    return next(
        (why for one in imports if (why := why_no_released_weights(root, load_method(root, one.method), one.variant))),
        None,
    )


def released_file(root: Path, run: Run) -> Path:
    """Where, below the root, the run's published weights are expected."""
    released = load_method(root, run.method).variants[run.variant].released
    assert released is not None, f"{run.name} has no phase {IMPORT}"  # the card was checked
    return Path("methods", run.method, "released", released.file)


def why_no_released_weights(root: Path, method: Method, variant: str) -> str | None:
    """Which file of published weights the variant lacks and where to get it; None where it lacks none."""
    released = method.variants[variant].released
    if released is None or (root / (file := Path("methods", method.name, "released", released.file))).is_file():
        return None
    return f"{file} is missing; {released.get}"
