"""The keys that this card may set."""

from dataclasses import dataclass

from saccade.settings import CountOrNone, Positive, Section


@dataclass(frozen=True, kw_only=True)
class Settings(Section):
    """How videos that name no split are dealt to train, val and test, class by class."""

    shares: dict[str, Positive]  # of each split; only their ratios count
    split_seed: CountOrNone = 0
    tests_only: bool = False  # nothing is trained: every video is in test, whatever split it names

    def __post_init__(self) -> None:
        super().__post_init__()
        if set(self.shares) != {"train", "val", "test"}:
            raise ValueError(f"shares must give train, val and test a number above 0, not {self.shares}")
