"""Which static counterpart a point is timed against: resolution, and a clear error for each way of naming what isn't
there."""

import shutil

import pytest
from conftest import ROOT, edit

from saccade.cards.config import load_config
from saccade.cards.method import load_method
from saccade.plan import counterparts
from saccade.plan.grid import planned_grid
from saccade.plan.points import points_of
from saccade.plan.runs import Run
from saccade.project import names
from saccade.records import SaccadeError


def run(project, variant="plain"):
    return Run("demo", "dots", "2", "toy", variant, 3)


def say(project, text):
    edit(project / "methods/toy/card.yml", "  truthful:", f"  quick: {{num_frames: 3, against: {text}}}\n  truthful:")


@pytest.mark.parametrize(
    ("text", "variant", "point"),
    [("frames2", "plain", "frames2"), ("wide/frames2", "wide", "frames2"), ("toy/wide/quick", "wide", "quick")],
)
def test_what_is_not_said_is_the_points_own(project, text, variant, point):
    say(project, text)
    found = counterparts.counterpart(project, run(project), "quick")
    assert (found.run, found.point, found.why) == (run(project, variant), point, None)


def test_a_point_without_one_has_none(project):
    assert counterparts.counterpart(project, run(project), "frames1") is None
    assert counterparts.counterparts_of(project, run(project)) == {}


def test_keys_of_a_grid_are_filled_in(project):
    edit(
        project / "methods/toy/card.yml",
        "grid: {num_frames: [1, 2]}}",
        'grid: {num_frames: [1, 2]}, against: "wide/frames{num_frames}"}',
    )
    assert {
        name: other.run.variant + "/" + other.point
        for name, other in counterparts.counterparts_of(project, run(project)).items()
    } == {
        "frames1": "wide/frames1",
        "frames2": "wide/frames2",
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("frames3", "toy/plain has no point 'frames3'; did you mean 'frames2'"),
        ("wyde/frames2", "doesn't exist: .*unknown variant 'wyde'; did you mean 'wide'"),
        ("toi/plain/frames2", "doesn't exist: unknown method 'toi'"),
        ("dots/toy/plain/frames2", r"is not \[\[<method>/\]<variant>/\]<point>"),
        ("/frames2", r"is not \[\[<method>/\]<variant>/\]<point>"),
        ("quick", "is the point itself"),
        ("plain/quick", "is the point itself"),
    ],
)
def test_a_counterpart_that_is_not_there_stops_the_plan(project, text, message):
    say(project, text)
    with pytest.raises(SaccadeError, match=r"card\.yml: points\.quick\.against: .*" + message):
        planned_grid(project, load_config({"budget": "demo", "seeds": [3], "runs": ["dots@2/toy/plain"]}))


def test_variants_may_have_counterparts_of_their_own_or_none(project):
    say(project, "{plain: wide/frames2}")
    assert counterparts.counterpart(project, run(project), "quick").run == run(project, "wide")
    assert counterparts.counterpart(project, run(project, "wide"), "quick") is None


def test_a_counterpart_of_an_unknown_variant_is_an_error(project):
    say(project, "{plane: wide/frames2}")
    with pytest.raises(SaccadeError, match=r"points\.quick\.against: unknown variant 'plane'; did you mean 'plain'"):
        load_method(project, "toy")


def test_a_point_of_other_variants_only_is_no_counterpart(project):
    say(project, "wide/alone")
    edit(project / "methods/toy/card.yml", "  truthful:", "  alone: {only: [plain]}\n  truthful:")
    with pytest.raises(SaccadeError, match="toy/wide has no point 'alone'"):
        counterparts.counterpart(project, run(project), "quick")


def test_a_counterpart_that_cannot_run_here_is_not_timed(project):
    say(project, "truthful")
    assert "ground truth" in counterparts.counterpart(project, run(project), "quick").why
    assert counterparts.counterparts_of(project, run(project)) == {}


def config(**more):
    return load_config({"budget": "demo", "seeds": [1, 0], "runs": ["dots/toy/plain", "dots/toy/wide"], **more})


def test_a_config_selects_runs_to_time_with_its_first_seed(project):
    say(project, "wide/frames2")
    (project / "methods/toy/model.py").write_text("def build(): ...\ndef predict(): ...\n")
    # whose code is hashed
    shutil.copytree(ROOT / "saccade", project / "saccade", ignore=shutil.ignore_patterns("__pycache__"))
    rows = planned_grid(project, config(measure=["dots/toy/pl*"]))["runs"]
    assert [row["run"] for row in rows if row["measured"]] == ["demo/dots/toy/plain/seed1"]
    assert rows[0]["points"][2]["against"] == "demo/dots/toy/wide/seed0/frames2"
    assert not any(row["measured"] for row in planned_grid(project, config())["runs"])


@pytest.mark.parametrize(
    ("pattern", "message"),
    [("dots/toy/shared", "selects none of the runs"), ("dots/toy/wide", "nothing that .* selects has a point")],
)
def test_a_pattern_that_times_nothing_is_an_error(project, pattern, message):
    with pytest.raises(SaccadeError, match=message):
        planned_grid(project, config(measure=[pattern]))


def test_a_config_says_in_what_its_runs_are_timed_and_that_is_no_matter_of_the_grid(project):
    assert config().runtimes == ("eager",) and config(runtimes=["openvino"]).runtimes == ("openvino",)
    with pytest.raises(SaccadeError, match="config: runtimes: there is no runtime 'openvin'; did you mean 'openvino'"):
        config(runtimes=["eager", "openvin"])
    assert planned_grid(project, config(runtimes=["openvino"])) == planned_grid(project, config())


@pytest.mark.parametrize("name", names(ROOT, "methods"))
def test_every_counterpart_of_a_card_is_there(name):
    method = load_method(ROOT, name)
    for variant in method.variants:
        each = Run("demo", "motion-digits", "", name, variant, 0)
        for point, _ in points_of(ROOT, each):
            counterparts.counterpart(ROOT, each, point.name)
