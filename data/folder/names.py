"""What a name in raw/ or videos.csv says: a split, a class, nothing at all (a system's own files). No torch."""

import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from saccade.records import SaccadeError

SPLIT_WORDS = {
    "train": ("train", "training"),
    "val": ("val", "valid", "validation", "dev"),
    "test": ("test", "testing"),
}
DOUBTFUL = ("eval", "evaluation", "holdout", "heldout")  # val for some, test for others
UNDERSTOOD = "understood are train (training), val (valid, validation, dev) and test (testing), in any case"
_SAID_BESIDE = ("", "set", "split", "data")  # `train_set` says no more than `train`
_FOLD = re.compile(r"(?:cv|fold|split|subset)[\s_.-]*\d+")
_SYSTEM = re.compile(
    r"\..*|~\$.*|__macosx|@eadir|@recycle|@recently-snapshot|@tmp|#recycle|#snapshot|\$recycle\.bin|recycler|recycled"
    r"|lost\+found|system volume information|found\.\d{3}|network trash folder|temporary items|__pycache__"
)


def is_system(name: str) -> bool:
    """Whether a file or folder is hidden, or one that a system, a disk station or an archiver leaves."""
    return bool(_SYSTEM.fullmatch(name.casefold()))


def split_of(name: str) -> str:
    """train, val or test where the name is a usual word for it, 'val or test' where that is doubtful, else ''."""
    word = re.sub(r"[\s_.-]+", "", composed(name).casefold())
    for beside in _SAID_BESIDE:
        bare = word.removesuffix(beside)
        for split, words in SPLIT_WORDS.items():
            if bare in words:
                return split
        if bare in DOUBTFUL:
            return "val or test"
    return ""


def refuse_alike_splits(where: Path, names: Iterable[str]) -> None:
    """Raises SaccadeError where names differ only in the word for a split and in numbers (`ucf_train`, `ucf_test`;
    `1_train`, `2_test`), or only in the number of a fold: no classes."""
    words = "|".join(sorted((word for words in SPLIT_WORDS.values() for word in words), key=len, reverse=True))
    word = re.compile(rf"(?<![^\W\d_])({words})(?:s|set|split|data)?(?![^\W\d_])")
    first: dict[str, tuple[str, str]] = {}
    for name in names:
        folded = composed(name).casefold()
        if _FOLD.fullmatch(folded):
            rest, meaning = "fold", folded
        elif found := word.search(folded):
            rest, meaning = (
                re.sub(r"\d+", "", folded[: found.start()] + "|" + folded[found.end() :]),
                split_of(found[1]),
            )
        else:
            continue
        other, meant = first.setdefault(rest, (name, meaning))
        if meant != meaning:
            raise SaccadeError(
                f"{where}: '{other}' and '{name}' look like splits, not classes; rename them ({UNDERSTOOD}), or say "
                "what is meant in videos.csv"
            )


def composed(name: str) -> str:
    """In Unicode's composed form: an é is one character, however the disk spells it."""
    return unicodedata.normalize("NFC", name)


def folded(label: str) -> str:
    """Equal for labels that differ only in case, blanks or characters that nobody sees."""
    seen = "".join(letter for letter in composed(label).casefold() if unicodedata.category(letter) != "Cf")
    return " ".join(seen.split())
