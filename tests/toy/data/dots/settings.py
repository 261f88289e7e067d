from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    fold: int  # which quarter of the videos is tested
