"""The rules of a verdict, one claim that reads like a claim, and the verdict machine put on trial."""

import dataclasses
import math

import numpy as np
import pytest
import scipy.stats
from made_up_systems import hits, rng

from benchmarks import verdicts
from saccade.judging import compare
from saccade.judging.compare import difference, map_difference
from saccade.judging.corrected_p_values import holm
from saccade.judging.effect import Effect
from saccade.judging.system_scores import SystemClassScores, SystemScores
from saccade.judging.verdict import (
    Cited,
    Finding,
    Outcome,
    Untestable,
    all_of,
    any_of,
    argmax,
    at_most,
    better,
    comparable,
    exact,
    monotone,
    need_gates,
    need_headroom,
    verdicts_of,
)
from saccade.results.reader import NotRun
from saccade.scoring import metrics


def effect(value, error=0.01, freedom=200.0, seeds=5, clusters=60, notes=()):
    """An effect with normal draws, so that what it should say is known."""
    moves = error * scipy.stats.norm.ppf((np.arange(4000) + 0.5) / 4000)
    return Effect(value, moves, error, freedom, 500, clusters, seeds, notes)


def verdict_of(outcome):
    return verdicts_of({"c": lambda reported, ours: Finding(None, lambda: outcome)}, None, None)["c"].on_ours


def outcome(p_holds, p_contradicts=1.0, seeds=5):
    return Outcome(p_holds, p_contradicts, seeds, 0.02, "evidence")


# The rules


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [
        (better(effect(0.03)), "holds"),
        (better(effect(0.01)), "inconclusive"),
        (better(effect(-0.03)), "contradicted"),
        (better(effect(0.03), by=0.02), "inconclusive"),
        (better(effect(0.03), by=0.06), "contradicted"),
        (at_most(effect(0.01), 0.04), "holds"),
        (at_most(effect(0.03), 0.04), "inconclusive"),
        (at_most(effect(0.07), 0.04), "contradicted"),
        (comparable(effect(0.0), 0.02), "holds"),
        (comparable(effect(0.01), 0.02), "inconclusive"),
        (comparable(effect(0.05), 0.02), "contradicted"),
        (comparable(effect(-0.05), 0.02), "contradicted"),
        (exact(True, "1.81 < 3.75"), "holds"),
        (exact(False, "1.81 < 1.75"), "contradicted"),
    ],
)
def test_each_test_has_its_three_answers(outcome, kind):
    assert verdict_of(outcome).kind == kind


def test_better_is_decided_where_the_95_percent_interval_ends():
    for value in (0.0194, 0.0200):
        found = effect(value)
        assert (found.interval().low > 0) == (verdict_of(better(found)).kind == "holds")
    assert effect(0.0194).interval().low < 0 < effect(0.0200).interval().low


def test_comparable_is_decided_where_the_90_percent_interval_ends():
    inside, outside = effect(0.0, error=0.0120), effect(0.0, error=0.0123)  # 1.65 errors are 0.0198 and 0.0203
    assert inside.interval(0.9).high < 0.02 < outside.interval(0.9).high
    assert [verdict_of(comparable(one, 0.02)).kind for one in (inside, outside)] == ["holds", "inconclusive"]


def test_p_values_are_students():
    found = effect(0.02, freedom=6)
    expected = scipy.stats.t.sf(2.0, 6)
    assert found.p_above(0) == pytest.approx(expected, rel=0.01)
    assert found.p_below(0) == pytest.approx(1 - expected, rel=0.01)
    assert effect(0.0).p_above(0) == 0.5


def test_a_finer_p_than_the_draws_allow_is_not_claimed():
    assert effect(1.0).p_above(0) == pytest.approx(1 / 4000)


def test_the_smallest_difference_is_found_in_four_of_five_runs():
    generator, planted = rng(0), effect(0, freedom=8).smallest_detectable()
    errors = 0.01 * np.sqrt(generator.chisquare(8, 20000) / 8)
    found = planted + 0.01 * generator.normal(size=20000) > scipy.stats.t.ppf(0.975, 8) * errors
    assert found.mean() == pytest.approx(0.8, abs=0.03)


def test_the_smallest_margin_is_found_in_four_of_five_runs():
    generator, margin = rng(0), effect(0, freedom=8).smallest_margin()
    errors = 0.01 * np.sqrt(generator.chisquare(8, 20000) / 8)
    found = np.abs(0.01 * generator.normal(size=20000)) + scipy.stats.t.ppf(0.95, 8) * errors < margin
    assert found.mean() == pytest.approx(0.8, abs=0.03)


def test_inconclusive_says_what_would_have_been_found():
    found = verdict_of(better(effect(0.01)))
    assert found.smallest == pytest.approx(0.01 * (1.972 + 0.843), rel=0.01) and f"{found.smallest:.3g}" in found.why


def test_all_needs_every_part_and_one_part_contradicts():
    good, unsure, bad = better(effect(0.05)), better(effect(0.01)), better(effect(-0.05))
    assert [verdict_of(all_of(*parts)).kind for parts in ((good, good), (good, unsure), (good, bad))] == [
        "holds",
        "inconclusive",
        "contradicted",
    ]


def test_a_contradicted_part_is_corrected_for_having_looked_at_all():
    assert all_of(outcome(1, 0.02), *[outcome(0.001)] * 4).p_contradicts == pytest.approx(0.1)
    assert all_of(outcome(0.04), outcome(0.001)).p_holds == 0.04


def test_any_needs_one_part_and_every_part_contradicts():
    good, unsure, bad = better(effect(0.05)), better(effect(0.01)), better(effect(-0.05))
    kinds = [verdict_of(any_of(*parts)).kind for parts in ((bad, good), (bad, unsure), (bad, bad))]
    assert kinds == ["holds", "inconclusive", "contradicted"]


def test_a_part_that_holds_is_corrected_for_having_looked_at_all():
    assert any_of(outcome(0.02), *[outcome(1, 0.001)] * 4).p_holds == pytest.approx(0.1)
    assert any_of(outcome(1, 0.04), outcome(1, 0.001)).p_contradicts == 0.04


def test_monotone_looks_at_steps_and_argmax_at_the_best():
    values = {"a": 0.5, "b": 0.6, "c": 0.55}
    compare_names = lambda first, second: effect(values[first] - values[second])  # noqa: E731
    assert verdict_of(monotone(["a", "c", "b"], compare=compare_names)).kind == "holds"
    assert verdict_of(monotone(["a", "b", "c"], compare=compare_names)).kind == "contradicted"
    assert verdict_of(monotone(["a", "b", "c"], by=-0.1, compare=compare_names)).kind == "holds"
    assert verdict_of(argmax("b", ["a", "c"], compare=compare_names)).kind == "holds"
    assert verdict_of(argmax("c", ["a", "b"], compare=compare_names)).kind == "contradicted"


def test_one_seed_can_at_most_be_consistent_with():
    assert verdict_of(better(effect(0.05, seeds=1))).kind == "consistent with"
    assert verdict_of(better(effect(-0.05, seeds=1))).kind == "inconclusive"
    assert verdict_of(all_of(better(effect(0.05, seeds=1)), better(effect(0.05)))).kind == "consistent with"


def test_one_cluster_is_untestable():
    found = verdicts_of({"c": lambda *_: Finding(True, lambda: better(effect(0.05, clusters=1)))}, None, None)["c"]
    assert found.on_ours.kind == "untestable here" and "one cluster" in found.on_ours.why and found.on_printed


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9]) == [1.0, 1.0] and holm([]) == []


def test_holm_agrees_with_its_definition():
    p = list(rng(0).random(12) ** 3)
    by_rank = sorted(p)
    expected = [max(min(1, (12 - j) * by_rank[j]) for j in range(by_rank.index(one) + 1)) for one in p]
    assert holm(p) == pytest.approx(expected)


def test_what_one_claim_could_say_many_cannot():
    claims = {f"c{i}": (lambda *_, i=i: Finding(None, lambda: outcome(0.02 if i == 0 else 0.5))) for i in range(4)}
    assert verdicts_of({"c0": claims["c0"]}, None, None)["c0"].on_ours.kind == "holds"
    found = verdicts_of(claims, None, None)["c0"].on_ours
    assert found.kind == "inconclusive" and found.p == pytest.approx(0.08)


def test_claims_of_one_seed_cost_the_others_nothing():
    claims = {
        f"c{i}": (lambda *_, i=i: Finding(None, lambda: outcome(0.02, seeds=5 if i == 0 else 1))) for i in range(9)
    }
    found = verdicts_of(claims, None, None)
    assert found["c0"].on_ours.kind == "holds" and found["c1"].on_ours.kind == "inconclusive"


def test_notes_reach_the_evidence():
    assert (
        "classes with few positives" in verdict_of(better(effect(0.05, notes=("classes with few positives",)))).evidence
    )


def test_a_margin_is_above_nothing():
    with pytest.raises(ValueError, match="above 0"):
        comparable(effect(0), 0.0)


# A paper's claims


def table_one(row):
    """A paper's printed numbers: action top-1 of a table's rows."""
    return {"S0": 0.341, "S1": 0.348, "S3": 0.352, "TBN, cited": 0.360}[row]


def crops_always_help(reported, ours):
    """C03: one or three crops beat none."""
    return Finding(
        on_printed=min(reported("S1"), reported("S3")) > reported("S0"),
        on_ours=lambda: all_of(better(difference(ours("s1"), ours("s0"))), better(difference(ours("s3"), ours("s0")))),
    )


def three_crops_cost_little(reported, ours):
    """C05: S3 loses at most 3 points to S1, where there is room to gain at all."""

    def test():
        need_headroom(ours("oracle"), ours("s0"))
        return at_most(difference(ours("s1"), ours("s3")), 0.03)

    return Finding(on_printed=reported("S1") - reported("S3") <= 0.03, on_ours=test)


def below_the_others(reported, ours):
    """C26: against numbers of other papers."""
    return Cited(reported("S3") > reported("TBN, cited"), confounders=("pre-training", "views"))


def test_a_paper_is_judged_on_its_numbers_and_on_ours():
    made = dict(zip(("s0", "s1", "s3", "oracle"), hits([0.3, 0.5, 0.6, 0.8], rng(), clusters=60), strict=True))

    def ours(name):
        if name not in made:
            raise NotRun(f"{name}: not trained yet")
        return made[name]

    claims = {"C03": crops_always_help, "C05": three_crops_cost_little, "C26": below_the_others}
    found = verdicts_of(claims, table_one, ours)
    assert {name: (one.comparand, one.on_printed, one.on_ours.kind) for name, one in found.items()} == {
        "C03": ("own", True, "holds"),
        "C05": ("own", True, "holds"),
        "C26": ("cited", False, "printed numbers disagree"),
    }
    assert "pre-training, views" in found["C26"].on_ours.why

    made["oracle"] = made["s0"]
    assert verdicts_of(claims, table_one, ours)["C05"].on_ours.why.startswith("headroom 0.000")
    del made["s3"]
    lacking = verdicts_of(claims, table_one, ours)["C03"]
    assert (lacking.on_printed, lacking.on_ours.kind, lacking.on_ours.why) == (True, "not run", "s3: not trained yet")


@pytest.mark.parametrize(("why", "kind"), [(NotRun, "not run"), (Untestable, "untestable here")])
def test_a_claim_that_cannot_be_said_at_all_ends_no_other(why, kind):
    def missing(reported, ours):
        raise why("seed 3")

    found = verdicts_of(
        {"a": missing, "b": lambda reported, ours: Finding(True, lambda: exact(True, "1 < 2"))}, None, None
    )
    assert (found["a"].on_printed, found["a"].on_ours.kind, found["a"].on_ours.why) == (None, kind, "seed 3")
    assert (found["b"].on_printed, found["b"].on_ours.kind) == (True, "holds")


def test_a_missed_gate_is_untestable():
    def test():
        need_gates([])
        need_gates(["warmup reached val.top1 = 0.2; its gate asks for 0.3"])

    found = verdicts_of({"c": lambda *_: Finding(True, test)}, None, None)["c"].on_ours
    assert found.kind == "untestable here" and found.why.startswith("gate: warmup reached")


# The verdict machine on trial. The larger simulation is benchmarks/verdicts.py, its tables docs/statistics.md.


def directions(draw, trials, judge_one):
    return np.array([judge_one(*draw(rng(seed))) for seed in range(trials)])


def says_better(first, second):
    return verdict_of(better(difference(first, second, draws=300))).kind in ("holds", "contradicted")


def naive_says_better(first, second):
    """What is often done: every video of every seed counts as one more independent one."""
    one, other = first.values.ravel(), second.values.ravel()
    return scipy.stats.ttest_rel(one, other).pvalue <= 0.05


def same_twice(generator):
    """Two sets of seeds of one variant, whose seeds spread by three points."""
    return hits([0.6, 0.6], generator, clusters=20, size=20, seeds=3, seed_sd=0.03)


def test_two_sets_of_seeds_of_one_variant_are_seldom_called_different():
    assert directions(same_twice, 200, says_better).mean() <= 0.05


def test_a_judge_who_takes_videos_as_independent_fails_that_trial():
    assert directions(same_twice, 200, naive_says_better).mean() > 0.12


def test_a_planted_gain_of_five_points_is_found():
    def planted(generator):
        return hits([0.65, 0.60], generator, clusters=60, size=20, seeds=5, seed_sd=0.015)

    found = [verdict_of(better(difference(*planted(rng(seed)), draws=300))).kind for seed in range(60)]
    assert found.count("holds") >= 50 and "contradicted" not in found


def test_with_shuffled_labels_a_good_method_is_at_chance():
    generator, classes, above, within = rng(5), 10, 0, 0
    members = np.repeat(np.arange(40), 10)
    targets = generator.integers(0, classes, 400)
    scores = generator.normal(size=(3, 400, classes))
    scores[:, np.arange(400), targets] += 2.5
    for _ in range(100):
        shuffled = generator.permutation(targets)
        per_seed = np.stack([metrics.top_k(one, shuffled, 1) for one in scores])
        found = compare.mean(SystemScores(per_seed, np.arange(400), members, tuple("abc")), draws=300)
        above += verdict_of(better(found, by=1 / classes)).kind == "holds"
        within += found.interval().low <= 1 / classes <= found.interval().high
    true = np.stack([metrics.top_k(one, targets, 1) for one in scores])
    assert (
        verdict_of(better(compare.mean(SystemScores(true, np.arange(400), members, tuple("abc"))), by=0.5)).kind
        == "holds"
    )
    assert above <= 5 and within >= 90


@pytest.mark.parametrize(("clusters", "seeds"), [(8, 3), (14, 2), (60, 5)])
def test_intervals_of_differences_cover_the_truth(clusters, seeds):
    def covers(first, second):
        found = difference(first, second, draws=300).interval()
        return found.low <= 0.1 <= found.high

    found = directions(lambda generator: hits([0.55, 0.45], generator, clusters=clusters, seeds=seeds), 150, covers)
    assert found.mean() >= 0.92


def test_the_larger_simulation_still_runs():
    for table in verdicts.tables():
        rows = list(table(1))
        assert len(rows) >= 3 and len({tuple(row) for row in rows}) == 1 and table.__doc__.startswith("### ")


# Mean average precision


def scored(generator, skill, names, clusters=40, size=4, classes=6):
    members = np.repeat(np.arange(clusters), size)
    # the last class is rare
    targets = np.concatenate([np.arange(clusters * size - 2) % (classes - 1), [classes - 1] * 2])
    scores = generator.normal(size=(len(names), clusters * size, classes))
    scores[:, np.arange(len(targets)), targets] += skill
    truth = np.eye(classes, dtype=bool)[targets]
    return SystemClassScores(
        scores, truth, np.arange(len(targets)), members, names, tuple(f"class {c}" for c in range(classes))
    )


def test_a_difference_of_maps_is_that_of_the_metric_and_names_rare_classes():
    first, second = scored(rng(1), 1.5, ("a0", "a1")), scored(rng(2), 1.0, ("b0", "b1", "b2"))
    found = map_difference(first, second, draws=200)
    means = [
        np.mean([metrics.mean_average_precision(one, system.truth).value for one in system.scores])
        for system in (first, second)
    ]
    assert found.value == pytest.approx(means[0] - means[1]) and found.seeds == 2
    assert len(found.notes) == 1 and "class 5 (2)" in found.notes[0] and "class 4" not in found.notes[0]


def test_both_sides_of_a_map_difference_get_the_same_weights():
    system = scored(rng(1), 1.5, ("a0", "a1"))
    other = dataclasses.replace(system, trainings=("b0", "b1"))
    alike, apart = map_difference(system, system, draws=200), map_difference(system, other, draws=200)
    assert (
        alike.standard_error == pytest.approx(0, abs=1e-12)
        and math.isclose(apart.value, 0)
        and apart.standard_error > 0.001
    )


def test_maps_of_different_truths_are_not_compared():
    system = scored(rng(1), 1.5, ("a0",))
    with pytest.raises(compare.SaccadeError, match="same truth"):
        map_difference(system, dataclasses.replace(system, truth=~system.truth), draws=10)


def test_two_sets_of_seeds_have_maps_that_are_seldom_called_different():
    found = []
    for seed in range(80):
        first, second = (
            scored(rng([seed, k]), 1.2, (f"{k}0", f"{k}1", f"{k}2"), clusters=25, size=3, classes=4) for k in range(2)
        )
        found.append(verdict_of(better(map_difference(first, second, draws=100))).kind)
    assert found.count("holds") + found.count("contradicted") <= 5
