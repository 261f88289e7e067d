from dataclasses import replace

import pytest
from conftest import edit

from saccade.cards.config import load_config
from saccade.cards.method import load_method
from saccade.plan.grid import planned_grid
from saccade.plan.points import all_points, point_to_try, points_of, role, stands_for
from saccade.plan.runs import Run
from saccade.records import SaccadeError

CARD = """
method: toy
title: Toy
settings: {heads: [noun], num_frames: 4, resize: 0, crop: 0, epochs: 2, batch_size: 4, lr: 0.1}
phases: {base: {}}
contract: [main]
variants:
  main: {}
  tuned: {stand_in: random, of: [main]}
  small: {stand_in: static, of: [main/choose2], width: 2}
points:
  "choose{num_frames}": {grid: {num_frames: [1, 2]}, only: [main, tuned]}
  "luck{num_frames}": {grid: {num_frames: [1, 2]}, stand_in: random, of: ["choose{num_frames}"], sampler: random,
                       only: [main, tuned]}
  whole: {stand_in: static, of: [main/choose1], only: [main]}
  resized: {only: [small]}
"""


@pytest.fixture
def method(project):
    (project / "methods/toy/card.yml").write_text(CARD)
    return load_method(project, "toy")


def test_a_point_stands_for_one_of_its_own_variant_or_of_the_one_it_names(method):
    assert stands_for(method, "main", "luck2") == [("main", "choose2")]
    assert stands_for(method, "main", "whole") == [("main", "choose1")]


def test_a_variant_stands_point_by_point_by_name(method):
    assert stands_for(method, "tuned", "choose1") == [("main", "choose1")]
    assert role(method, "tuned", "choose1") == "random"


def test_a_variant_without_a_point_of_that_name_stands_with_each_of_its_points(method):
    assert stands_for(method, "small", "resized") == [("main", "choose2")]


def test_what_is_a_stand_in_itself_has_none(method):
    assert stands_for(method, "main", "choose1") == []
    assert role(method, "main", "choose1") is None
    assert stands_for(method, "tuned", "luck1") == []  # its own variant stands in for main


def test_the_planned_grid_says_what_each_point_stands_for(project, method):
    rows = planned_grid(project, load_config(project / "config/demo.yaml"))["runs"]
    cells = {
        (row["variant"], point["name"]): (point["stand_in"], point["of"]) for row in rows for point in row["points"]
    }
    assert cells["main", "luck1"] == ("random", ["main/choose1"])
    assert cells["small", "resized"] == ("static", ["main/choose2"])
    assert cells["main", "choose1"] == (None, [])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            'of: ["choose{num_frames}"]',
            'of: ["chose{num_frames}"]',
            "points.luck1.of: unknown point 'chose1'; did you mean 'choose1'",
        ),
        ("of: [main]", "of: [mein]", "variants.tuned.of: unknown variant 'mein'; did you mean 'main'"),
        ("of: [main]", "of: [small]", "the variant 'small' is a stand-in itself"),
        ("of: [main/choose1]", "of: [luck1]", "the point 'luck1' is a stand-in itself"),
        ("of: [main/choose1]", "of: [main/resized]", "main has no point 'resized'"),
        ("of: [main/choose1]", "of: [a/b/c]", "'a/b/c' is not"),
        ("main: {}", "main: {of: [main]}", "variants.main: `stand_in` and `of` go together; it lacks stand_in"),
        ("tuned: {stand_in: random, of: [main]}", "tuned: {stand_in: random}", "it lacks of:"),
        ('of: ["choose{num_frames}"]', 'of: ["choose{n}"]', "can't be filled in"),
    ],
)
def test_a_mistake_in_a_stand_in_is_named(project, old, new, message):
    (project / "methods/toy/card.yml").write_text(CARD)
    edit(project / "methods/toy/card.yml", old, new)
    with pytest.raises(SaccadeError, match=message):
        load_method(project, "toy")


def test_a_budget_may_name_the_points_that_are_predicted(project):
    """A variant that has none of them keeps its own; `try` may ask for any."""
    (project / "methods/toy/card.yml").write_text(CARD + "budgets: {quick: {points: [choose1], epochs: 1}}\n")
    quick, usual = (Run(budget, "dots", "", "toy", "main", 0) for budget in ("quick", "usual"))
    assert [point.name for point, _ in points_of(project, quick)] == ["choose1"]
    assert len(points_of(project, usual)) == len(all_points(project, quick)) == 5
    assert [point.name for point, _ in points_of(project, replace(quick, variant="small"))] == ["resized"]
    assert point_to_try(project, quick, "whole") == "whole"
    edit(project / "methods/toy/card.yml", "points: [choose1]", 'points: ["choose*"]')
    load_method.cache_clear()
    assert {point.family for point, _ in points_of(project, quick)} == {"choose{num_frames}"}
    edit(project / "methods/toy/card.yml", 'points: ["choose*"]', "points: [choose9]")
    load_method.cache_clear()
    with pytest.raises(SaccadeError, match="budgets.quick.points: unknown point 'choose9'; did you mean 'choose"):
        load_method(project, "toy")
