"""What a dataset's card says of the files that its publisher offers: where they are, how large, by which checksum they
are known, and what becomes of them. No torch, and no network: an address is only text here."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from saccade.cards.validation import AsTuple, Body
from saccade.records import SaccadeError, suggest

HASHES = {"sha256": 64, "md5": 32, "git_blob": 40}  # how many hexadecimal digits each has
# a relative path that stays below its folder
PLAIN_NAME = re.compile(r"(?!\.)[^/\\\x00-\x1f]+(/(?!\.)[^/\\\x00-\x1f]+)*")
FIELD = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Source:
    """An address of a file, and who saw it answer when. `state`: dead ones stay in the card, as knowledge, and are
    never asked."""

    url: str
    state: Literal["alive", "dead", "unverified"]
    seen: str
    by: str


@dataclass(frozen=True)
class PublishedFile:
    """A file as its publisher offers it. `name`: below raw/downloads. bytes, hashes: as published, where they are;
    `stated_by` says where they were read. unpack: the folder below raw/ that its content goes to; '' for a file that
    is read as it is. nested: whether archives in it are unpacked, too. on_request: whether only who names it gets it.
    parts: the files that, one behind the other, are this archive; it isn't fetched itself."""

    name: str
    bytes: int | None
    hashes: Mapping[str, str]
    stated_by: str
    sources: tuple[Source, ...]
    unpack: str
    nested: bool
    on_request: bool
    parts: tuple[str, ...] = ()

    @property
    def urls(self) -> tuple[str, ...]:
        """The addresses to ask, in this order."""
        return tuple(source.url for source in self.sources if source.state != "dead")


@dataclass(frozen=True)
class Listed:
    """Files that a published list names, one a line; which these are is known once the list is there.

    file: the list, one of the card's files. Of a line of text `{line}` is its address and `{name}` what stands behind
    the last slash; of a table (.csv) each column has its name. url, names: patterns of them, for the address and the
    name below raw/downloads. where: {column: pattern as of a shell}: lines that all fit. md5, sha256: the columns that
    hold these.
    """

    file: str
    url: str
    names: str
    where: Mapping[str, str]
    hashes: Mapping[str, str]
    unpack: str
    on_request: bool
    about: str


class _Source(Body):
    url: str
    state: Literal["alive", "dead", "unverified"]
    seen: str
    by: str


class _File(Body):
    bytes: int | None = None
    sha256: str = ""
    md5: str = ""
    git_blob: str = ""
    stated_by: str = ""
    sources: Annotated[tuple[_Source, ...], AsTuple] = ()
    unpack: str = ""
    nested: bool = False
    on_request: bool = False
    parts: Annotated[tuple[str, ...], AsTuple] = ()


class _Listed(Body):
    file: str
    url: str = "{line}"
    names: str = "{name}"
    where: dict[str, str] = {}
    sha256: str = ""
    md5: str = ""
    unpack: str = ""
    on_request: bool = False
    about: str


FileBodies = dict[str, _File]
ListedBodies = Annotated[tuple[_Listed, ...], AsTuple]


def published_files(bodies: FileBodies, place: str) -> tuple[PublishedFile, ...]:
    """The card's `files`; raises SaccadeError for a name that leads elsewhere, an address or a checksum that is none, a
    part that is no file of the card."""
    found = []
    for name, body in bodies.items():
        where = f"{place}: files.{name}"
        _check_name(name, where)
        hashes = {kind: value for kind in HASHES if (value := getattr(body, kind))}
        for kind, value in hashes.items():
            if not re.fullmatch(rf"[0-9a-f]{{{HASHES[kind]}}}", value):
                raise SaccadeError(f"{where}.{kind}: '{value}' is not {HASHES[kind]} digits of 0-9 and a-f")
        for source in body.sources:
            _check_url(source.url, where)
        if unknown := [part for part in body.parts if part not in bodies]:
            raise SaccadeError(f"{where}.parts: unknown file '{unknown[0]}'" + suggest(unknown[0], bodies))
        if body.unpack:
            _check_name(body.unpack, f"{where}.unpack")
        sources = tuple(Source(**dict(source)) for source in body.sources)
        plain = (body.bytes, hashes, body.stated_by, sources, body.unpack, body.nested, body.on_request, body.parts)
        found.append(PublishedFile(name, *plain))
    return tuple(found)


def published_lists(bodies: Sequence[_Listed], files: Sequence[PublishedFile], place: str) -> tuple[Listed, ...]:
    """The card's `listed`; raises SaccadeError where one names no file of the card, or can't be meant so."""
    found = []
    for number, body in enumerate(bodies):
        where = f"{place}: listed[{number}]"
        if body.file not in [file.name for file in files]:
            raise SaccadeError(
                f"{where}.file: unknown file '{body.file}'" + suggest(body.file, [file.name for file in files])
            )
        if body.unpack:
            _check_name(body.unpack, f"{where}.unpack")
        hashes = {kind: column for kind in ("sha256", "md5") if (column := getattr(body, kind))}
        plain = (body.file, body.url, body.names, body.where, hashes, body.unpack, body.on_request, body.about)
        found.append(Listed(*plain))
    return tuple(found)


def filled(pattern: str, values: Mapping[str, str], where: str) -> str:
    """The pattern with each `{name}` replaced; raises SaccadeError where the line has no such field."""
    for field in FIELD.findall(pattern):
        if field not in values:
            raise SaccadeError(f"{where}: '{pattern}' asks for the column '{field}'" + suggest(field, values))
    return FIELD.sub(lambda found: values[found[1]], pattern)


def _check_name(name: str, where: str) -> None:
    if not PLAIN_NAME.fullmatch(name):
        raise SaccadeError(f"{where}: '{name}' must be a path below raw/, without '..', and start with no '.'")


def _check_url(url: str, where: str) -> None:
    if not re.match(r"https?://[^/\s]+/", url):
        raise SaccadeError(f"{where}.sources: '{url}' is no address that begins with https:// (or http://)")
