"""How long functions take that a call makes inside it, where they are no modules with hooks."""

import functools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

clock = time.process_time


@contextmanager
def timed(places: dict[str, tuple[Any, str]]) -> Iterator[dict[str, float]]:
    """Milliseconds that calls of these functions take within it: {name: (whose, its attribute)}."""
    spent = dict.fromkeys(places, 0.0)
    kept = {name: getattr(*place) for name, place in places.items()}

    def timing(name: str) -> Any:
        @functools.wraps(kept[name])
        def call(*given: Any, **more: Any) -> Any:
            started = clock()
            found = kept[name](*given, **more)
            spent[name] += 1000 * (clock() - started)
            return found

        return call

    for name, (owner, attribute) in places.items():
        setattr(owner, attribute, timing(name))
    try:
        yield spent
    finally:
        for name, (owner, attribute) in places.items():
            setattr(owner, attribute, kept[name])
