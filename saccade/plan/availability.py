"""Whether a run can be done here and now, and if not, why: its data or its released weights are missing. No torch."""

import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path

from saccade import products
from saccade.cards.address import with_edition
from saccade.cards.dataset import Dataset, load_dataset
from saccade.cards.entries import Released
from saccade.cards.method import IMPORT, Method, load_method
from saccade.plan.layers import heads_of, resolve, tests_only
from saccade.plan.phases import weights_of
from saccade.plan.published import why_other_classes
from saccade.plan.runs import Run
from saccade.records import COVERAGE_FILE, INDEX_FILE, Head, SaccadeError


def why_unavailable(root: Path, dataset: Dataset, budget: str, edition: str = "") -> str | None:
    """Why the dataset can't be used here and now; None where it can."""
    if wrong := what_is_wrong(root, dataset, budget, edition):
        return wrong
    if dataset.source == "embedded" and budget not in dataset.budgets:
        return f"{dataset.name} is embedded data and has no {budget} budget ({', '.join(dataset.budgets)})"
    prepared = Path("data", dataset.name, "prepared", with_edition(budget, edition), INDEX_FILE)
    # not even the prepared index tells what its labels mean
    if not dataset.classes_known:
        return why_raw_lacking(dataset)
    return None if (root / prepared).is_file() else why_raw_lacking(dataset)


def what_is_wrong(root: Path, dataset: Dataset, budget: str, edition: str = "") -> str:
    """Why what lies in raw/ can't be used under that budget; '' where nothing is wrong with it."""
    if dataset.wrong or not dataset.untrainable:
        return dataset.wrong
    return "" if tests_only(root, dataset, budget, edition) else dataset.untrainable


def what_is_wrong_with_data(root: Path, run: Run) -> str:
    """`what_is_wrong` with the run's data."""
    return what_is_wrong(root, load_dataset(root, run.dataset), run.budget, run.edition)


def why_raw_lacking(dataset: Dataset) -> str | None:
    """What raw/ lacks, and how to bring it; None where it is whole."""
    if dataset.wrong:
        return dataset.wrong
    raw = dataset.folder / "raw"
    missing = [path for path in dataset.expects if not (raw / path).exists()]
    if dead := [path for path in (raw, *(raw / one for one in missing)) if path.is_symlink() and not path.exists()]:
        return f"{dead[0]} is a link to {dead[0].readlink()}, which isn't there; bring that back, or make the link anew"
    what = f"lacks {', '.join(missing[:3])}{' ...' if len(missing) > 3 else ''}" if missing else "holds no videos yet"
    if missing or not dataset.classes_known:
        return f"data/{dataset.name}/raw {what}; {how_to_bring(dataset)}".rstrip("; ")
    return why_raw_lacking(_videos_of(dataset)) if dataset.videos_of else None


def _videos_of(dataset: Dataset) -> Dataset:
    """The dataset whose raw/ holds this one's videos."""
    return load_dataset(dataset.folder.parents[1], dataset.videos_of)


def how_to_bring(dataset: Dataset) -> str:
    """What the user can do to have the dataset here, in one sentence."""
    command = f"saccade acquire {dataset.name}"
    known = [file.bytes for file in dataset.files if not file.on_request]
    size = f" ({sum(filter(None, known)) / 1e9:.1f} GB)" if known and None not in known and not dataset.listed else ""
    return {
        "automatic": f"`{command}` fetches it{size}",
        "manual": f"`{command}` says which file to get, and where to put it",
        "unavailable": f"its publisher no longer offers it; `{command}` says how to bring in what you have",
    }.get(dataset.obtained, dataset.acquire)


def why_blocked(root: Path, run: Run) -> str | None:
    """Why the run can't be done here and now: because of its own data, of data that a phase it needs is trained on, or
    of released weights. None where it can."""
    needs = weights_of(root, run)
    for one, phase in [(run, None), *((need.run, need.phase.name) for need in needs)]:
        if why := why_without(root, one, phase):
            return why
    if missing := missing_data(root, run):
        return next(iter(missing.values()))
    imports = [need.run for need in needs if need.phase.name == IMPORT]
    return next((why for one in imports if (why := why_not_imported(root, one))), None)


def missing_data(root: Path, run: Run) -> dict[str, str]:
    """{dataset[@edition]: why it can't be used here and now}, of the run's own data and of that which phases that it
    needs are trained on; empty where all of it is here."""
    every = dict.fromkeys([run, *(need.run for need in weights_of(root, run))])
    asked = {one.data: (load_dataset(root, one.dataset), one.budget, one.edition) for one in every}
    return {data: why for data, about in asked.items() if (why := why_unavailable(root, *about))}


def waiting_for_data(root: Path, runs: Iterable[Run], most: int = 5) -> list[str]:
    """For each dataset that runs wait for, the first of them and what is lacking, in a line; at most so many lines, and
    how many more there are."""
    lacking: dict[str, str] = {}
    for run in runs:
        if not what_is_wrong_with_data(root, run):  # which is told for itself
            for data, why in missing_data(root, run).items():
                name = str(dataclasses.replace(run.address, budget="", seed=""))
                lacking.setdefault(data.partition("@")[0], f"{name}: {why}")
    lines = list(lacking.values())
    return lines[:most] + ([f"and {len(lines) - most} more"] if len(lines) > most else [])


def why_without(root: Path, run: Run, phase: str | None = None) -> str | None:
    """Why the run's data lacks what the run, or one of its phases, sees or hears (`modalities`): its card says so, or
    it is prepared and some videos have no sound. None where nothing is known to be lacking."""
    dataset, wanted = load_dataset(root, run.dataset), resolve(root, run, phase).values["modalities"]
    if lacking := [modality for modality in wanted if modality not in dataset.modalities]:
        return f"{run.dataset} has no {' and no '.join(lacking)}, which {run.variant} needs"
    try:
        sound = products.read(root / run.prepared / COVERAGE_FILE).get("sound", {})
    except SaccadeError:  # not prepared yet, or damaged, which whoever reads it says
        return None
    if "audio" not in wanted or not (silent := sound.get("without", 0)):
        return None
    return (
        f"{silent} of {sound['with'] + silent} videos of {run.prepared} have no sound, to which {run.variant} listens; "
        "leave them out, or take 'audio' out of `modalities`"
    )


def why_not_imported(root: Path, run: Run) -> str | None:
    """Why the run's published weights can't be brought in: they don't fit its data, or their file is missing. None
    where they can; where the run has none, too."""
    return why_unfit(root, run) or why_no_released_weights(root, load_method(root, run.method), run.variant)


def why_unfit(root: Path, run: Run) -> str | None:
    """Why published weights can't answer for the run's data, whose classes they don't know or which would be trained
    on; None where they can, as a backbone without a classifier always can."""
    method, dataset = load_method(root, run.method), load_dataset(root, run.dataset)
    released = method.variants[run.variant].released
    if released is None or released.num_classes is None:
        return None
    heads = heads_of(root, run)
    if why := _why_other_heads(released, heads):
        return why
    whys = (why_other_classes(method, released, run.data, head) for head in heads)
    if why := next(filter(None, whys), None):
        return why
    of_weights = any(head.of_weights for head in heads)
    tests = not of_weights or tests_only(root, dataset, run.budget, run.edition)
    return None if tests else _why_other_budget(root, dataset, run)


def _why_other_heads(released: Released, heads: Sequence[Head]) -> str | None:
    """Why the run's heads aren't those of the weights; None where they are."""
    names, theirs = ", ".join(head.name for head in heads), released.heads
    if not theirs:
        return f"published weights have one classifier, but the run has the heads {names}" if len(heads) > 1 else None
    if {head.name for head in heads} == set(theirs):
        return None
    return f"published weights have the classifiers {', '.join(theirs)}, but the run has the heads {names}"


def _why_other_budget(root: Path, dataset: Dataset, run: Run) -> str:
    right = next((budget for budget in dataset.budgets if tests_only(root, dataset, budget)), None)
    name = dataclasses.replace(run, budget=right).name if right else f"of a budget with tests_only in {dataset.file}"
    return (
        f"published weights are tested on {dataset.name}, with their own classes, where nothing is trained; the run "
        f"for that is {name}"
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
