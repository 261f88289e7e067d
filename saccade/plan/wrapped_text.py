"""Text for a terminal: no line is longer than it is wide, where the words allow that."""

import textwrap
from collections.abc import Iterable

WIDEST_NAME = 32  # of a column; a longer name moves only its own line's text


def labelled(label: str, text: str, width: int) -> list[str]:
    """A label and its text, aligned with those above; nothing where there is no text."""
    return wrapped(text, f"  {label:9}  ", width, " " * 13)


def row(name: str, text: str, others: Iterable[str], width: int) -> list[str]:
    """A name and what is to be said of it, in two columns; the first is as wide as the longest of the names."""
    indent = second_column(others, width)
    return wrapped(text, f"  {name:{indent - 4}}  ", width, " " * indent) if text else [f"  {name}"]


def second_column(others: Iterable[str], width: int) -> int:
    """Where, in letters from the left, what stands beside these names begins."""
    return min(max(len(other) for other in others), WIDEST_NAME, width // 2) + 4


def wrapped(text: str, first: str, width: int, then: str | None = None) -> list[str]:
    """Lines of at most `width`, the first one behind `first`, the others behind `then`; names, which hold hyphens, are
    never broken."""
    rest = first if then is None else then
    return textwrap.wrap(
        text, width, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False, break_long_words=False
    )


def to_type(command: str, indent: int) -> str:
    """A command in a line of its own, never broken: who copies it gets the whole."""
    return f"{'':{indent}}$ {command}"
