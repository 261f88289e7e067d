"""How long functions take that a call makes inside it, where they are no modules with hooks."""

import functools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

clock = time.process_time
Places = dict[str, tuple[Any, str]]  # {name: (whose function, its attribute)}


@contextmanager
def timed(places: Places) -> Iterator[dict[str, float]]:
    """Milliseconds that calls of these functions take within it, by name."""
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


def least(call: Callable[[], Any], places: Places, runs: int) -> dict[str, float]:
    """Milliseconds of processor time that a call spends in each place and, as `rest`, in none of them; each the least
    of so many runs."""
    found: dict[str, float] = {}
    for _ in range(runs):
        with timed(places) as spent:
            started = clock()
            call()
            spent["rest"] = 1000 * (clock() - started) - sum(spent.values())
        found = {name: min(ms, found.get(name, ms)) for name, ms in spent.items()}
    return found
