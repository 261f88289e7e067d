"""The choices that the paper leaves open, as page and README tell them, beside what the card does."""

import dataclasses
import re
from pathlib import Path

import pytest

from saccade.plan.layers import resolve
from saccade.plan.runs import Run
from saccade.plan.staleness import paper_files
from saccade.project import load_module
from saccade.settings import Shared

FOLDER = Path(__file__).parents[1]
ROOT = FOLDER.parents[1]
CHOICES = load_module(FOLDER / "paper/findings.py").choices()
README = (FOLDER / "README.md").read_text()
TOLD = {row.what: " | ".join((row.stated, row.inferred, row.ours)) for row in CHOICES.data.itertuples()}


def of(variant, phase=None, budget="paper"):
    """The settings that the card's layers come to."""
    dataset = "breakfast" if budget == "paper" else "recipe-digits"
    return resolve(ROOT, Run(budget, dataset, "", "epitoma", variant, 0), phase).typed


def rate(value):
    """0.001 as 1e-3."""
    return re.sub("e-0", "e-", f"{value:.0e}")


I3D, SHUFFLE, RESNET = (of(variant) for variant in ("i3d", "shufflenet3d", "resnet50"))
SELECTOR, CLASSIFIER, JOINTLY = (
    of("light", "train_selector"),
    of("i3d", "train_classifier"),
    of("i3d-e2e", "train_jointly"),
)
UNIFORM = of("i3d-t8", "train_classifier")
TUNED = of("i3d", "finetune_heavy")
SMALL = of("tiny-i3d-e2e", "train_jointly", "study")
NETWORKS = {"mobilenet_v3_small": "MobileNetV3 | Small", "i3d": "I3D", "resnet": "ResNet2D", "imagenet": "ImageNet"}
RULES = {"max": "the largest over timesteps", "random": "by lot", "centre": "uniform", "clipped": "clipped"}
PHRASES = {  # setting named first in brackets, or the row -> what the row tells of the settings
    "light": [f"{NETWORKS[SELECTOR.light]}:", "(576 features)"] if SELECTOR.light_width == 1.0 else [],
    "light_weights": [
        f"{NETWORKS[SELECTOR.light_weights]} for LightNet and {NETWORKS[RESNET.heavy]}",
        f"I3D and ShuffleNet3D start from { ({'none': 'nothing'}[I3D.heavy_weights]) }",
        {"none": "start from nothing"}[SHUFFLE.heavy_weights],
        {"imagenet": "ImageNet"}[RESNET.heavy_weights],
    ],
    "light_resize": [f"{I3D.crop} x {I3D.crop}", {(0, 0): "see the same size"}[I3D.light_resize, I3D.light_crop]],
    "context": [{True: "self-attention before the gate"}[SELECTOR.context]],
    "concepts": [f"N = {SELECTOR.concepts}"],
    "gate_hidden": [f"{SELECTOR.gate_hidden} hidden", f"the bias begins at {SELECTOR.gate_bias:g},"],
    "activation": [f"| {RULES[SELECTOR.activation]}"],
    "noise": [{True: "Gumbel noise in training"}[SELECTOR.noise], f"temperature {SELECTOR.temperature:g}"],
    "l0_weight": [
        f"open gates, weight {SELECTOR.l0_weight:g}, from the {SELECTOR.l0_warmup_epochs + 1:g}th epoch on, "
        + {0.0: "without a target"}[SELECTOR.l0_target],
        f"small networks weight {SMALL.l0_weight:g}, down to a share of {SMALL.l0_target:g}",
        f"gates that never close weight {of('light-sigmoid', 'train_selector').l0_weight:g}",
    ],
    "timestep_frames": [f"| {I3D.timestep_frames}"],
    "heavy": [{("i3d", "published", 1.0): "Inception-v1"}[I3D.heavy, I3D.heavy_size, I3D.heavy_width]],
    "shuffle_groups": [f"width {SHUFFLE.heavy_width:g}", f"{SHUFFLE.shuffle_groups} groups, as"],
    "hidden": [RULES[CLASSIFIER.pooling], f"{CLASSIFIER.hidden} hidden", f"dropout {CLASSIFIER.dropout:g}"],
    "timesteps": [f"{I3D.timesteps}, spread evenly; training knows {SELECTOR.cached_timesteps} of them"],
    "choose": [{"selector": "the T' highest gating values"}[I3D.choose]],
    "pool": [{(0, False): "twice T'"}[I3D.pool, I3D.wide]],
    "draw": ["the first of them"] if I3D.draw == 0 else [],
    "optimizer": [
        f"{SELECTOR.optimizer.title()}, {rate(SELECTOR.lr)}, epsilon {rate(SELECTOR.adam_epsilon)}, "
        f"batches of {SELECTOR.batch_size}, {SELECTOR.epochs} epochs",
        f"a {SELECTOR.schedule} rate, { ({0.0: 'no weight decay'}[SELECTOR.weight_decay]) }",
        f"small networks epsilon {rate(SMALL.adam_epsilon)}",
        f"{SMALL.epochs} epochs down a {SMALL.schedule}",
    ],
    "fine-tuning": [
        f"{TUNED.epochs} epochs of {TUNED.optimizer.upper()}, {TUNED.lr:g} down a {TUNED.schedule}, momentum "
        f"{TUNED.momentum:g}, weight decay {rate(TUNED.weight_decay)}, batches of {TUNED.batch_size}, "
        f"{TUNED.num_frames} timesteps of a video"
    ],
    "train_timesteps": [
        f"{SELECTOR.train_timesteps} {RULES[SELECTOR.train_rule]}, for the selector",
        f"from {CLASSIFIER.train_fewest} to {CLASSIFIER.train_timesteps} {RULES[CLASSIFIER.train_rule]}",
        f"i3d-t8 has {UNIFORM.train_timesteps} {RULES[UNIFORM.train_rule]} ones",
        f"in the study on embedded data {SMALL.train_timesteps}, for the selector",
    ],
}


def named(what):
    """The first setting in a row's brackets; without brackets the row itself."""
    found = re.search(r"\(([a-z0-9_]+)[a-z0-9_, ]*\)$", what)
    return found[1] if found else what


def test_the_readme_has_the_choices_of_the_page():
    for row in CHOICES.text().itertuples(index=False):
        assert f"| {' | '.join(row)} |".replace("|  |", "| |").replace("|  |", "| |") in README, row
    assert "methods/epitoma/paper/choices.csv" in paper_files(ROOT, "epitoma")  # which makes the page anew


def test_every_setting_of_this_method_has_a_row_among_the_choices():
    settings = load_module(FOLDER / "settings.py").Settings
    own = {one.name for one in dataclasses.fields(settings)} - {one.name for one in dataclasses.fields(Shared)}
    brackets = re.findall(r"\(([a-z0-9_, ]+)\)", "\n".join(CHOICES.data["what"]))
    assert {name for some in brackets for name in some.split(", ")} == own


@pytest.mark.parametrize("what", PHRASES)
def test_the_choices_are_what_the_card_comes_to(what):
    (told,) = (text for row, text in TOLD.items() if named(row) == what)
    assert PHRASES[what], f"the card has left what the row tells: {told}"
    assert [phrase for phrase in PHRASES[what] if phrase not in told] == [], told


def test_every_row_with_settings_is_compared_with_the_card():
    assert {named(row) for row in TOLD if named(row) != row} == set(PHRASES) - {"optimizer", "fine-tuning"}


def test_selector_and_joint_training_have_one_recipe():
    names = (*vars(SELECTOR),)
    assert {name for name in names if getattr(SELECTOR, name) != getattr(JOINTLY, name)} == set()


@pytest.mark.parametrize("variant", ["tiny-i3d-e2e", "tiny-shufflenet3d-e2e", "tiny-resnet-e2e"])
@pytest.mark.parametrize("budget", ["study", "demo", "own"])
def test_what_is_told_of_small_networks_is_so_wherever_they_are_trained(budget, variant):
    found = of(variant, "train_jointly", budget)
    told = (found.l0_weight, found.l0_target, found.adam_epsilon)
    assert told == (SMALL.l0_weight, SMALL.l0_target, SMALL.adam_epsilon)
