"""What is here of a dataset, from the publisher's files to the prepared index, and the command that brings it further.
No torch, and no network."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from saccade import files, products
from saccade.acquire.inventory import downloaded, inventory
from saccade.acquire.ledger import Entry, Ledger
from saccade.acquire.offer import offered
from saccade.cards.address import RUNS, VARIANT_ON_DATA, Address, parse_address, with_edition
from saccade.cards.config import Config, load_config
from saccade.cards.dataset import Dataset, load_dataset
from saccade.cards.paper import read_paper
from saccade.plan.availability import why_blocked, why_raw_lacking
from saccade.plan.checked import check_settings
from saccade.plan.describe import why_prepared_again
from saccade.plan.runs import Run
from saccade.project import PUBLISHED, names
from saccade.records import COVERAGE_FILE, FAILED_FILE, INDEX_FILE, SaccadeError

DEMO = "demo"  # a budget with a config of that name, as PUBLISHED is


@dataclass(frozen=True)
class RawState:
    """What is below raw/ of the files that acquire brings unasked. files, here: how many there are, and are here;
    bytes: of all, None where that isn't known; more: what lists name that aren't here yet; packed: archives that are
    still to be unpacked; whole: whether nothing that prepare expects is lacking; brought: whether that is the user's
    own copy, and none of the files is here; partial: the archives that aren't here, where prepare can do with those
    that are."""

    files: int
    here: int
    bytes: int | None
    bytes_here: int
    more: tuple[str, ...]
    packed: int
    whole: bool
    brought: bool
    partial: tuple[str, ...]

    @property
    def enough(self) -> bool:
        """Whether prepare comes next: nothing is left for acquire to do, or only what the user may not want."""
        return self.brought or bool(self.partial) or (self.whole and self.here == self.files and not self.packed)


@dataclass(frozen=True)
class PreparedState:
    """A folder of prepared/. coverage: what was found of the videos, {} where that is damaged; stale: why it would be
    prepared again; wrong: why it can't be used: preparing failed, or it is damaged."""

    budget: str
    edition: str
    coverage: Mapping[str, Any]
    stale: str = ""
    wrong: str = ""

    @property
    def label(self) -> str:
        return with_edition(self.budget, self.edition)


@dataclass(frozen=True)
class DatasetState:
    """raw: of its own files, videos: of the dataset that holds its videos, None where there are none. command: what to
    type to bring it further; '' where only the user can, as `advice` says."""

    raw: RawState | None
    videos: RawState | None
    prepared: tuple[PreparedState, ...]
    command: str = ""
    advice: str = ""


def look(root: Path, dataset: Dataset) -> DatasetState:
    """Raises SaccadeError where a published list or a ledger can't be read."""
    other = load_dataset(root, dataset.videos_of) if dataset.videos_of else None
    own = raw_state(dataset) if dataset.files else None
    videos = raw_state(other) if other and other.files else None
    state = DatasetState(own, videos, tuple(prepared_states(root, dataset)))
    if dataset.wrong:
        return replace(state, advice=dataset.wrong)
    if own and not own.enough:
        return replace(state, command=f"saccade acquire {dataset.name}")
    if other and videos and not videos.enough:
        return replace(state, command=f"saccade acquire {other.name}")
    if why_raw_lacking(dataset):
        return replace(state, advice=dataset.acquire)
    return replace(state, command=_from_raw_on(root, dataset, state.prepared))


def raw_state(dataset: Dataset) -> RawState:
    """Raises SaccadeError where a published list or the ledger can't be read."""
    raw, every = dataset.folder / "raw", offered(dataset)
    found, seen = inventory(raw, every), ledger_entries(dataset)
    missing = {file.name for file in found.fetch}
    single = [file for file in every if not file.parts]
    sizes = {}
    for file in single:
        path, entry = downloaded(raw, file), seen.get(file.name)
        sizes[file.name] = path.stat().st_size if path.is_file() else file.bytes or (entry.bytes if entry else None)
    more = tuple(one.about for one in dataset.listed if one.file in missing and not one.on_request)
    known = None not in sizes.values() and not more
    here, whole = len(single) - len(missing), why_raw_lacking(replace(dataset, videos_of="")) is None
    packed = len([file for file in found.unpack if not missing & {file.name, *file.parts}])
    partly = here > 0 and whole and bool(dataset.expects) and not packed and all(file.unpack for file in found.fetch)
    return RawState(
        files=len(single),
        here=here,
        bytes=sum(filter(None, sizes.values())) if known else None,
        bytes_here=sum(size or 0 for name, size in sizes.items() if name not in missing),
        more=more,
        packed=packed,
        whole=whole,
        brought=whole and here == 0 and bool(dataset.expects),
        partial=tuple(file.name for file in found.fetch) if partly else (),
    )


def ledger_entries(dataset: Dataset) -> Mapping[str, Entry]:
    """What the ledger says of each file. Raises SaccadeError, which says what mends it, where it is damaged."""
    ledger = Ledger(dataset.folder / "raw")
    try:
        return ledger.entries()
    except SaccadeError as error:
        raise SaccadeError(
            f"{ledger.file} is damaged: remove it and run `saccade acquire {dataset.name}`, which verifies what is "
            f"here ({error})"
        ) from None


def prepared_states(root: Path, dataset: Dataset) -> list[PreparedState]:
    """Of each budget and edition that was prepared, or failed to be."""
    folders = sorted((dataset.folder / "prepared").glob("[!.]*"))
    return [state for folder in folders if (state := _prepared(root, dataset, folder))]


def _prepared(root: Path, dataset: Dataset, folder: Path) -> PreparedState | None:
    budget, _, edition = folder.name.partition("@")
    if not (folder / INDEX_FILE).is_file() and not (folder / COVERAGE_FILE).is_file():
        if not (folder / FAILED_FILE).is_file():
            return None
        found = files.read_json(folder / FAILED_FILE)
        why = f"failed, {len(found['problems']):,} of {found['expected']:,} videos couldn't be used"
        return PreparedState(budget, edition, found, wrong="; ".join(filter(None, (why, _come_since(root, found)))))
    try:
        stale, found = why_prepared_again(root, dataset, budget, edition), products.read(folder / COVERAGE_FILE)
        stale = "; ".join(filter(None, (stale, _come_since(root, found))))
        return PreparedState(budget, edition, found, stale)
    except SaccadeError as error:
        return PreparedState(budget, edition, {}, wrong=str(error))


def _come_since(root: Path, coverage: Mapping[str, Any]) -> str:
    """How many of the videos that were missing lie now where they were expected; '' where none does."""
    missing = (problem["path"] for problem in coverage["problems"] if problem.get("kind") == "missing")
    come = sum((root / path).exists() for path in missing)
    return f"{come:,} of the videos that were missing are here now" if come else ""


def _from_raw_on(root: Path, dataset: Dataset, prepared: Sequence[PreparedState]) -> str:
    """The command that brings further what isn't lacking in raw/."""
    if old := next((each for each in prepared if each.stale or each.wrong), None):
        return f"saccade prepare {with_edition(dataset.name, old.edition)} --budget {old.budget}"
    if dataset.obtained and not prepared:
        return f"saccade prepare {dataset.name} --budget {PUBLISHED}"
    return _snakemake(root, dataset, [each.budget for each in prepared])


def _snakemake(root: Path, dataset: Dataset, budgets: Sequence[str]) -> str:
    """The workflow with the config that selects the dataset, one of these budgets before others; without one, a run
    that a paper names, or what there is."""
    command = f"snakemake --cores {os.cpu_count() or 1}"
    configs = {name: config for name, config in load_configs(root).items() if _selects(config, dataset.name)}
    order = sorted(configs, key=lambda name: (configs[name].budget not in budgets, name != DEMO, name))
    if order:
        return command if order[0] == DEMO else f"{command} --configfile config/{order[0]}.yaml"
    if dataset.source != "embedded" and (run := _named_by_a_paper(root, dataset)):
        return f"{command} --configfile config/{PUBLISHED}.yaml --config runs='[{run}]'"
    budget = DEMO if DEMO in dataset.budgets else next(iter(dataset.budgets), DEMO)
    return f"saccade list {dataset.name}" if budgets else f"saccade prepare {dataset.name} --budget {budget}"


def load_configs(root: Path) -> Mapping[str, Config]:
    """Those of config/ that can be read, by name."""
    found = {}
    for file in sorted((root / "config").glob("*.yaml")):
        try:
            found[file.stem] = load_config(file)
        except SaccadeError:  # whoever uses it is told
            continue
    return found


def _selects(config: Config, dataset: str) -> bool:
    return any(fnmatchcase(dataset, parse_address(pattern, RUNS).dataset) for pattern in config.runs)


def _named_by_a_paper(root: Path, dataset: Dataset) -> str:
    """The first run on the dataset that a paper's table names and that can be run now; of a mean over editions the one
    on the first of them."""
    for method in names(root, "methods"):
        try:
            paper = read_paper(root, method)
        except SaccadeError:  # told where the papers are
            continue
        for run in paper.runs if paper else []:
            named = parse_address(run, VARIANT_ON_DATA)
            edition = dataset.means.get(named.edition, (named.edition,))[0]
            if named.dataset == dataset.name and _can_be_run(root, replace(named, edition=edition)):
                return str(replace(named, edition=edition))
    return ""


def _can_be_run(root: Path, run: Address) -> bool:
    try:
        parsed = Run.parse(root, str(replace(run, budget=PUBLISHED, seed="0")))
        check_settings(root, parsed)
        return why_blocked(root, parsed) is None
    except SaccadeError:
        return False
