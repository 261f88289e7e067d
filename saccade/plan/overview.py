"""What `list` prints: methods with their variants and points, and datasets, at a glance; one of them in full."""

import itertools
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from saccade import reencoding, subsets
from saccade.cards.address import with_edition
from saccade.cards.config import Config
from saccade.cards.dataset import Dataset, load_dataset
from saccade.cards.entries import Entry
from saccade.cards.method import Method, load_method
from saccade.plan.availability import what_is_wrong, why_no_released_weights, why_unavailable
from saccade.plan.grid import selected_runs
from saccade.plan.runs import Run
from saccade.plan.wrapped_text import labelled, row, wrapped
from saccade.project import names
from saccade.records import INDEX_FILE, SaccadeError, one_line, suggest

SELECTED = "*"
FEW = 2  # lines of names at a glance, where most readers want none of them
RAW_SAYS = "classes as raw/ says"


def describe_project(root: Path, config: Config, width: int = 80) -> str:
    """Methods and datasets at a glance, no line longer than `width` where its words allow it; `*` marks what the config
    selects, and `k{1,2}` stands for k1 and k2."""
    runs = selected_runs(root, config)
    intro = f"Budget {config.budget}: {len(runs)} runs are selected ({SELECTED}). a{{1,2}} stands for a1 and a2."
    lines = [*wrapped(intro, "", width), "", "METHODS"]
    for name in names(root, "methods"):
        try:
            method = load_method(root, name)
        except SaccadeError as error:
            lines += ["", name, *labelled("wrong", one_line(error), width)]
            continue
        lines += ["", *wrapped(f"{name}  {method.title}", "", width), *_at_a_glance(root, method, runs, width)]
    lines += ["", "DATASETS"]
    for name in names(root, "data"):
        lines += ["", *_dataset_at_a_glance(root, config, name, runs, width)]
    return "\n".join([*lines, "", "One in full: saccade list <method or dataset>"])


def describe_one(root: Path, config: Config, name: str, width: int = 80) -> str:
    """The method or dataset `name` in full; raises SaccadeError where there is none."""
    methods, datasets = names(root, "methods"), names(root, "data")
    if name not in (*methods, *datasets):
        raise SaccadeError(f"unknown method or dataset '{name}'" + suggest(name, [*methods, *datasets]))
    runs = selected_runs(root, config)
    parts = [_method_in_full(root, load_method(root, name), runs, width)] if name in methods else []
    parts += [_dataset_in_full(root, config, load_dataset(root, name), runs, width)] if name in datasets else []
    return "\n\n".join("\n".join(lines) for lines in parts)


def _at_a_glance(root: Path, method: Method, runs: Iterable[Run], width: int) -> Iterator[str]:
    chosen = _chosen(method, runs)
    told = {kind: ", ".join(brief(entries, chosen)) for kind, entries in _by_kind(method.variants).items()}
    for kind in ("parts", "published"):  # which nobody names to run a method
        if len(told[kind]) > FEW * width:
            told[kind] = f"{len(_by_kind(method.variants)[kind])}, named by `list {method.name}`"
    lacking = sum(bool(why_no_released_weights(root, method, name)) for name in method.variants)
    if lacking:
        told["published"] += f" ({lacking} files aren't here)"
    for kind, text in told.items():
        yield from labelled(kind, text.strip(), width)
    for kind, entries in _by_kind(method.points).items():
        yield from labelled("points" if kind == "variants" else kind, ", ".join(brief(entries, ())), width)


def _by_kind(entries: Mapping[str, Entry]) -> dict[str, list[Entry]]:
    """A method's own variants or points, then its stand-ins, its parts, those with published weights."""
    kinds: dict[str, list[Entry]] = {"variants": [], "stand-ins": [], "parts": [], "published": []}
    for entry in entries.values():
        kind = "parts" if entry.part else "published" if entry.released else "variants"
        kinds["stand-ins" if entry.stand_in else kind].append(entry)
    return kinds


def _chosen(method: Method, runs: Iterable[Run]) -> set[str]:
    return {run.variant for run in runs if run.method == method.name}


def brief(entries: Iterable[Entry], chosen: Collection[str]) -> Iterator[str]:
    """Their names; `k{1,2}` in place of k1 and k2 where one line of the card gives both, and both or none are
    chosen."""
    for family, members in itertools.groupby(entries, key=lambda entry: entry.family):
        own = [entry.name for entry in members]
        marked = [name for name in own if name in chosen]
        for group, mark in ((marked, SELECTED), ([name for name in own if name not in chosen], "")):
            yield from (mark + name for name in _folded(family, group))


def _folded(family: str, own: Sequence[str]) -> Sequence[str]:
    """One name with braces where these names are all combinations of some values; otherwise the names."""
    keys = re.findall(r"{\w+}", family)
    pattern = re.sub(r"\\{\w+\\}", "(.+)", re.escape(family))
    found = [match.groups() for name in own if (match := re.fullmatch(pattern, name))]
    values = [list(dict.fromkeys(column)) for column in zip(*found, strict=True)]
    if len(own) < 2 or len(found) < len(own) or list(itertools.product(*values)) != found:
        return own
    for key, some in zip(keys, values, strict=True):
        family = family.replace(key, some[0] if len(some) == 1 else "{" + ",".join(some) + "}", 1)
    return [family]


def _method_in_full(root: Path, method: Method, runs: Iterable[Run], width: int) -> Iterator[str]:
    chosen = _chosen(method, runs)
    yield from wrapped(f"{method.name}  {method.title}", "", width)
    yield from wrapped(method.summary, "  ", width)
    yield from ("", *labelled("card", str(method.file.relative_to(root)), width))
    yield from labelled("paper", method.paper or "", width)
    yield from labelled("contract", ", ".join(method.contract), width)
    yield from ("", "phases")
    for phase in method.phases.values():
        needs = f"needs {', '.join(phase.needs)}; " if phase.needs else ""
        yield from row(phase.name, f"{needs}trains {', '.join(phase.trains)}", method.phases, width)
    headings = {
        "variants": "variants",
        "stand-ins": "stand-ins, which the choice is compared with",
        "parts": "parts, which only give phases to others",
        "published": "variants of published weights",
    }
    for kind, entries in _by_kind(method.variants).items():
        yield from _section(headings[kind], entries, chosen, width)
        for entry in entries:
            if why := why_no_released_weights(root, method, entry.name):
                yield from wrapped(f"lacks: {why}", "    ", width)
    for kind, entries in _by_kind(method.points).items():
        yield from _section({"variants": "points"}.get(kind, f"points that are {kind}"), entries, (), width)


def _section(heading: str, entries: Sequence[Entry], chosen: Collection[str], width: int) -> Iterator[str]:
    if entries:
        yield from ("", heading)
    marked = {(SELECTED if entry.name in chosen else "") + entry.name: entry for entry in entries}
    for name, entry in marked.items():
        title = entry.title if entry.title != entry.name else ""
        stands = f"{entry.stand_in}, for {', '.join(entry.of)}" if entry.stand_in else ""
        only = f"only of {', '.join(entry.only)}" if entry.only else ""
        yield from row(name, "; ".join(filter(None, (title, stands, only))), marked, width)


def _dataset_at_a_glance(root: Path, config: Config, name: str, runs: Iterable[Run], width: int) -> Iterator[str]:
    mark = SELECTED if any(run.dataset == name for run in runs) else ""
    try:
        dataset = load_dataset(root, name)
    except SaccadeError as error:
        yield from (mark + name, *labelled("wrong", one_line(error), width))
        return
    yield from wrapped(f"{mark}{name}  {dataset.title}", "", width)
    chosen = {run.edition for run in runs if run.dataset == name}
    if editions := _editions(dataset, chosen):
        marked = ((edition in chosen) * SELECTED + edition for edition in editions)
        yield from labelled("editions", ", ".join(marked), width)
    if wrong := what_is_wrong(root, dataset, config.budget):  # a user's own videos that can't be meant so, say
        yield from labelled("wrong", one_line(wrong), width)
    else:
        yield from labelled("here", state_of_data(root, dataset, config.budget), width)


def _dataset_in_full(root: Path, config: Config, dataset: Dataset, runs: Iterable[Run], width: int) -> Iterator[str]:
    chosen = {run.edition for run in runs if run.dataset == dataset.name}
    yield from wrapped(f"{dataset.name}  {dataset.title}", "", width)
    facts = {
        "card": str(dataset.file.relative_to(root)),
        "source": dataset.source,
        "licence": dataset.licence,
        "may hold": ", ".join(dataset.modalities),
        "truth": "known for every frame" if dataset.truth else "not known",
        "derived": ", ".join(f"{label} of {' and '.join(parts)}" for label, parts in dataset.derive.items()),
        "budgets": ", ".join(dataset.budgets) if dataset.source == "embedded" else "any",
        "subsets": subsets.WRITTEN,
        "encoded": "" if dataset.source == "embedded" else reencoding.WRITTEN,
        "means": ", ".join(f"{name} of {', '.join(members)}" for name, members in dataset.means.items()),
        "expects": ", ".join(dataset.expects),
        "acquire": dataset.acquire,
    }
    for label, text in facts.items():
        yield from labelled(label, text, width)
    yield from ("", "heads")
    told = _heads(dataset)
    for name, text in told.items():
        yield from row(name, text, told, width)
    yield from ("", f"for budget {config.budget}")
    editions = {edition: with_edition(dataset.name, edition) for edition in ("", *_editions(dataset, chosen))}
    marked = {edition: (SELECTED if edition in chosen else "") + data for edition, data in editions.items()}
    for edition, data in marked.items():
        yield from row(data, state_of_data(root, dataset, config.budget, edition), marked.values(), width)


def _editions(dataset: Dataset, chosen: Collection[str]) -> list[str]:
    """The card's own, and those of its subsets that are chosen."""
    return [*dataset.editions, *sorted(set(chosen) - {"", *dataset.editions})]


def _heads(dataset: Dataset) -> dict[str, str]:
    """What each head is, and in which editions its classes are others."""
    usual, told = dataset.heads_in(""), {}
    for edition in ("", *dataset.editions):
        for head in dataset.heads_in(edition).values():
            if not edition or head != usual[head.name]:
                names = f"{head.num_classes} classes: {', '.join(head.classes)}"
                told[with_edition(head.name, edition)] = f"{head.kind}, {names if head.classes else RAW_SAYS}"
    return told


def state_of_data(root: Path, dataset: Dataset, budget: str, edition: str = "") -> str:
    """Whether it is prepared here, would be, or what it lacks."""
    if why := why_unavailable(root, dataset, budget, edition):
        return f"lacks: {why}"
    folder = dataset.folder / "prepared" / with_edition(budget, edition)
    return f"prepared for {budget}" if (folder / INDEX_FILE).is_file() else "not prepared yet; the workflow does it"
