"""All of its videos: they are small."""

from pathlib import Path

SETTINGS: dict[str, object] = {}


def write(raw: Path) -> None:
    """Nothing: `prepare` makes them."""
