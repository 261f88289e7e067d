"""Random numbers by name: what one part of a model draws as it is built depends on the run's seed and the part's name,
never on what was built before it."""

import contextlib
import hashlib
from collections.abc import Iterator

import torch


def seed_of(seed: int, name: str) -> int:
    """The seed, in [0, 2**63), that belongs to a name under a run's seed: the same on every machine."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{name}".encode()).digest()[:8], "little") >> 1


@contextlib.contextmanager
def seeded(name: str) -> Iterator[None]:
    """Around the construction of a part: inside, torch's CPU generator starts from its own seed and `name`; after it,
    it goes on as if nothing had been drawn."""
    generator = torch.default_generator
    before = generator.get_state()
    generator.manual_seed(seed_of(generator.initial_seed(), name))
    try:
        yield
    finally:
        generator.set_state(before)
