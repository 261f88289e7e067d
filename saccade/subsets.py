"""Subsets of a dataset, for quick tries: an edition's name may end in `c<N>` (N classes), `v<M>` (at most M videos of a
class in each split) or `c<N>v<M>`, behind an edition of the card with a hyphen: `2-c10v20`.

Classes and videos are drawn by a hash of the dataset's name and theirs, and by nothing else: c10's classes are among
c20's, v5's videos among v10's, and what is added changes little. No torch.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from saccade.records import Head, SaccadeError

WRITTEN = "c<N>, v<M> or c<N>v<M>, behind an edition of the card with a hyphen"
PATTERN = re.compile(r"(?:(?P<own>.+)-)?(?=[cv][0-9])(?:c(?P<classes>[0-9]{1,9}))?(?:v(?P<videos>[0-9]{1,9}))?")


@dataclass(frozen=True)
class Subset:
    """How many classes of the dataset's first head, and at most how many videos of each in every split; None: all."""

    classes: int | None
    videos: int | None

    def __str__(self) -> str:
        parts = (("c", self.classes), ("v", self.videos))
        return "".join(f"{letter}{number}" for letter, number in parts if number is not None)

    def heads(self, dataset: str, heads: Mapping[str, Head]) -> dict[str, Head]:
        """The heads, the first with the subset's classes alone, in the dataset's order. Raises SaccadeError where it
        has fewer. Classes that raw/ is yet to tell stay unknown."""
        if self.classes is None:
            return dict(heads)
        (name, first), *_ = heads.items()
        return {**heads, name: _with_classes(dataset, first, self.classes)}


def split_subset(edition: str) -> tuple[str, Subset | None]:
    """(the edition that it is of, '' for none, and the subset, None for the whole). Raises SaccadeError for a subset
    of less than two classes or one video, or with a zero before its numbers."""
    if not (found := PATTERN.fullmatch(edition)):
        return edition, None
    classes, videos = (None if number is None else int(number) for number in found.group("classes", "videos"))
    own, subset = found["own"] or "", Subset(classes, videos)
    if classes is not None and classes < 2:
        raise SaccadeError(f"edition '{edition}': a head tells two classes or more apart, c{classes} leaves it less")
    if videos == 0:
        raise SaccadeError(f"edition '{edition}': v0 leaves no video; v1 is the least")
    if with_subset(own, subset) != edition:
        raise SaccadeError(f"edition '{edition}': write it without zeros before its numbers, {subset}")
    return own, subset


def with_subset(own: str, subset: Subset | None) -> str:
    """The name of that subset of an edition."""
    return "-".join(filter(None, (own, str(subset or ""))))


def drawn(use: str, names: Iterable[str]) -> list[str]:
    """The names in an order that depends on them and on the use alone: a dataset's name, for its subsets."""
    return sorted(names, key=lambda name: hashlib.sha256(f"{use}/{name}".encode()).digest())


@lru_cache
def _with_classes(dataset: str, head: Head, number: int) -> Head:
    if not head.classes:
        return head
    if number > head.num_classes:
        raise SaccadeError(
            f"{dataset}: c{number} asks for more classes than head '{head.name}' has: {head.num_classes}"
        )
    chosen = set(drawn(dataset, head.classes)[:number])
    return replace(head, classes=tuple(name for name in head.classes if name in chosen))
