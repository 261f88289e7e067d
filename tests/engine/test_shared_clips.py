"""Which points share clips on demand, and what counts as the same decision."""

import dataclasses

import pytest

from saccade.engine.shared_clips import groups_of, same_decisions
from saccade.settings import Shared

PLAIN = Shared(num_frames=4, resize=24, crop=20, epochs=1, batch_size=2, lr=0.1)


def grouped(**changes: dict) -> list[list[str]]:
    points = {name: dataclasses.replace(PLAIN, **change) for name, change in changes.items()}
    return [list(group) for group in groups_of(points)]


def test_points_on_demand_with_equal_input_are_predicted_together():
    asked = {"on_demand": True}
    found = grouped(a=asked, b=asked | {"crop": 16}, c=asked | {"lr": 0.2}, d=asked | {"eval_batch_size": 3})
    assert found == [["a", "c"], ["b"], ["d"]]


def test_points_with_a_sampler_are_predicted_one_by_one():
    assert grouped(a={}, b={}, c={"on_demand": True}) == [["a"], ["b"], ["c"]]


DECISION = {"frames": [3, 9], "alpha": [0.1234, -1.5], "ratio": 0.5}


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({}, True),
        ({"alpha": [0.1235, -1.5]}, True),  # 0.12345 was rounded up and down
        ({"alpha": [0.1264, -1.5]}, False),
        ({"frames": [3, 10]}, False),
        ({"frames": [3]}, False),
        ({"more": 1}, False),
        ({"ratio": None}, False),
    ],
)
def test_only_rounding_may_part_decisions(change, same):
    assert same_decisions([DECISION], [DECISION | change]) is same
