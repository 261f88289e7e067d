"""Scenes made of moments, and the two datasets of them, on a few small videos or on their scripts alone."""

import dataclasses
import hashlib
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import yaml

from saccade.cards.dataset import load_dataset
from saccade.files import read_json
from saccade.plan.layers import data_settings
from saccade.project import load_module
from saccade.scenes import looking, moments, sampling, scene_settings
from saccade.scenes.badges import SHAPES
from saccade.scenes.render import luminance_frames
from saccade.scenes.script import Thing
from saccade.video.probe import probe

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("recipe-digits", "scene-digits")
RECIPE, SCENE = NAMES


def settings_of(name, budget="demo", edition="", **changes):
    declared = data_settings(ROOT, load_dataset(ROOT, name), budget, edition)
    return load_module(ROOT / "data" / name / "settings.py").Settings(**{**declared, **changes})


def scenes_of(name, count=30, seed=3, **given):
    """The settings, and the scenes of `count` training videos."""
    settings = settings_of(name, counts={"train": count, "val": 0, "test": 0}, **given)
    return settings, load_module(ROOT / "data" / name / "prepare.py").compose_all(settings, seed)


def filmed(scene, settings):
    """Frames without noise (T, H, W) and their truth."""
    rendering = scene_settings.rendering(settings)
    frames = np.stack([frame.copy() for frame in luminance_frames(scene, rendering, noise=False)])
    return frames, moments.frame_truth(scene, rendering, [0.0] * len(frames))


def of_role(scene, *roles) -> list[Thing]:
    return [thing for thing in scene.things if thing.role in roles]


@pytest.mark.parametrize("whole", [False, True])
def test_moments_on_a_timeline_are_disjoint_and_as_long_as_asked(whole):
    lengths = [2.0, 1.0, 3.0, 0.5]
    cut = 0
    for seed in range(50):
        starts = sampling.timeline(np.random.default_rng(seed), lengths, 8.0, whole)
        pieces = [sampling.around([0.0, length], start, 8.0) for length, start in zip(lengths, starts, strict=True)]
        assert [sum(last - first for first, last in own) for own in pieces] == pytest.approx(lengths, abs=1e-4)
        along = sorted(piece for own in pieces for piece in own)
        assert all(last <= first + 1e-4 for (_, last), (first, _) in zip(along, along[1:], strict=False))
        assert along[0][0] >= 0 and along[-1][1] <= 8.0
        cut += len(along) - len(lengths)
    assert (cut > 0) != whole


def test_moments_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"9\.00 s don't fit into 8.0 s"):
        sampling.timeline(np.random.default_rng(0), [4.0, 5.0], 8.0)


def test_every_time_of_the_video_is_covered_as_often():
    covered = np.zeros(16)
    for seed in range(600):
        (start, _) = sampling.timeline(np.random.default_rng(seed), [2.0, 2.0], 16.0)
        for first, last in sampling.around([0.0, 2.0], start, 16.0):
            covered += (np.arange(16) + 0.5 >= first) & (np.arange(16) + 0.5 < last)
    assert np.abs(covered / 600 - 1 / 8).max() < 4 * np.sqrt(1 / 8 * 7 / 8 / 600)


def test_a_ramp_goes_on_at_the_videos_start():
    ramp = sampling.ramp_around(0.0, 4.0, 6.0, 4.0, 8.0)
    assert ramp.at([6.0, 7.0, 7.999, 0.0, 1.0, 2.0]).tolist() == pytest.approx([0, 1, 1.999, 2, 3, 4])


@pytest.mark.parametrize("name", NAMES)
def test_a_badge_is_seen_in_its_box_and_nothing_elsewhere(name):
    settings, scenes = scenes_of(name, 3)
    for scene in scenes:
        frames, truth = filmed(scene, settings)
        empty, _ = filmed(dataclasses.replace(scene, things=[]), settings)
        painted = np.abs(frames - empty) > 0.02  # the magnified faces' rims are less
        assert ((truth["visibility"] > 0) == painted.any(axis=(1, 2))).all()
        for index in np.flatnonzero(truth["visibility"] > 0):
            rows, columns = np.nonzero(painted[index])
            # a square badge has the area of the disc in its box, and turns: its corners reach further
            x, y = ((truth[f"{axis}0"][index] + truth[f"{axis}1"][index]) / 2 for axis in "xy")
            reach = 1.26 * (truth["x1"][index] - truth["x0"][index]) / 2 + 1
            assert np.hypot(columns + 0.5 - x, rows + 0.5 - y).max() <= reach
            assert np.hypot(columns.mean() + 0.5 - x, rows.mean() + 0.5 - y) < 2


@pytest.mark.parametrize("name", NAMES)
def test_just_the_informative_frames_change_with_what_key_badges_show(name):
    settings, scenes = scenes_of(name, 3)
    for scene in scenes:
        frames, truth = filmed(scene, settings)
        hidden = [
            dataclasses.replace(thing, face=thing.blank, noun=-1) if thing.role == "key" and thing.noun >= 0 else thing
            for thing in scene.things
        ]
        others, _ = filmed(dataclasses.replace(scene, things=hidden), settings)
        numbers = [number for number, thing in enumerate(of_role(scene, "key", "other", "marker")) if thing.noun >= 0]
        of_digits = np.isin(truth["moment"], numbers)
        changed = (np.abs(frames - others) > 1e-4).any(axis=(1, 2))
        assert changed.any() and (changed == (truth["informative"] & of_digits)).all()


def test_truth_tells_key_frames_markers_and_filler_apart():
    settings, scenes = scenes_of(RECIPE, 10)
    for scene in scenes:
        _, truth = filmed(scene, settings)
        numbered = of_role(scene, "key", "other", "marker")
        assert set(truth["moment"]) == {-1, *range(len(numbered))}
        role = np.array([*(thing.role for thing in numbered), "filler"])[truth["moment"]]
        assert set(role[truth["informative"]]) == {"key"} and set(role[truth["marker"]]) == {"marker"}
        assert set(role[truth["key"]]) <= {"key", "other"} and (role[truth["visibility"] == 0] == "filler").all()
        assert (truth["key"] >= truth["informative"]).all()
        assert 0 < truth["informative"].sum() < np.isin(role, ["key"]).sum()  # a badge flickers


def test_which_badges_count_follows_the_family():
    _, scenes = scenes_of(RECIPE, 60)
    for scene in scenes:
        family, activity = scene.labels["family"], scene.labels["activity"]
        assert {(thing.badge, thing.noun) for thing in of_role(scene, "key")} == {(SHAPES[family], activity)}
        others = of_role(scene, "other")
        assert {thing.badge for thing in others} <= {SHAPES[1 - family]}
        assert activity not in {thing.noun for thing in others}
        assert {thing.badge for thing in of_role(scene, "marker")} == {SHAPES[family]}
    assert {tuple(scene.labels.values()) for scene in scenes} == {(a, f) for a in range(10) for f in range(2)}


@pytest.mark.parametrize("edition", ["keys", ""])
def test_key_moments_rise_with_the_activity_in_keys_alone_and_all_moments_never_do(edition):
    _, scenes = scenes_of(RECIPE, 800, budget="study", edition=edition)
    keys, totals = (np.array([len(of_role(scene, *r)) for scene in scenes]) for r in (["key"], ["key", "other"]))
    activity = np.array([scene.labels["activity"] for scene in scenes])
    low, high = activity < 3, activity > 6
    assert abs(totals[high].mean() - totals[low].mean()) < 0.4
    assert (keys[high].mean() > 2 * keys[low].mean()) == (edition == "keys")
    assert keys.min() == (totals - keys).min() == 1


def test_plain_videos_have_as_many_badges_and_digits_of_one_family():
    plain, scenes = scenes_of(RECIPE, 30, edition="plain")
    usual = scenes_of(RECIPE, 30)[1]
    for one, other in zip(scenes, usual, strict=True):
        assert not of_role(one, "other") and len(one.things) == len(other.things)
        assert {thing.badge for thing in one.things if thing.noun >= 0} == {SHAPES[one.labels["family"]]}


@pytest.fixture(scope="module")
def without_rendering():
    return load_module(ROOT / "data" / RECIPE / "checks.py")


def context_of(checks, edition, number):
    """What the checks find out about the markers' part from scripts alone, `number` to learn from and to test on."""
    checks.SCRIPTS = number
    settings = settings_of(RECIPE, "study", edition)
    return checks.context(SimpleNamespace(settings=settings, scenes=[SimpleNamespace(seed=[5])]))


def test_without_a_marker_the_activity_is_the_toss_of_a_coin_and_with_it_certain(without_rendering):
    found = context_of(without_rendering, "", 1000)
    for name in ("counts_activity", "counts_family", "rule_family", "manner_family"):
        assert found[name]["value"] == pytest.approx(0.5, abs=3 * 0.5 / np.sqrt(1000)), name
    assert found["marker_family"]["value"] == 1 and found["other_family"]["ok"]


def test_the_check_sees_that_numbers_tell_the_activity_where_they_do(without_rendering):
    found = context_of(without_rendering, "keys", 300)
    assert not found["rule_family"]["ok"] and found["rule_family"]["value"] > 0.7


def test_a_number_of_badges_is_as_frequent_in_the_family_that_counts_as_in_the_other():
    _, scenes = scenes_of(RECIPE, 1000, budget="study")
    numbers = {role: [len(of_role(scene, role)) for scene in scenes] for role in ("key", "other")}
    key, other = (np.bincount(numbers[role], minlength=13) for role in ("key", "other"))
    assert (np.abs(key - other) <= 4 * np.sqrt(key + other)).all() and key[1] > 0 and key[9:].sum() > 0
    assert {len({thing.noun for thing in of_role(scene, "other")}) for scene in scenes} == {1}


@pytest.mark.parametrize("budget", ["demo", "study"])
def test_no_instance_of_a_digit_is_only_seen_where_it_does_not_count(budget):
    _, scenes = scenes_of(RECIPE, 200, budget=budget)
    counting, others = (
        {(thing.noun, thing.face.instance) for scene in scenes for thing in of_role(scene, role)}
        for role in ("key", "other")
    )
    assert others < counting


@pytest.mark.parametrize("order", [False, True])
def test_with_order_a_pair_and_its_reverse_are_two_activities(order):
    settings, scenes = scenes_of(RECIPE, 60, ingredients=2, order=order)
    pairs = load_module(ROOT / "data" / RECIPE / "prepare.py").activities(settings)
    assert len(set(pairs)) == 10 and len({frozenset(pair) for pair in pairs}) == (5 if order else 10)
    mixed = 0
    for scene in scenes:
        shown = [thing.noun for thing in sorted(of_role(scene, "key"), key=lambda thing: thing.present[0])]
        first, second = pairs[scene.labels["activity"]]
        assert set(shown) == {first, second}
        mixed += shown != sorted(shown, key=(first, second).index)
        assert all(len(thing.present) == 1 for thing in scene.things) or not order
    assert (mixed == 0) == order


@pytest.mark.parametrize("name", NAMES)
def test_videos_of_near_show_one_badge_throughout(name):
    settings, scenes = scenes_of(name, 20, edition="near")
    for scene in scenes:
        (thing,) = scene.things
        _, truth = filmed(scene, settings)
        assert len(truth["frame"]) == 8 and truth["informative"].all() and (truth["moment"] == 0).all()
        labels = load_module(ROOT / "data" / name / "prepare.py").videos_table([scene], settings, Path(), 3).iloc[0]
        if name == RECIPE:
            assert (labels["activity"], SHAPES[labels["family"]]) == (thing.noun, thing.badge)
        else:
            assert labels["objects"] == [
                thing.noun if thing.noun >= 0 else ["turning", "growing"].index(thing.verb) + 10
            ]


def test_labels_of_a_scene_are_what_its_badges_show():
    _, scenes = scenes_of(SCENE, 60, budget="study")
    moving = {"turning": 10, "growing": 11}
    for scene in scenes:
        shown = {moving.get(thing.verb, thing.noun) for thing in of_role(scene, "key")}
        assert sorted(shown) == scene.labels["objects"] and 1 <= len(shown) <= 9


def test_what_turns_turns_what_grows_grows_and_the_rest_rests():
    settings, scenes = scenes_of(SCENE, 60, drift=0.0, tilt=0.0)
    seen = set()
    for thing in (thing for scene in scenes for thing in scene.things if len(thing.present) == 1):
        start, end = thing.present[0]
        ways = {name: float(np.ptp(parts["own"].at([start, end]))) for name, parts in thing.tracks.items()}
        assert ways["x"] == ways["y"] == 0
        assert ways["angle"] == pytest.approx((thing.verb == "turning") * 2 * np.pi * 0.25 * (end - start), abs=1e-3)
        assert ways["zoom"] == pytest.approx((thing.verb == "growing") * settings.growth, abs=1e-4)
        seen.add(thing.verb)
    assert seen == {"", "turning", "growing"}


@pytest.mark.parametrize("edition", ["", "sparse"])
def test_the_study_has_twenty_test_positives_of_each_class_and_a_long_tail(edition):
    settings = settings_of(SCENE, "study", edition)
    prepare = load_module(ROOT / "data" / SCENE / "prepare.py")
    labels = [
        label
        for number in range(settings.counts["test"])
        for label in prepare.draw_labels(settings, sampling.video_generator(0, "test", number))
    ]
    counts = np.bincount(labels, minlength=12)
    assert counts.min() >= 20 and counts.max() > 3 * counts.min()


def test_a_class_brings_its_neighbour_as_often_as_set():
    prepare = load_module(ROOT / "data" / SCENE / "prepare.py")
    together = {}
    for share in (0.0, 0.5):
        settings = settings_of(SCENE, co_occurrence=share, frequency=[0.2, 0.2])
        drawn = [prepare.draw_labels(settings, np.random.default_rng([5, number])) for number in range(1500)]
        pairs = [(label + 1) % 12 in one for one in drawn for label in one]
        together[share] = np.mean(pairs)
    assert together[0.0] == pytest.approx(0.2, abs=0.03) and together[0.5] > 0.45


@pytest.mark.parametrize("name", NAMES)
def test_the_number_of_badges_does_not_tell_the_number_of_labels(name):
    _, scenes = scenes_of(name, 300, budget="study")
    numbers = [len(scene.things) for scene in scenes]
    labels = [scene.labels["activity"] if name == RECIPE else len(scene.labels["objects"]) for scene in scenes]
    assert abs(np.corrcoef(numbers, labels)[0, 1]) < 3.5 / np.sqrt(300)


@pytest.mark.parametrize("name", NAMES)
def test_videos_have_no_sound_track_and_the_same_seed_gives_the_same_bytes(name, tmp_path):
    prepare = load_module(ROOT / "data" / name / "prepare.py")
    settings = settings_of(name, edition="near", counts={"train": 2, "val": 0, "test": 1})
    found = []
    for folder, seed in (("a", 3), ("b", 3), ("c", 4)):
        videos, truth = prepare.prepare(settings, tmp_path / folder, seed, 1)
        found.append([hashlib.sha256(Path(path).read_bytes()).hexdigest() for path in videos["path"]])
        assert not probe(Path(videos["path"][0])).columns()["audio"] and len(truth) == 24
    assert found[0] == found[1] and not set(found[0]) & set(found[2])
    _, again = prepare.prepare(settings, tmp_path / "c", 4, 1)  # from the scripts that are there
    assert again.equals(truth)


@pytest.mark.parametrize("name", NAMES)
def test_label_noise_is_in_the_training_labels_only(name, tmp_path):
    prepare = load_module(ROOT / "data" / name / "prepare.py")
    settings = settings_of(name, edition="near", counts={"train": 200, "val": 0, "test": 50}, label_noise=0.3)
    scenes = prepare.compose_all(settings, 0)
    table, head = prepare.videos_table(scenes, settings, tmp_path, 0), "activity" if name == RECIPE else "objects"
    wrong = np.array([scene.labels[head] != given for scene, given in zip(scenes, table[head], strict=True)])
    train = (table["split"] == "train").to_numpy()
    assert 0.2 < wrong[train].mean() < 0.4 and not wrong[~train].any()


@pytest.mark.parametrize(
    ("name", "change", "word"),
    [
        (RECIPE, {"moments": [6, 4]}, "moments is [6, 4]"),
        (RECIPE, {"moments": [10, 40]}, "moments may take"),
        (RECIPE, {"order": True}, "order needs ingredients: 2"),
        (RECIPE, {"marker_size": 2.0}, "marker_size"),
        (RECIPE, {"flicker": 0.1}, "flicker 0.1"),
        (RECIPE, {"object_px": 30}, "object_px"),
        (SCENE, {"moments": [4, 10]}, "9 labels need as many"),
        (SCENE, {"frequency": [0.0, 0.5]}, "frequency"),
        (SCENE, {"counts": {"train": 1}}, "counts"),
    ],
)
def test_contradictory_settings_are_refused_by_name(name, change, word):
    with pytest.raises(ValueError, match=re.escape(word)):
        settings_of(name, **change)


@pytest.mark.parametrize("name", NAMES)
def test_checks_look_at_frames_as_small_as_the_light_network_of_the_studies_does(name):
    card = yaml.safe_load((ROOT / "methods/epitoma/card.yml").read_text())
    assert {card["budgets"][budget]["light_resize"] for budget in ("study", "demo")} == {looking.SMALL}
    assert settings_of(name, "study").size[0] > looking.SMALL


@pytest.mark.parametrize("name", NAMES)
def test_recorded_checks_belong_to_the_card_and_hold(name):
    checks = load_module(ROOT / "data" / name / "checks.py")
    found = read_json(ROOT / "data" / name / "checks.json")
    assert set(found) == {"demo", "study"}
    for budget, recorded in found.items():
        assert recorded["settings"] == checks.settings_hash(checks.card_settings(budget)), (
            f"the card changed: run checks.py --budget {budget} again"
        )
        failed = {check for check, row in recorded["checks"].items() if not row["ok"]}
        assert failed == set(checks.KNOWN_FAILURES.get(budget, {}))
