"""The classes that published weights tell apart: how many, and their names where a file says them. No torch."""

import dataclasses
from pathlib import Path

from saccade.cards.entries import Released
from saccade.cards.method import Method
from saccade.files import need_utf8
from saccade.records import Head, SaccadeError


def head_of_weights(method: Method, released: Released, head: Head) -> Head:
    """The head with the weights' classes in the order of their classifier's outputs, called `class 0` and so on where
    no file names them, or one that can't be used."""
    try:
        names = class_names(method, released)
        unnamed = "" if names else _why_unnamed(method, released)
    except SaccadeError as error:  # stops the runs of these weights alone: `availability.why_unfit`
        names, unnamed = (), str(error)
    classes = names or tuple(f"class {number}" for number in range(released.num_classes))
    return dataclasses.replace(head, classes=classes, of_weights=True, unnamed=unnamed)


def class_names(method: Method, released: Released) -> tuple[str, ...]:
    """What the file of names says, a name a line; () where there is none. Raises SaccadeError where it is no text, or
    doesn't hold as many different names as the weights have classes."""
    file = _file(method, released)
    if not released.class_names or not file.is_file():
        return ()
    try:
        lines = file.read_text(encoding="utf-8-sig").strip().splitlines()
    except UnicodeDecodeError as error:
        raise SaccadeError(f"{file}: byte {error.start} is no UTF-8; save the names as UTF-8, one a line") from None
    names = tuple(line.strip() for line in lines)
    if len(names) != released.num_classes or len(set(names)) != len(names) or not all(names):
        raise SaccadeError(
            f"{file} holds {len(names)} lines with {len(set(names) - {''})} different names; the weights in "
            f"{released.file} have {released.num_classes} classes: one name a line, in the order of the classifier's "
            "outputs"
        )
    return names


def _why_unnamed(method: Method, released: Released) -> str:
    if not released.class_names:
        return f"the names of the {released.num_classes} classes of {released.file} aren't known"
    return (
        f"the names of the {released.num_classes} classes of {released.file} aren't known here; put them into "
        f"methods/{method.name}/{released.class_names}, one a line in the order of the classifier's outputs"
    )


def _file(method: Method, released: Released) -> Path:
    return need_utf8(method.file.parent / released.class_names)
