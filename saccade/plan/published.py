"""The classes that published weights tell apart: how many, and their names where a file says them. No torch."""

import dataclasses

from saccade.cards.dataset import Dataset
from saccade.cards.entries import Released
from saccade.cards.method import Method
from saccade.class_lists import how_they_differ, read_names
from saccade.files import need_utf8
from saccade.records import Head, SaccadeError


def heads_of_weights(method: Method, released: Released, dataset: Dataset, edition: str) -> dict[str, Head]:
    """The heads whose classes the weights bring to a dataset whose own are what lies in raw/: theirs by name where they
    have several, else those of the dataset. None where another dataset's classes are known, or they have no
    classifier."""
    if released.num_classes is None or not dataset.from_raw:
        return {}
    known = dataset.heads_in(edition)
    heads = [Head(name, "single", ()) for name in released.heads] or [known[name] for name in dataset.from_raw]
    return {head.name: head_of_weights(method, released, head) for head in heads}


def head_of_weights(method: Method, released: Released, head: Head) -> Head:
    """The head with the weights' classes in the order of their classifier's outputs, called `class 0` and so on where
    no file names them, or one that can't be used."""
    try:
        names = class_names(method, released, head.name)
        unnamed = "" if names else _why_unnamed(method, released, head.name)
    except SaccadeError as error:  # stops the runs of these weights alone: `availability.why_unfit`
        names, unnamed = (), str(error)
    classes = names or tuple(f"class {number}" for number in range(released.classes_of(head.name)))
    return dataclasses.replace(head, classes=classes, of_weights=True, unnamed=unnamed)


def class_names(method: Method, released: Released, head: str) -> tuple[str, ...]:
    """What the file of the head's names says, a name a line; () where there is none. Raises SaccadeError where it is no
    text, or doesn't hold as many different names as the weights have classes."""
    file = need_utf8(method.file.parent / released.names_of(head))
    if not released.names_of(head) or not file.is_file():
        return ()
    names, number = read_names(file), released.classes_of(head)
    if len(names) != number or len(set(names)) != len(names) or not all(names):
        raise SaccadeError(
            f"{file} holds {len(names)} lines with {len(set(names) - {''})} different names; the weights in "
            f"{released.file} have {number} classes: one name a line, in the order of the classifier's outputs"
        )
    return names


def why_other_classes(method: Method, released: Released, data: str, head: Head) -> str | None:
    """Why the data's classes of a head aren't those of the weights, in their order; None where they are."""
    try:
        theirs = class_names(method, released, head.name)
    except SaccadeError as error:
        return str(error)
    if head.of_weights:
        return None
    has, number = f"{data}'s head '{head.name}'", released.classes_of(head.name)
    how = how_they_differ(has, head.classes, f"methods/{method.name}/{released.names_of(head.name)}", theirs)
    if len(head.classes) != number:
        more = f" ({how})" if theirs else ""
        return f"{released.file} tells {number} classes apart, but {has} has {len(head.classes)}{more}"
    return f"{released.file} tells other classes apart, or in another order: {how}" if theirs and how else None


def _why_unnamed(method: Method, released: Released, head: str) -> str:
    of = f" of {head}" if released.heads else ""
    unknown = f"the names of the {released.classes_of(head)} classes{of} of {released.file} aren't known"
    if not released.names_of(head):
        return unknown
    return (
        f"{unknown} here; put them into methods/{method.name}/{released.names_of(head)}, one a line in the order of "
        "the classifier's outputs"
    )
