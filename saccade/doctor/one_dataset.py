"""One dataset in full: what its publisher offers, and what of it is here. No torch, and no network."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from saccade.acquire.inventory import downloaded, is_unpacked, linked
from saccade.acquire.ledger import Entry
from saccade.acquire.offer import named_in
from saccade.cards.address import with_edition
from saccade.cards.dataset import Dataset
from saccade.cards.published import PublishedFile
from saccade.doctor.dataset_state import PreparedState, ledger_entries, look
from saccade.doctor.datasets import how_obtained, next_lines, prepared_words, state_words
from saccade.plan.availability import how_to_bring
from saccade.plan.wrapped_text import labelled, row, wrapped
from saccade.records import COVERAGE_FILE, FAILED_FILE, SPLITS, one_line, size_words

SHOWN = 5  # of the problems that preparing found


def describe_dataset(root: Path, dataset: Dataset, width: int) -> Iterator[str]:
    """Its terms, files with their sources and checksums, the videos that its lists name beside those found, what is
    wrong with some, and the command that brings it further. Raises SaccadeError where a list, the ledger or what was
    prepared can't be read."""
    state = look(root, dataset)
    yield from wrapped(f"{dataset.name}  {dataset.title}", "", width)
    for label, text in _facts(root, dataset).items():
        yield from labelled(label, one_line(text), width)
    yield from labelled("state", state_words(dataset, state), width)
    if dataset.files:
        yield from ("", "files", *_files(dataset, width))
    if videos := list(_videos(dataset, state.prepared, width)):
        yield from ("", "videos", *videos)
    yield from ("", "next", *next_lines(state, 2, width))


def _facts(root: Path, dataset: Dataset) -> dict[str, str]:
    raw = dataset.folder / "raw"
    leads = f", a link to {raw.resolve()}" if raw.is_symlink() else ""
    place = next(folder for folder in (raw.resolve(), *raw.resolve().parents) if folder.exists())
    means = [f"{name} (mean of {', '.join(members)})" for name, members in dataset.means.items()]
    return {
        "card": str(dataset.file.relative_to(root)),
        "source": dataset.source,
        "licence": dataset.licence,
        "terms": dataset.terms,
        "obtained": f"{how_obtained(dataset)}; {how_to_bring(dataset)}".rstrip("; "),
        "videos": f"those of {dataset.videos_of}" if dataset.videos_of else "",
        "editions": ", ".join([*dataset.editions, *means]),
        "below": f"{raw.relative_to(root)}{leads}; {size_words(shutil.disk_usage(place).free)} free",
    }


def _files(dataset: Dataset, width: int) -> Iterator[str]:
    """Each file of the card in full; of those that a list names how many there are and are here."""
    raw, seen = dataset.folder / "raw", ledger_entries(dataset)
    for file in dataset.files:
        yield from wrapped(f"{file.name}  {_file_state(raw, file, seen.get(file.name))}", "  ", width, "    ")
        if entry := seen.get(file.name):
            yield f"    sha256 {entry.sha256}"  # of what is here, compared ever after
        else:
            yield from (f"    {kind} {value}" for kind, value in file.hashes.items())
        for source in file.sources:
            about = ", ".join(filter(None, (source.seen, source.by)))
            yield from wrapped(f"{source.url} ({about})", f"    {source.state:11}", width, " " * 15)
    for listed in dataset.listed:
        own = list(named_in(dataset, listed))
        here = sum(downloaded(raw, file).exists() or bool(file.unpack) and is_unpacked(raw, file) for file in own)
        count = f"{here:,} of {len(own):,} are here" if own else "the list isn't here yet"
        asked = ", on request alone" if listed.on_request else ""
        yield from wrapped(f"what {listed.file} names ({listed.about})  {count}{asked}", "  ", width, "    ")


def _file_state(raw: Path, file: PublishedFile, entry: Entry | None) -> str:
    """`6.96 GB, here, unpacked into videos/, its sha256 published`."""
    out, size = bool(file.unpack) and is_unpacked(raw, file), file.bytes or (entry.bytes if entry else None)
    link = linked(raw, file) if file.unpack else None
    parts = [size_words(size) if size else "of unknown size"]
    if file.parts:
        parts = [f"put together from {len(file.parts)} files"]
    elif downloaded(raw, file).exists():
        parts.append("here")
    elif link:
        parts.append(f"your own copy: {link.relative_to(raw)} leads there")
    else:
        parts.append("not kept" if out else "not here")
    parts += [f"{'' if out else 'to be '}unpacked into {file.unpack}/"] if file.unpack else []
    parts += [f"on request alone (--only {file.name})"] if file.on_request else []
    if file.hashes:
        parts.append(f"its {' and '.join(file.hashes)} published")
    elif not file.parts:
        parts.append(f"its sha256 first seen {entry.date}" if entry else "no checksum published")
    return ", ".join(parts)


def _videos(dataset: Dataset, prepared: Sequence[PreparedState], width: int) -> Iterator[str]:
    """How many videos the publisher's lists name; how many were found for each budget and edition that was prepared;
    and the first that can't be used."""
    published = {with_edition("published", edition): counts for edition, counts in dataset.counts.items()}
    labels = [*published, *(state.label for state in prepared)]
    for label, counts in published.items():
        yield from row(label, _words(counts), labels, width)
    for state in prepared:
        yield from row(state.label, "; ".join([*_found(dataset, state), *prepared_words([state])]), labels, width)
        problems = state.coverage.get("problems", [])
        for problem in problems[:SHOWN]:
            yield from wrapped(one_line(f"{problem['video_id']}: {problem['reason']}"), "    ", width, "      ")
        if len(problems) > SHOWN:
            file = dataset.folder / "prepared" / state.label / (FAILED_FILE if state.wrong else COVERAGE_FILE)
            yield f"    and {len(problems) - SHOWN:,} more, in {file.relative_to(dataset.folder.parents[1])}"


def _found(dataset: Dataset, state: PreparedState) -> Iterator[str]:
    """What the lists here name, and whether that is what was published; nothing where preparing didn't say."""
    if not (found := state.coverage.get("expected_by_split")):
        return
    yield f"listed: {_words(found)}"
    if published := dataset.counts.get(state.edition):
        whole = dict(found)
        if "val" not in published:  # what was held out of train
            whole["train"] = whole.get("train", 0) + whole.pop("val", 0)
        alike = all(whole.get(split) == count for split, count in published.items())
        yield "as many as published" if alike else f"but published are {_words(published)}"


def _words(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{split} {counts[split]:,}" for split in SPLITS if counts.get(split))
