"""How an edition is named: `<the card's own>-<how its videos are encoded anew>-<which subset>`, each of which may be
left out: `2-short256-c10v20`. No torch."""

from dataclasses import dataclass

from saccade import reencoding, subsets
from saccade.reencoding import Reencoding
from saccade.subsets import Subset

WRITTEN = f"a subset is written {subsets.WRITTEN}; videos encoded anew are {reencoding.WRITTEN}"


@dataclass(frozen=True)
class Edition:
    """own: the card's own edition, '' for none. way: how its videos are encoded anew, None where they are read as they
    are. subset: None for all of it."""

    own: str = ""
    way: Reencoding | None = None
    subset: Subset | None = None

    def __str__(self) -> str:
        return "-".join(filter(None, (self.own, str(self.way or ""), str(self.subset or ""))))


def parse_edition(text: str) -> Edition:
    """The edition of that name; no card is asked whether it has it. Raises SaccadeError for a subset of next to
    nothing, a size that can't be, and what has another name."""
    rest, subset = subsets.split_subset(text)
    own, way = reencoding.split_reencoding(rest)
    return Edition(own, way, subset)


def named_like_one(name: str) -> bool:
    """Whether a card can't name an edition so, as it would mean something else."""
    return any(each.PATTERN.fullmatch(name) for each in (subsets, reencoding))
