"""The keys that this card may set."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How videos that name no split are dealt to train, val and test, class by class."""

    shares: dict[str, float]  # of each split; only their ratios count
    split_seed: int = 0

    def __post_init__(self) -> None:
        if set(self.shares) != {"train", "val", "test"} or min(self.shares.values()) <= 0:
            raise ValueError(f"shares must give train, val and test a number above 0, not {self.shares}")
