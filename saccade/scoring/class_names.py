"""Labels that the user gave, as folders' names, held against the classes of published weights. No torch."""

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from saccade.records import Head, spelled_alike
from saccade.scoring.metrics import Booleans

NEAREST = 3


def class_numbers(labels: Sequence[str], classes: Sequence[str]) -> list[int]:
    """For each label the number of the class of that name, -1 where there is none; case, blanks, underscores, hyphens
    and the Unicode form don't matter. A name spelled exactly alike goes first."""
    alike = {spelled_alike(name): number for number, name in reversed(list(enumerate(classes)))}
    exact = {name: number for number, name in enumerate(classes)}
    return [exact.get(label, alike.get(spelled_alike(label), -1)) for label in labels]


def match(head: Head, own: Sequence[str], labels: Sequence[tuple[int, ...]]) -> tuple[list[tuple[int, ...]], Booleans]:
    """(each video's labels as classes of the head, who can be judged (N,)): `labels` are numbers of `own` names, and a
    video is judged where all of its names are the head's."""
    numbers = class_numbers(own, head.classes)
    found = [tuple(sorted(numbers[label] for label in each)) for each in labels]
    return found, np.array([all(number >= 0 for number in each) for each in found], dtype=bool)


def matching(head: Head, own: Sequence[str], judged: Booleans) -> dict[str, Any]:
    """What metrics.json says of it: videos judged, of how many; which names are classes, which aren't, with those that
    come nearest; why the classes have no names, where they have none."""
    numbers = dict(zip(own, class_numbers(own, head.classes), strict=True))
    alike = {spelled_alike(name): name for name in head.classes}
    none = [] if head.unnamed else [name for name, number in numbers.items() if number < 0]
    near = {name: difflib.get_close_matches(spelled_alike(name), alike, n=NEAREST, cutoff=0.5) for name in none}
    return {
        "judged": int(judged.sum()),
        "of": len(judged),
        "matched": [name for name, number in numbers.items() if number >= 0],
        "unmatched": {name: [alike[one] for one in names] for name, names in near.items()},
        "unnamed": head.unnamed,
    }


def unlabelled(head: Head, videos: int) -> dict[str, Any]:
    """The same of a head of published weights that the dataset has no labels of."""
    return {
        "judged": 0,
        "of": videos,
        "matched": [],
        "unmatched": {},
        "unnamed": head.unnamed,
        "unlabelled": True,
    }


def matching_words(head: str, found: Mapping[str, Any]) -> list[str]:
    """A sentence for whoever reads the numbers: how many videos were judged, and which names are no class."""
    judged = f"{found['judged']} of {found['of']} videos were judged: their {head} is a class of the published weights"
    none = (
        f"no video was judged, of {found['of']}: no {head} is a class of the published weights; costs are told all the "
        "same"
    )
    if found.get("unlabelled"):
        none = f"no video was judged by its {head}, of {found['of']}: the dataset has none; answers and costs are told"
    said = [judged if found["judged"] else none]
    if found["matched"]:
        said[0] += f" ({', '.join(found['matched'])})"
    for name, nearest in found["unmatched"].items():
        said.append(f"{head} '{name}' is none of their classes" + f"; nearest: {', '.join(nearest)}" * bool(nearest))
    return said + ([found["unnamed"]] if found["unnamed"] else [])
