"""The layouts and the claims of T-CNN: that they fit what is printed, and that the claims come out as planted."""

import dataclasses
from pathlib import Path

import fake_paper
import pytest

from saccade.cards.config import load_config
from saccade.cards.layout import Layout, Source
from saccade.cards.paper import check_runs, read_paper
from saccade.judging.claims import load_predicates
from saccade.judging.reported import Reported, printed_cells
from saccade.judging.verdict import verdicts_of
from saccade.plan.grid import selected_runs
from saccade.plan.points import points_of
from saccade.project import load_module

FOLDER = Path(__file__).parents[1]
ROOT = FOLDER.parents[1]
claims = load_module(FOLDER / "paper/claims.py")
PAPER = read_paper(ROOT, "tcnn")
PRINTED = printed_cells(PAPER)  # with what stands in tsn's and tsm's files
reported = Reported(PRINTED, {layout.name: layout.dataset for layout in PAPER.tables})
PREDICATES = load_predicates(PAPER)
TABLES = [layout for layout in PAPER.tables if layout.rows]

# What the printed numbers say of each claim.
ON_PRINTED = {
    "c01": True,  # 96.7 - 95.3 = 1.4
    "c02": True,  # 75.2 - 73.3 = 1.9
    "c03": True,  # 1.9 > 1.4
    "c04": True,  # 95.3 < 95.5, 95.6; 73.3 < 73.6, 74.8
    "c05": True,  # 95.6 - 95.3 = 0.3; 74.8 - 73.3 = 1.5
    "c06": True,  # 96.7 > 95.6; 75.2 > 74.8
    "c07": True,  # 15.78 < 18.51
    "c08": True,  # sixth of nine; fourth of five
    "c09": True,  # 52.3 > 47.34
    "c10": None,  # said, without a number
    "c11": True,  # 96.3, 95.8 > 95.3
    "c12": True,  # 96.3 > 96.2, 95.8
    "c13": True,  # 96.7 > 96.3
    "c14": True,  # 94.8 < 95.6, 96.2
    "c15": True,  # 96.0, 95.5, 96.2 > 95.3
    "c16": True,  # least: 95.8 > 95.5, 96.3 > 96.0 and 96.2 > 95.9
    "c17": False,  # 95.6 < 95.8, 95.9 and 94.8 < 95.0
    **{f"m{number:02}": None for number in range(1, 14)},
}
CITED = {"c04", "c05", "c06", "c07", "c08"}
UNTESTABLE = {"c10"}


# paper.yml


def test_the_layouts_have_all_results_that_are_printed():
    for layout in TABLES:
        table = PRINTED[PRINTED["table"] == layout.name]
        assert set(table["row"]) == set(layout.rows), layout.name
        assert set(table["column"]) == set(layout.columns), layout.name
    prose = set(PRINTED["table"]) - {layout.name for layout in PAPER.tables}
    assert prose == {"Sec. 3.1", "Sec. 3.2", "Sec. 3.3"}


def test_every_own_row_has_a_run_of_ours():
    own = PRINTED[PRINTED["origin"] == "own"]
    for layout in TABLES:
        assert set(layout.runs) == set(own[own["table"] == layout.name]["row"]), layout.name
        assert {source.dataset for sources in layout.runs.values() for source in sources} == {layout.dataset}


def test_a_branch_that_is_printed_has_a_point_of_its_own():
    layout = PAPER.layout("Table 4")
    table = PRINTED[PRINTED["table"] == "Table 4"]
    for row, columns in table.groupby("row")["column"]:
        points = [layout.source(row, column).point for column in columns]
        assert len(set(points)) == (1 if row == "O" else len(points)), row


def as_layout(systems):
    """A table whose rows are these (run, point), so that `check_runs` asks the cards for them."""
    runs = {f"{run} {point}": (Source(run=run, point=point),) for run, point in systems}
    layout = Layout(title="", dataset="", columns=(), rows=tuple(runs), runs=runs)
    return layout.model_copy(update={"name": "systems"})


def test_the_card_has_every_run_that_a_row_names():
    check_runs(ROOT, PAPER)


def test_the_mechanism_is_judged_on_one_set_of_videos():
    data = {source.label for source in PAPER.systems.values()}
    assert len({label for label in data if label.startswith("motion-digits@")}) == 1
    assert {label for label in data if not label.startswith("motion-digits@")} == {"ucf101", "hmdb51"}


def test_the_study_plans_every_run_and_point_that_a_claim_on_the_mechanism_asks_of():
    config = load_config(ROOT / "config/study-tcnn.yaml")
    planned = {(run.variant, point.name) for run in selected_runs(ROOT, config) for point, _ in points_of(ROOT, run)}
    asked = {
        (source.address.variant, source.point)
        for source in PAPER.systems.values()
        if source.label.startswith("motion-digits@")
    }
    asked |= {(variant, "magnified") for variant in ("tiny-odc", "tiny-odc-random", "tiny-odc-centre")}
    asked |= {("tiny-odc", f"magnified-{place}") for place in ("random", "centre")}
    assert asked <= planned


# The claims on print


def test_the_claims_on_print_are_as_said_here():
    found = verdicts_of(PREDICATES, reported, fake_paper.Absent())
    assert {name: one.on_printed for name, one in found.items()} == ON_PRINTED
    assert {name for name, one in found.items() if one.comparand == "cited"} == CITED
    assert {claim.id for claim in PAPER.claims if claim.bound_from_print} == {"c03", "c16"}
    assert {claim.id for claim in PAPER.claims if claim.mechanism} == {name for name in ON_PRINTED if name[0] == "m"}


REPRINTED = {  # claim -> a printed number that would make it fail
    "c01": ("Table 2", "T-CNN", "Accuracy", 95.4),
    "c02": ("Table 3", "T-CNN + spatial", "Accuracy", 75.0),
    "c03": ("Table 3", "T-CNN + spatial", "Accuracy", 74.6),
    "c04": ("Table 3", "T-CNN", "Accuracy", 73.6),
    "c05": ("Table 2", "I3D RGB", "Accuracy", 95.7),
    "c06": ("Table 3", "I3D RGB", "Accuracy", 75.2),
    "c07": ("Table 2", "P3D", "GFLOPs", 15.0),
    "c08": ("Table 3", "T-CNN + spatial", "GFLOPs", 32.0),
    "c09": ("Table 2", "T-CNN + spatial", "GFLOPs", 47.0),
    "c11": ("Table 4", "O + C", "Total accuracy", 95.2),
    "c12": ("Table 4", "C + D", "Total accuracy", 96.4),
    "c13": ("Table 4", "O + D", "Total accuracy", 96.8),
    "c14": ("Table 4", "O + C + D", "Complement branch", 95.7),
    "c15": ("Table 4", "O + C", "Original branch", 95.2),
    "c16": ("Table 4", "O + C", "Original branch", 95.9),
}


@pytest.mark.parametrize("name", REPRINTED)
def test_another_printed_number_would_fail_the_claim(name):
    table, row, column, value = REPRINTED[name]
    found = (PRINTED[["table", "row", "column"]] == [table, row, column]).all(axis=1)
    assert found.sum() == 1
    other = Reported(PRINTED.assign(value=PRINTED["value"].where(~found, value)), reported.datasets)
    assert PREDICATES[name](other, None).on_printed is False


def test_every_claim_that_print_bears_out_could_have_failed():
    assert set(REPRINTED) == {name for name, said in ON_PRINTED.items() if said}


# The claims on ours

VIDEOS = ("discriminative", "complementary")


class Planted(fake_paper.Planted):
    """Hits on HMDB51 are planted apart, a magnification by its video and, but for the target's, its place."""

    paper = PAPER
    usual = {"hits": 0.60, "hmdb51": 0.60, "gmacs": 10.0}
    usual |= {f"{video}{place}": 1.0 for video in VIDEOS for place in ("", " anywhere")}
    luck = dict.fromkeys(usual, 0.002) | {"gmacs": 0.0}

    def hits(self, variant, point, dataset, head=None):
        assert head in (("noun",) if dataset.startswith("motion-digits") else (None, "label"))
        return self.ask("hmdb51" if dataset == "hmdb51" else "hits", variant, point, dataset)

    def gmacs(self, variant, point, dataset):
        return self.ask("gmacs", variant, point, dataset)

    def magnification(self, variant, point, dataset, video, at="target"):
        return self.ask(video if at == "target" else f"{video} {at}", variant, point, dataset)


def verdict(name, **planted):
    return verdicts_of({name: PREDICATES[name]}, reported, Planted(**planted))[name].on_ours


def kind(name, **planted):
    return verdict(name, **planted).kind


ROOM = {"tiny-odc-box": 0.80}


def test_without_runs_every_claim_is_not_run_or_can_never_be_judged():
    found = verdicts_of(PREDICATES, reported, fake_paper.Absent())
    assert {found[name].on_ours.kind for name in CITED} == {"printed numbers agree"}
    assert {name for name, one in found.items() if one.on_ours.kind == "untestable here"} == UNTESTABLE
    assert {found[name].on_ours.kind for name in set(found) - CITED - UNTESTABLE} == {"not run"}


def test_every_other_claim_can_be_judged_and_asks_for_runs_that_the_card_has():
    ours = Planted(hits=ROOM)
    found = verdicts_of(PREDICATES, reported, ours)
    assert {name for name, one in found.items() if one.on_ours.kind in ("not run", "untestable here")} == UNTESTABLE
    check_runs(ROOT, dataclasses.replace(PAPER, tables=(as_layout(ours.asked),)))
    assert {run for run, _ in ours.asked} >= {source.run for source in PAPER.systems.values()}, (
        "no system is named in vain"
    )


def test_c01_to_c03_are_what_spatial_attention_adds():
    assert kind("c01", hits={"spatial-odc": 0.63}) == kind("c02", hmdb51={"spatial-odc": 0.63}) == "holds"
    assert kind("c01", hits={"spatial-odc": 0.57}) == kind("c02", hmdb51={"spatial-odc": 0.57}) == "contradicted"
    more = {"spatial-odc": 0.66}
    assert kind("c03", hits={"spatial-odc": 0.63}, hmdb51=more) == "holds"
    assert kind("c03", hits={"spatial-odc": 0.69}, hmdb51=more) == "contradicted"


def test_c09_is_more_than_three_passes():
    assert kind("c09", gmacs={"spatial-odc": 30.2}) == "holds"
    assert kind("c09", gmacs={"spatial-odc": 29.8}) == "contradicted"
    assert "3.02" in verdict("c09", gmacs={"spatial-odc": 30.2}).evidence


BEST = {"spatial-odc": 0.70, "spatial-od": 0.68, "spatial-dc": 0.66, "spatial-oc": 0.64}  # and T-CNN 0.60


def test_c11_to_c13_are_what_each_branch_is_worth():
    assert kind("c11", hits=BEST) == kind("c12", hits=BEST) == kind("c13", hits=BEST) == "holds"
    assert kind("c11", hits=BEST | {"spatial-oc": 0.58}) == "contradicted"
    assert kind("c12", hits=BEST | {"spatial-dc": 0.69}) == "contradicted"
    assert kind("c13", hits=BEST | {"spatial-od": 0.72}) == "contradicted"


def branch(row, name):
    return (f"spatial-{row}", f"views30-{name}")


def test_c14_is_the_complementary_branch_of_all_three():
    assert kind("c14", hits={branch("odc", "complementary"): 0.57}) == "holds"
    weak = {branch("odc", "complementary"): 0.57, branch("odc", "discriminative"): 0.55}
    assert kind("c14", hits=weak) == "contradicted"


def test_c15_and_c17_are_what_a_branch_gains_beside_others():
    original = {branch("od", "original"): 0.63, branch("oc", "original"): 0.63, branch("odc", "original"): 0.66}
    others = {branch("odc", "discriminative"): 0.66, branch("odc", "complementary"): 0.66}
    assert kind("c15", hits=original) == kind("c17", hits=original | others) == "holds"
    assert kind("c15", hits=original | {branch("oc", "original"): 0.57}) == "contradicted"
    assert kind("c17", hits=original | {branch("odc", "complementary"): 0.57}) == "contradicted"


def test_c16_is_all_branches_over_each():
    assert kind("c16", hits={(f"spatial-{row}", "views30"): 0.63 for row in ("od", "oc", "dc", "odc")}) == "holds"
    assert kind("c16", hits={branch("dc", "discriminative"): 0.66}) == "contradicted"


@pytest.mark.parametrize(("name", "rival"), {"m01": "random", "m02": "uniform", "m03": "centre"}.items())
def test_m01_to_m03_need_headroom(name, rival):
    room = {"tiny-odc-box": 0.80, "tiny-odc-random": 0.55}
    assert kind(name, hits=room | {f"tiny-odc-{rival}": 0.55}) == "holds"
    assert kind(name, hits=room | {f"tiny-odc-{rival}": 0.65}) == "contradicted"
    found = verdict(name, hits={"tiny-odc-box": 0.62})
    assert found.kind == "untestable here" and "headroom 0.02" in found.why


@pytest.mark.parametrize(("name", "rival", "least"), [("m04", "tiny-odc-crops", 9.2), ("m06", "tiny-large", 9.8)])
def test_m04_and_m06_need_a_rival_that_costs_as_much(name, rival, least):
    assert kind(name, hits={rival: 0.55}, gmacs={rival: least}) == "holds"
    assert kind(name, hits={rival: 0.65}, gmacs={rival: 12.0}) == "contradicted"
    found = verdict(name, hits={rival: 0.55}, gmacs={rival: least - 0.2})
    assert found.kind == "untestable here" and found.why.startswith("tiny-odc costs 1.") and rival in found.why


PLAIN = {
    "m05": (("tiny-odc", "original"), ("tiny-odc", "single")),
    "m07": (("tiny-augmented", "single"), ("tiny-odc", "single")),
    "m11": (("tiny-undilated", "single"), ("tiny", "single")),
    "m12": (("tiny-odc-uniform", "original"), ("tiny-odc", "original")),
    "m13": (("tiny-longer", "single"), ("tiny-odc", "single")),
}


@pytest.mark.parametrize(("name", "rival", "own"), [(name, *pair) for name, pair in PLAIN.items()])
def test_what_compares_two_systems_alone(name, rival, own):
    assert kind(name, hits={own: 0.65, rival: 0.60}) == "holds"
    assert kind(name, hits={own: 0.60, rival: 0.65}) == "contradicted"


@pytest.mark.parametrize(("name", "video"), [("m08", VIDEOS[0]), ("m09", VIDEOS[1])])
def test_m08_and_m09_are_times_magnified_over_chance(name, video):
    own = {("tiny-odc", "magnified"): 1.3}
    assert kind(name, **{video: own}) == "holds"
    for by in ("random", "centre"):
        assert kind(name, **{video: own | {f"tiny-odc-{by}": 1.5}}) == "contradicted"
        assert kind(name, **{video: own | {("tiny-odc", f"magnified-{by}"): 1.5}}) == "contradicted"
    assert kind(name, **{video: own, f"{video} anywhere": {"tiny-odc": 1.5}}) == "contradicted"


def test_m10_compares_the_two_videos():
    own = {("tiny-odc", "magnified"): 1.3}
    assert kind("m10", discriminative=own) == "holds"
    assert kind("m10", complementary=own) == "contradicted"
