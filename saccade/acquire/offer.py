"""Which files a dataset's publisher offers: those of its card, and those that a published list names. No network."""

import csv
import fnmatch
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import quote, unquote

from saccade.acquire.raw import DOWNLOADS
from saccade.cards.dataset import Dataset
from saccade.cards.published import PLAIN_NAME, Listed, PublishedFile, Source, filled
from saccade.records import SaccadeError, suggest


def offered(dataset: Dataset, only: Sequence[str] = ()) -> list[PublishedFile]:
    """The files to bring, in the card's order: `only` those whose name fits one of these patterns; without patterns all
    that are not on request. Those that a list names are there once the list itself is. Raises SaccadeError where a
    pattern fits nothing, or a list can't be read."""
    files = [*dataset.files, *(file for listed in dataset.listed for file in named_in(dataset, listed))]
    waiting = [one.file for one in dataset.listed if not (dataset.folder / "raw" / DOWNLOADS / one.file).is_file()]
    for pattern in only:
        if not any(fnmatch.fnmatchcase(file.name, pattern) for file in files) and not waiting:
            raise SaccadeError(
                f"{dataset.name} offers no file '{pattern}'" + suggest(pattern, [file.name for file in files][:40])
            )
    chosen = {file.name for file in lists_of(dataset)} | {file.name for file in files if _is_chosen(file, only)}
    chosen |= {part for file in files if file.name in chosen for part in file.parts}
    return [file for file in files if file.name in chosen]


def lists_of(dataset: Dataset) -> list[PublishedFile]:
    """The card's files that only tell of others; they are small, and needed to know what there is."""
    named = {listed.file for listed in dataset.listed}
    return [file for file in dataset.files if file.name in named]


def _is_chosen(file: PublishedFile, only: Sequence[str]) -> bool:
    return any(fnmatch.fnmatchcase(file.name, one) for one in only) if only else not file.on_request


def named_in(dataset: Dataset, listed: Listed) -> Iterator[PublishedFile]:
    """The files that the list names; none while it isn't here. Raises SaccadeError where it can't be read."""
    path = dataset.folder / "raw" / DOWNLOADS / listed.file
    if not path.is_file():
        return
    seen: dict[str, int] = {}
    for number, values in _lines(path):
        if lacking := [one for one in (*listed.where, *listed.hashes.values()) if one not in values]:
            raise SaccadeError(
                f"{path}: the list has no column {', '.join(lacking)}; is it the one that was published?"
            )
        where = f"{path}: line {number}"
        if not all(fnmatch.fnmatchcase(values[column], glob) for column, glob in listed.where.items()):
            continue
        url = filled(listed.url, values, where)
        name = filled(listed.names, values | {"name": _last(url)}, where)
        if not PLAIN_NAME.fullmatch(name):
            raise SaccadeError(f"{where}: '{name}' can't be a file's name here; is it the list that was published?")
        if name in seen:
            raise SaccadeError(f"{where}: '{name}' is there already, in line {seen[name]}")
        seen[name] = number
        hashes = {kind: values[column] for kind, column in listed.hashes.items()}
        source = Source(_quoted(url), "unverified", "", listed.file)
        yield PublishedFile(
            name, None, hashes, listed.file, (source,), listed.unpack, nested=False, on_request=listed.on_request
        )


def _lines(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """(its number, {field: text}) of each line that isn't empty."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            if path.suffix == ".csv":
                table = csv.DictReader(file)
                for row in table:
                    yield table.line_num, {key: value or "" for key, value in row.items() if key}
            else:
                for number, line in enumerate(file, 1):
                    if line.strip():
                        yield number, {"line": line.strip()}
    except (UnicodeDecodeError, csv.Error) as error:
        raise SaccadeError(f"{path} can't be read as a list of files: {error}; remove it and acquire again") from None


def _quoted(url: str) -> str:
    """The address as a request may have it, whether its path is quoted or not: CVDF's lists hold blanks. A `+` in it is
    one, which S3 must be told: it takes a bare one for a blank."""
    path, mark, query = url.partition("?")
    return quote(unquote(path), safe=":/") + mark + query


def _last(url: str) -> str:
    """What stands behind the path's last slash; a `#` belongs to it, as no list names a part of a page."""
    return unquote(url.partition("?")[0]).rpartition("/")[2]
