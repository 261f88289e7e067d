"""Lists of classes' names: read from a file, and how two of them differ. No torch."""

from collections.abc import Sequence
from pathlib import Path

from saccade.records import SaccadeError, first_few, spelled_alike


def read_names(file: Path) -> tuple[str, ...]:
    """The lines of a text file, stripped. Raises SaccadeError where it isn't in UTF-8."""
    try:
        lines = file.read_text(encoding="utf-8-sig").strip().splitlines()
    except UnicodeDecodeError as error:
        raise SaccadeError(f"{file}: byte {error.start} is no UTF-8; save the names as UTF-8, one a line") from None
    return tuple(line.strip() for line in lines)


def how_they_differ(ours: str, own: Sequence[str], theirs: str, other: Sequence[str]) -> str:
    """How two lists, called `ours` and `theirs`, differ: in their names or else in the order; '' where they don't,
    however they spell the names."""
    alone = {ours: _without(own, other), theirs: _without(other, own)}
    if any(alone.values()):
        return "; ".join(f"only {whose} has {first_few(names)}" for whose, names in alone.items() if names)
    for place, (mine, yours) in enumerate(zip(own, other, strict=False)):
        if spelled_alike(mine) != spelled_alike(yours):
            return f"class {place} is '{mine}' in {ours}, '{yours}' in {theirs}"
    return ""


def _without(names: Sequence[str], others: Sequence[str]) -> list[str]:
    known = set(map(spelled_alike, others))
    return [name for name in names if spelled_alike(name) not in known]
