"""Damaged products of the toy project: a few draws of tests/damages.py, and the commands that mend."""

import os
import random

import matplotlib as mpl
import pytest
from damages import Damages

pytestmark = pytest.mark.slow


@pytest.fixture
def damages(toy, monkeypatch):
    monkeypatch.chdir(toy)
    mpl.use("Agg")
    return Damages(toy, quick=True)


def test_no_damage_changes_a_number_and_what_mends_it_is_named(damages):
    for kind in ("<phase>.json", "<phase>.safetensors", "predictions.parquet", "metrics.json", "index.parquet"):
        assert damages.mend(damages.kinds[kind][0]) == ""
    assert damages.mend(damages.project / "results/demo/plan.json") == ""
    damages.restore()
    rng = random.Random(int.from_bytes(os.urandom(4)))
    for _ in range(6):
        kind, how, came = damages.try_one(rng)
        assert not any(one.startswith("WRONG") for one in came), (kind, how, came)
