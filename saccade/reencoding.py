"""Editions whose videos are encoded anew before they are read: an edition's name may end in `short<S>` (pictures whose
short side has S pixels) or `short<S>gop<G>` (and a key frame every G frames), behind an edition of the card with a
hyphen: `2-short256gop8`. No torch.

Sampling takes a few frames of each video, and a decoder starts at a key frame: for eight frames of 300 it decodes half
of those that x264 makes by its own defaults, and a twelfth where every 12th is a key frame (docs/speed.md, "Videos
encoded anew").
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from saccade.records import SaccadeError

WRITTEN = "short<S> or short<S>gop<G>, before a subset"
PATTERN = re.compile(r"(?:(?P<own>.+)-)?short(?P<side>[0-9]{1,9})(?:gop(?P<gop>[0-9]{1,9}))?")
GOP = 12  # 25 saves 5 to 19 % of the room, and eight frames take up to 40 % more time
SMALLEST, LARGEST = 16, 4320  # of a short side; what x264 can do, and what anybody films


@dataclass(frozen=True)
class Reencoding:
    """How videos are encoded anew, in H.264 by x264; all of it decides what they hold.

    short_side: of the upright picture, in pixels; smaller ones stay as large as they are. gop: frames from one key
    frame to the next. crf: x264's constant quality; at 20 two clips of people at 340 x 256 keep 40 and 41.5 dB, at 18
    they'd take a quarter more room. preset: the next slower one takes twice the time for 0.7 dB, the next faster one an
    eighth to a quarter more room. b_frames: between others, referred to by none, so that they are passed over where
    they aren't wanted. cabac: its codes take 8 % less room and a third more time to decode. mbtree: x264's choice by
    what later frames repeat reads memory that nobody wrote (saccade/scenes/encode.py), so that two runs could differ.
    form: raised when the same settings come to give other files.
    """

    short_side: int
    gop: int = GOP
    crf: int = 20
    preset: str = "veryfast"
    b_frames: int = 2
    cabac: bool = False
    mbtree: bool = False
    form: int = 1

    @property
    def settings(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        return f"short{self.short_side}" + (f"gop{self.gop}" if self.gop != GOP else "")


def split_reencoding(edition: str) -> tuple[str, Reencoding | None]:
    """(the edition as it is published, '' for none, and how its videos are encoded anew, None where they aren't).
    Raises SaccadeError for a size or distance that can't be, and for one that is written otherwise."""
    if not (found := PATTERN.fullmatch(edition)):
        return edition, None
    side, gop = int(found["side"]), int(found["gop"] or GOP)
    if side % 2 or not SMALLEST <= side <= LARGEST:
        raise SaccadeError(
            f"edition '{edition}': H.264 has even sizes, and the short side must be one from {SMALLEST} to {LARGEST}"
        )
    if not gop:
        raise SaccadeError(f"edition '{edition}': gop1 makes every frame a key frame; less there is not")
    own, way = found["own"] or "", Reencoding(side, gop)
    if (written := with_reencoding(own, way)) != edition:
        raise SaccadeError(f"edition '{edition}': it has one name, '{written}' (gop{GOP} where none is said)")
    return own, way


def with_reencoding(own: str, way: Reencoding | None) -> str:
    """The name of the edition with its videos encoded so."""
    return "-".join(filter(None, (own, str(way or ""))))


def in_words(settings: Mapping[str, Any]) -> str:
    """What somebody who sees numbers of such videos should know, from a `Reencoding`'s settings."""
    return f"videos encoded anew: a short side of {settings['short_side']} at most, a key frame every {settings['gop']}"
