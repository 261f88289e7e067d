import os
import re
import signal
import subprocess
import sys

import pytest
from conftest import ROOT, edit

from saccade import products
from saccade.__main__ import main
from saccade.cards.config import load_config
from saccade.cards.dataset import load_dataset
from saccade.cards.method import load_method
from saccade.files import read_json
from saccade.plan import describe, staleness
from saccade.plan.availability import waiting_for_data, why_blocked, why_unavailable
from saccade.plan.gates import why_gate_missed
from saccade.plan.grid import planned_grid, selected_runs
from saccade.plan.layers import data_settings, heads_of, resolve
from saccade.plan.phases import drops_of, needs_of, phase_of, phase_settings, phases_of, weights_of
from saccade.plan.points import points_of
from saccade.plan.runs import Run
from saccade.records import SaccadeError
from saccade.results.reader import classes_of

DATA_SETTINGS = """
from dataclasses import dataclass

@dataclass(frozen=True, kw_only=True)
class Settings:
    fold: int = 0
"""


def run(project, variant="plain", seed=0):
    return Run("demo", "dots", "", "toy", variant, seed)


def test_later_layers_win_and_say_so(project):
    resolved = resolve(project, run(project), "policy")
    assert (resolved.values["lr"], resolved.origins["lr"]) == (0.2, "datasets.dots")
    assert (resolved.values["epochs"], resolved.origins["epochs"]) == (3, "budgets.demo.phases.policy")
    assert resolve(project, run(project)).values["epochs"] == 1
    assert resolve(project, run(project), point="frames2").typed.num_frames == 2
    assert resolved.origins["momentum"] == "default"


def test_a_subset_is_planned_as_its_edition_is(project):
    """The same settings of the data, the edition's classes but for those left out; a mean of editions is one of their
    subsets, too."""
    for name, text in (("settings", DATA_SETTINGS), ("prepare", "")):
        (project / f"data/dots/{name}.py").write_text(text)
    edit(project / "data/dots/card.yml", "classes: [a, b]", "classes: [a, b, c]")
    edit(project / "data/dots/card.yml", '{"2": {}}', '{"2": {fold: 2}}\nmeans: {mean: ["2"]}')
    config = load_config({"budget": "own", "runs": ["dots@2-c2v8/toy/plain", "dots@2/toy/plain"], "seeds": [0]})
    grid = planned_grid(project, config)
    assert [run["run"] for run in grid["runs"]] == ["own/dots@2/toy/plain/seed0", "own/dots@2-c2v8/toy/plain/seed0"]
    assert [len(classes_of(grid, run)["noun"]) for run in grid["runs"]] == [3, 2]
    assert grid["datasets"][0]["means"] == {"mean": ["2"], "mean-c2v8": ["2-c2v8"]}
    settings = [data_settings(project, load_dataset(project, "dots"), "own", one) for one in ("2-c2v8", "2", "v8")]
    assert settings == [{"fold": 2}, {"fold": 2}, {"fold": 0}]


def test_what_a_subsets_run_needs_of_its_dataset_is_of_the_same_subset(project):
    """The weights' classes would be others; what isn't of the dataset, or names its own subset, stays."""
    card = project / "methods/toy/card.yml"
    edit(
        card, "wide: {width: 8}", 'wide: {use: [policy], phases: {policy: {needs: ["dots@{edition}/toy/plain/base"]}}}'
    )
    edit(card, "  shared:", '  far: {use: [policy], phases: {policy: {needs: ["dots@v9/toy/plain/base"]}}}\n  shared:')
    edit(card, "needs: [plain/base]", "needs: [dots/toy/plain/base]")
    found = [
        str(weights_of(project, Run("demo", "dots", edition, "toy", variant, 0))[0].run.data)
        for edition, variant in (("2-c2v8", "wide"), ("2-c2v8", "shared"), ("2", "shared"), ("2-c2v8", "far"))
    ]
    assert found == ["dots@2-c2v8", "dots@c2v8", "dots", "dots@v9"]
    with pytest.raises(SaccadeError, match="names the run's edition, but demo/dots@c2v8/toy/wide/seed0 has none"):
        weights_of(project, Run("demo", "dots", "c2v8", "toy", "wide", 0))


def test_videos_encoded_anew_are_planned_as_their_edition_is(project, monkeypatch):
    """How they are encoded decides what is prepared; a mean of editions is one of them encoded so, too."""
    monkeypatch.setattr(staleness, "prepare_code", lambda *_: "")
    for name, text in (("settings", DATA_SETTINGS), ("prepare", "")):
        (project / f"data/dots/{name}.py").write_text(text)
    edit(project / "data/dots/card.yml", '{"2": {}}', '{"2": {fold: 2}}\nmeans: {mean: ["2"]}')
    config = load_config({"budget": "paper", "runs": ["dots@2-short64/toy/plain"], "seeds": [0]})
    (dataset,) = planned_grid(project, config)["datasets"]
    assert dataset["means"] == {"mean": ["2"], "mean-short64": ["2-short64"]}
    dots = load_dataset(project, "dots")
    editions = ("2", "2-short64", "2-short64gop9", "2-short64-v5")
    settings = [staleness.prepare_params(project, dots, "own", each)["settings"] for each in editions]
    assert [('"fold":2' in each, '"gop":9' in each, '"crf":' in each) for each in settings] == [
        (True, False, False),
        (True, False, True),
        (True, True, True),
        (True, False, True),
    ]


def test_what_a_run_needs_of_its_dataset_is_encoded_anew_as_its_own_videos_are(project):
    edit(project / "methods/toy/card.yml", "needs: [plain/base]", "needs: [dots/toy/plain/base]")
    need = weights_of(project, Run("demo", "dots", "2-short64-v8", "toy", "shared", 0))[0]
    assert need.run.data == "dots@short64-v8"


def test_videos_that_are_made_here_are_not_encoded_anew(project):
    edit(project / "data/dots/card.yml", "source: made up", "source: embedded")
    with pytest.raises(SaccadeError, match=r"dots@2-short64-v8: .* are made here, .*; take dots@2-v8"):
        Run.parse(project, "demo/dots@2-short64-v8/toy/plain/seed0")


def test_the_path_is_the_identity(project):
    text = "demo/dots@2/toy/wide/seed3"
    assert Run.parse(project, text).name == text
    assert str(Run.parse(project, text).prepared) == "data/dots/prepared/demo@2"


def test_a_run_learns_the_classes_of_its_edition_and_the_grid_tells_both(project, monkeypatch):
    monkeypatch.setattr(staleness, "prepare_code", lambda *_: "")
    edit(project / "data/dots/card.yml", "classes: [a, b]", 'classes: [a, b], editions: {"2": [b, c, d]}')
    assert [head.classes for head in heads_of(project, Run("demo", "dots", "2", "toy", "plain", 0))] == [
        ("b", "c", "d")
    ]
    config = load_config({"budget": "demo", "runs": ["dots/toy/plain", "dots@2/toy/plain"], "seeds": [0]})
    grid = planned_grid(project, config)
    assert [classes_of(grid, run) for run in grid["runs"]] == [{"noun": ["a", "b"]}, {"noun": ["b", "c", "d"]}]
    params = [
        staleness.prepare_params(project, load_dataset(project, "dots"), "demo", edition) for edition in ("", "2")
    ]
    assert ['"classes":["b","c","d"]' in made["settings"] for made in params] == [False, True]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("demo/dots/toy/plain", "is not <budget>/<dataset>"),
        ("../dots/toy/plain/seed0", "budget '..' must be lower-case"),
        ("Demo/dots/toy/plain/seed0", "budget 'Demo' must be lower-case"),
        ("demo/dots/toy/plain/seedx", "seedx must be seed and a number"),
        ("demo/dots/toy/plain/seed007", "seed007 must be seed and a number"),
        ("demo/dots/toy/plain/seed\u0663", "must be seed and a number"),
        (f"demo/dots/toy/plain/seed{'9' * 5000}", "must be seed and a number"),
        ("demo/dots/toy/plane/seed0", "unknown variant 'plane'; did you mean 'plain'"),
        ("demo/dots@3/toy/plain/seed0", "unknown edition '3'"),
        ("demo/dots@2-c3/toy/plain/seed0", "dots: c3 asks for more classes than head 'noun' has: 2"),
        ("demo/dots@v0/toy/plain/seed0", "edition 'v0': v0 leaves no video"),
        ("demo/dots@c2-v8/toy/plain/seed0", "unknown edition 'c2'.*; a subset is written c<N>, v<M> or c<N>v<M>"),
        ("paper/dots@2-v8/toy/plain/seed0", "dots@2-v8 is a subset, and numbers of budget paper .*; name another"),
        ("demo/dots@3-short64/toy/plain/seed0", "unknown edition '3'.*; videos encoded anew are short<S>"),
        ("demo/dots@v8-short64/toy/plain/seed0", "unknown edition 'v8'.* or short<S>gop<G>, before a subset"),
        ("demo/dotz/toy/plain/seed0", "unknown dataset 'dotz'"),
    ],
)
def test_a_wrong_run_is_named(project, text, message):
    with pytest.raises(SaccadeError, match=message):
        Run.parse(project, text)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"runs": ["dots/toi/plain"]}, "unknown method 'toi'"),
        ({"runs": ["dotz/toy/plain"]}, "unknown dataset 'dotz'"),
        ({"runs": ["dots/toy/plane"]}, "unknown variant"),
        ({"runs": ["dots/toy/zz*"]}, "selects nothing"),
        ({"runs": ["dots/toy/plain/seed3"]}, "'dots/toy/plain/seed3' selects none of the seeds 0"),
        ({"runs": ["dots/toy/*"], "points": ["frames3"]}, "unknown point 'frames3'; did you mean 'frames2'"),
    ],
)
def test_a_config_that_names_what_does_not_exist(project, config, message):
    with pytest.raises(SaccadeError, match=message):
        selected_runs(project, load_config({"budget": "demo", "seeds": [0], **config}))


@pytest.mark.parametrize("file", sorted((ROOT / "config").glob("*.yaml")), ids=lambda file: file.stem)
def test_every_shipped_config_plans(file, tmp_path, monkeypatch, capsys):
    """Through the command line: its runs are named, and its grid is written, with each run that it names."""
    monkeypatch.chdir(ROOT)
    assert main(["plan", "--config", str(file)]) == 0
    named = capsys.readouterr().out.split()
    assert main(["plan", "--config", str(file), "--write", str(tmp_path / "plan.json")]) == 0
    grid = read_json(tmp_path / "plan.json")
    assert named == [run["run"] for run in grid["runs"]] and all(run["points"] for run in grid["runs"])
    assert bool(named) == (grid["budget"] != "paper")  # no real dataset has a card yet


def test_globs_and_seeds_expand_in_order(project):
    runs = selected_runs(
        project, load_config({"budget": "demo", "seeds": [1, 0], "runs": ["*/toy/*", "dots/toy/wide"]})
    )
    assert [(r.variant, r.seed) for r in runs] == [
        ("plain", 0),
        ("plain", 1),
        ("shared", 0),
        ("shared", 1),
        ("wide", 0),
        ("wide", 1),
    ]


def test_a_run_may_name_its_seeds(project):
    config = load_config({"budget": "demo", "seeds": [0, 1, 2], "runs": ["dots/toy/wide", "dots/toy/plain/seed[01]"]})
    assert [(r.variant, r.seed) for r in selected_runs(project, config)] == [
        ("plain", 0),
        ("plain", 1),
        ("wide", 0),
        ("wide", 1),
        ("wide", 2),
    ]


def test_what_fine_tuning_drops_of_another_dataset_is_said_by_product(project):
    card = project / "methods/toy/card.yml"
    edit(
        card,
        "  shared: {use: [policy], phases: {policy: {needs: [plain/base]}}}",
        '  shared: {use: [policy], phases: {policy: {needs: [plain/base], drops: ["head.*"]}}}',
    )
    found = drops_of(project, run(project, "shared"))
    assert {str(path): globs for path, globs in found.items()} == {
        "results/demo/dots/toy/plain/seed0/base.json": ("head.*",)
    }
    assert "without head.*" in describe.describe_run(project, run(project, "shared"))


def test_weights_load_in_the_order_of_needs(project):
    assert [str(need.product) for need in weights_of(project, run(project))] == [
        "results/demo/dots/toy/plain/seed0/base.json",
        "results/demo/dots/toy/plain/seed0/policy.json",
    ]
    assert [str(need.product) for need in weights_of(project, run(project, "shared"))] == [
        "results/demo/dots/toy/plain/seed0/base.json",
        "results/demo/dots/toy/shared/seed0/policy.json",
    ]


SHARED = "  shared: {use: [policy], phases: {policy: {needs: [plain/base]}}}"


def test_a_finished_model_may_have_phases_that_its_training_never_waits_for(project):
    """What a variant borrows is loaded before its own phases, each with what it needs."""
    edit(project / "methods/toy/card.yml", SHARED, "  shared: {use: [base], borrows: [plain/policy]}")
    own = run(project, "shared")
    assert [f"{need.run.variant}/{need.phase.name}" for need in weights_of(project, own)] == [
        "plain/base",
        "plain/policy",
        "shared/base",
    ]
    assert needs_of(project, own, phase_of(project, own, "base")) == []


def test_a_variant_may_train_nothing_where_it_borrows(project):
    card = project / "methods/toy/card.yml"
    edit(card, SHARED, "  shared: {use: [], borrows: [plain/policy]}")
    assert phases_of(project, run(project, "shared")) == []
    assert [need.run.variant for need in weights_of(project, run(project, "shared"))] == ["plain", "plain"]
    edit(card, "use: [], borrows: [plain/policy]", "use: []")
    load_method.cache_clear()
    with pytest.raises(SaccadeError, match="variants.shared.use: it has no phase; name one, or in `borrows` those"):
        load_method(project, "toy")


def test_a_borrowed_phase_that_does_not_exist(project):
    edit(project / "methods/toy/card.yml", SHARED, "  shared: {use: [base], borrows: [plain/polici]}")
    with pytest.raises(SaccadeError, match="the finished model needs 'plain/polici', which doesn't exist: .* 'policy'"):
        weights_of(project, run(project, "shared"))


def test_what_a_borrowed_phase_drops_stays_dropped(project):
    card = project / "methods/toy/card.yml"
    edit(card, SHARED, SHARED.replace("[plain/base]", '[plain/base], drops: ["head.*"]'))
    edit(card, "  wide: {", "  borrower: {use: [], borrows: [shared/policy]}\n  wide: {")
    found = drops_of(project, run(project, "borrower"))
    assert {str(path): globs for path, globs in found.items()} == {
        "results/demo/dots/toy/plain/seed0/base.json": ("head.*",)
    }


def test_a_need_may_name_what_the_run_is_of(project):
    edit(project / "methods/toy/card.yml", "[plain/base]", '["{dataset}/toy/{variant}-first/base"]')
    edit(project / "methods/toy/card.yml", "  wide: {", "  shared-first: {use: [base]}\n  wide: {")
    assert [str(need.product) for need in weights_of(project, run(project, "shared"))][0] == (
        "results/demo/dots/toy/shared-first/seed0/base.json"
    )


def test_a_shared_phase_with_other_settings_is_refused(project):
    edit(project / "methods/toy/card.yml", "shared: {use: [policy],", "shared: {width: 16, use: [policy],")
    with pytest.raises(SaccadeError, match=r"trained with other settings: width \(16 here, 4 there\)"):
        weights_of(project, run(project, "shared"))


@pytest.mark.parametrize(
    ("need", "message"),
    [
        (
            "plain/bass",
            r"methods/toy/card.yml: .* needs 'plain/bass', which doesn't exist: .* has no phase 'bass'; did you mean "
            r"'base'",
        ),
        ("plane/base", "methods/toy/card.yml: .* needs 'plane/base', which doesn't exist"),
        ("dotz/toy/plain/base", "unknown dataset 'dotz'"),
        ("bass", "no phase 'bass' in variant shared"),
        ("shared/policy", "in a circle"),
    ],
)
def test_a_need_that_does_not_exist(project, need, message):
    edit(project / "methods/toy/card.yml", "needs: [plain/base]", f"needs: [{need}]")
    with pytest.raises(SaccadeError, match=message):
        weights_of(project, run(project, "shared"))


def test_a_budget_may_need_something_else(project):
    edit(project / "methods/toy/card.yml", "phases: {policy: {epochs: 3}}", "phases: {policy: {epochs: 3, needs: []}}")
    assert needs_of(project, run(project), phase_of(project, run(project), "policy")) == []
    study = Run("study", "dots", "", "toy", "plain", 0)
    assert [need.phase.name for need in needs_of(project, study, phase_of(project, study, "policy"))] == ["base"]


@pytest.mark.parametrize(
    ("need", "product"),
    [
        ("plain/base", "dots@2/toy/plain/seed0/base.json"),  # of the same edition
        ("dots/toy/plain/base", "dots/toy/plain/seed0/base.json"),
        ('"dots@{edition}/toy/plain/base"', "dots@2/toy/plain/seed0/base.json"),
        ("toi/plain/base", "dots@2/toi/plain/seed0/base.json"),
        ("more/toy/plain/base", "more/toy/plain/seed0/base.json"),
    ],
)
def test_a_need_may_be_of_another_edition_dataset_or_method(project, need, product):
    add_second(project)
    edit(project / "methods/toy/card.yml", "needs: [plain/base]", f"needs: [{need}]")
    shared = Run("demo", "dots", "2", "toy", "shared", 0)
    assert str(weights_of(project, shared)[0].product) == f"results/demo/{product}"


@pytest.mark.parametrize(
    ("said", "key"),
    [
        ('needs: ["dots@{edition}/toy/plain/base"]', "needs"),
        ('needs: [plain/base], features: [plain/base, "dots@{edition}/toy/plain/base"]', "features"),
    ],
)
def test_what_is_of_the_runs_edition_needs_an_edition(project, said, key):
    edit(project / "methods/toy/card.yml", "needs: [plain/base]", said)
    wrong = rf"phases.policy.{key}: dots@{{edition}}/toy/plain/base names the run's edition, but "
    with pytest.raises(SaccadeError, match=wrong + "demo/dots/toy/shared/seed0 has none; take dots@<edition>"):
        weights_of(project, Run("demo", "dots", "", "toy", "shared", 0))


def add_second(project):
    """A second method and a second dataset, both like the first."""
    for kind, old, new in (("methods", "toy", "toi"), ("data", "dots", "more")):
        (project / kind / new).mkdir()
        for file in (project / kind / old).glob("*.*"):
            (project / kind / new / file.name).write_text(file.read_text())
    edit(project / "methods/toi/card.yml", "method: toy", "method: toi")
    edit(project / "data/more/card.yml", "dataset: dots", "dataset: more")
    edit(project / "data/more/card.yml", "videos.zip", "more.zip")


def test_a_run_that_needs_a_phase_trained_on_missing_data_is_not_run(project):
    add_second(project)
    (project / "data/dots/raw").mkdir()
    (project / "data/dots/raw/videos.zip").touch()
    assert why_blocked(project, run(project, "shared")) is None
    edit(project / "methods/toy/card.yml", "needs: [plain/base]", "needs: [more/toy/plain/base]")
    load_method.cache_clear()
    assert why_blocked(project, run(project, "shared")).startswith("data/more/raw lacks more.zip")


def test_a_run_whose_dataset_lacks_what_it_sees_or_hears_is_not_run(project):
    edit(project / "methods/toy/card.yml", "  plain: {}", "  plain: {modalities: [rgb, audio, flow]}")
    edit(project / "data/dots/card.yml", "heads:", "modalities: [rgb]\nheads:")
    planned = planned_grid(project, load_config({"budget": "demo", "seeds": [0], "runs": ["dots/toy/plain"]}))
    assert planned["runs"][0]["status"] == "not run"
    assert planned["runs"][0]["why"] == "dots has no audio and no flow, which plain needs"
    # nor can one whose phase is that one's
    assert why_blocked(project, run(project, "shared")) == "dots has no audio and no flow, which plain needs"
    edit(project / "data/dots/card.yml", "modalities: [rgb]", "modalities: [rgb, smell]")
    load_dataset.cache_clear()
    with pytest.raises(SaccadeError, match=r"card.yml: modalities\[1\]: 'smell' is not one of rgb, audio, flow"):
        load_dataset(project, "dots")


def test_a_run_that_listens_to_prepared_videos_without_sound_is_not_run(project):
    (project / "data/dots/raw").mkdir()
    (project / "data/dots/raw/videos.zip").touch()
    coverage = project / run(project).prepared / "coverage.json"
    facts = {"problems": [], "settings": {}, "sound": {"with": 7, "without": 2}}
    products.write(coverage, facts)
    assert why_blocked(project, run(project)) is None
    edit(project / "methods/toy/card.yml", "  plain: {}", "  plain: {modalities: [rgb, audio]}")
    load_method.cache_clear()
    assert why_blocked(project, run(project)) == (
        "2 of 9 videos of data/dots/prepared/demo have no sound, to which plain listens; leave them out, or take "
        "'audio' out of `modalities`"
    )
    products.write(coverage, facts | {"sound": {"with": 9, "without": 0}})
    assert why_blocked(project, run(project)) is None


def test_a_part_is_no_run_of_its_own(project):
    edit(project / "methods/toy/card.yml", "wide: {", "wide: {part: true, ")
    config = {"budget": "demo", "seeds": [0]}
    assert [r.variant for r in selected_runs(project, load_config(config | {"runs": ["dots/toy/*"]}))] == [
        "plain",
        "shared",
    ]
    with pytest.raises(SaccadeError, match="'dots/toy/wide' is only a part of other variants"):
        selected_runs(project, load_config(config | {"runs": ["dots/toy/wide"]}))


@pytest.mark.parametrize(
    ("result", "says"),
    [
        ({"top1": 0.5}, None),
        ({"top1": 0.4}, "reached top1 = 0.4; its gate asks for 0.5"),
        ({"loss": 1.0}, "reports no top1 .loss., for which"),
    ],
)
def test_a_gate_says_what_is_missing(result, says):
    missed = why_gate_missed({"metric": "top1", "at_least": 0.5}, result)
    assert missed is None if says is None else re.match(says, missed)


def test_a_gate_may_be_set_by_a_layer_and_lifted_by_a_later_one(project):
    card = project / "methods/toy/card.yml"
    edit(card, "policy: {epochs: 3}", "policy: {epochs: 3, gate: {metric: reward, at_least: 0.5}}")
    edit(card, "  shared: {", "  spared: {phases: {policy: {gate: null}}}\n  shared: {")
    gates = {
        name: planned_grid(project, load_config({"budget": budget, "seeds": [0], "runs": [f"dots/toy/{name}"]}))
        for budget, name in (("demo", "plain"), ("demo", "spared"), ("study", "wide"))
    }
    found = {name: {path.rpartition("/")[2]: gate for path, gate in grid["runs"][0]["gates"].items()}
             for name, grid in gates.items()}  # fmt: skip
    assert found == {"plain": {"policy.json": {"metric": "reward", "at_least": 0.5}}, "spared": {}, "wide": {}}


def test_gates_of_the_studies_hold_in_the_study_alone_and_not_for_what_it_asks():
    def gates(budget, data, method, variant):
        return {phase.name: phase.gate.at_least for phase in phases_of(ROOT, Run(budget, *data, method, variant, 0))
                if phase.gate}  # fmt: skip

    focus, tempo, foveal = (("motion-digits", edition) for edition in ("focus", "tempo", "foveal"))
    assert gates("study", focus, "adafocus", "tiny-40") == {"warm_up": 0.3}
    assert gates("study", focus, "adafocus", "tiny-backbones") == {"pretrain_global": 0.3, "pretrain_local": 0.3}
    assert gates("study", tempo, "atfr", "3dresnet-tiny") == {"train": 0.375}
    assert gates("study", tempo, "atfr", "3dresnet-tiny-atfr") == {}
    assert gates("study", foveal, "mac", "tiny-base") == {"pretrain_high": 0.3}
    assert gates("study", foveal, "mac", "tiny-base-low") == gates("study", foveal, "mac", "tiny-s1") == {}
    assert gates("demo", ("motion-digits", ""), "adafocus", "tiny-24") == {}


def test_plan_shows_what_each_point_changes_and_which_layer_says_so(project):
    said = describe.describe_run(project, run(project)).splitlines()
    assert "    frames2: num_frames 2 (points.frames2)" in said
    assert any(
        line.startswith('    truthful: sampler "oracle" (points.truthful) (not run: needs ground truth')
        for line in said
    )
    edit(project / "methods/toy/card.yml", "num_frames: 4", "num_frames: 2")
    load_method.cache_clear()
    assert "    frames2: the run's own settings" in describe.describe_run(project, run(project)).splitlines()


def test_plan_puts_a_phases_own_settings_under_its_name(project):
    said = describe.describe_run(project, run(project)).splitlines()
    start = said.index("  settings of phase policy that differ")
    assert [line.split() for line in said[start + 1 :]] == [["epochs", "3", "budgets.demo.phases.policy"]]
    assert sum(line.split()[0] == "epochs" for line in said[:start]) == 1
    assert not any("settings of phase base" in line for line in said)


def test_a_phase_depends_only_on_what_it_reads(project):
    base, policy = phases_of(project, run(project))
    read = phase_settings(project, run(project), base)
    assert (read["width"], read["lr"], read["epochs"]) == (4, 0.2, 1)
    assert not {"num_frames", "device", "workers"} & set(read)
    all_read = phase_settings(project, run(project), policy)
    assert {"width", "lr", "num_frames", "device"} <= set(all_read) and not {"workers", "cache_mb"} & set(all_read)


def test_a_phase_is_shared_over_the_sections_that_it_does_not_read(project):
    edit(project / "methods/toy/card.yml", "base: {reads: [recipe, network]}", "base: {reads: [input, recipe]}")
    edit(project / "methods/toy/card.yml", "shared: {use: [policy],", "shared: {width: 16, use: [policy],")
    assert [need.run.variant for need in weights_of(project, run(project, "shared"))] == ["plain", "shared"]
    base = phase_settings(project, run(project), phase_of(project, run(project), "base"))
    assert "width" not in base and "num_frames" in base


def test_a_missing_dataset_is_planned_but_not_run_with_the_instruction(project):
    planned = planned_grid(project, load_config({"budget": "demo", "seeds": [0], "runs": ["dots/toy/plain"]}))
    assert planned["runs"][0]["status"] == "not run"
    assert planned["runs"][0]["why"] == "data/dots/raw lacks videos.zip; Ask the authors for videos.zip."
    (project / "data/dots/raw").mkdir()
    (project / "data/dots/raw/videos.zip").touch()
    assert why_unavailable(project, load_dataset(project, "dots"), "demo") is None


def test_the_first_run_that_waits_for_a_dataset_says_so(project):
    runs = [run(project, "plain", seed) for seed in (0, 1)] + [run(project, "shared")]
    waiting = "dots/toy/plain: data/dots/raw lacks videos.zip; Ask the authors for videos.zip."
    assert waiting_for_data(project, runs) == [waiting]
    assert waiting_for_data(project, runs, most=0) == ["and 1 more"]
    (project / "data/dots/raw").mkdir()
    (project / "data/dots/raw/videos.zip").touch()
    assert waiting_for_data(project, runs) == []


def test_a_point_that_needs_truth_says_why_it_cannot_run(project):
    assert [(point.name, bool(why)) for point, why in points_of(project, run(project))] == [
        ("frames1", False),
        ("frames2", False),
        ("truthful", True),
    ]


def test_a_card_that_names_no_heads_learns_all_that_the_dataset_has(project):
    edit(project / "methods/toy/card.yml", "heads: [noun], ", "")
    edit(project / "data/dots/card.yml", "  noun:", "  verb: {kind: multi, classes: [x, y]}\n  noun:")
    assert [head.name for head in heads_of(project, run(project))] == ["verb", "noun"]


def test_an_unknown_head_is_named(project):
    edit(project / "methods/toy/card.yml", "heads: [noun]", "heads: [verb]")
    with pytest.raises(SaccadeError, match=r"head 'verb' is unknown to .*there are: noun"):
        heads_of(project, run(project))


def test_edited_code_retrains_toy_budgets_only(project, monkeypatch):
    monkeypatch.setattr(staleness, "train_code", lambda *_: "abc")
    paper = Run("paper", "dots", "", "toy", "plain", 0)
    base = phases_of(project, paper)[0]
    assert staleness.train_params(project, run(project), base)["code"] == "abc"
    assert staleness.train_params(project, paper, base)["code"] == "on request"


def test_settings_outside_their_range_are_named(project):
    edit(project / "methods/toy/card.yml", "batch_size: 4", "batch_size: 0")
    with pytest.raises(SaccadeError, match=r"methods/toy/card.yml: settings.batch_size: 0 must be at least 1$"):
        resolve(project, run(project))


def test_a_results_folder_that_cannot_be_written_is_one_message(project, monkeypatch, capsys):
    (project / "results").touch()  # a file, so that it holds for root too
    monkeypatch.chdir(project)
    assert main(["plan", "--write", "results/demo/plan.json"]) == 1
    said = capsys.readouterr().err
    assert "cannot write results/demo/plan.json" in said and "Traceback" not in said


def test_a_reader_that_leaves_early_is_no_error():
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([sys.executable, "-m", "saccade", "list"], cwd=ROOT, stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    assert (done.returncode, done.stderr) == (128 + signal.SIGPIPE, b"")


@pytest.mark.parametrize("arguments", [["prepare", "dots", "--budget", ".."], ["report", "../demo"]])
def test_a_budget_that_leaves_its_folder_is_refused_by_every_verb(project, monkeypatch, capsys, arguments):
    monkeypatch.chdir(project)
    assert main(arguments) == 1
    assert "must be lower-case" in capsys.readouterr().err
