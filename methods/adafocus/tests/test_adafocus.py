"""What only AdaFocus can get wrong when it infers; how it learns is tested in test_learning.py, published weights in
test_published.py."""

import dataclasses
import itertools
import re
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
import torch

from saccade.cards.method import load_method
from saccade.cost.count import count
from saccade.cost.forward import forward_macs
from saccade.engine.optimizer import make_optimizer
from saccade.plan.layers import resolve
from saccade.plan.phases import weights_of
from saccade.plan.runs import Run
from saccade.project import load_module
from saccade.records import Head, SaccadeError

FOLDER = Path(__file__).parents[1]
ROOT = FOLDER.parents[1]
NOUN = (Head("noun", "single", tuple("abcde")),)
SIZE, FRAMES = 48, 3

model, network, places = (
    load_module(FOLDER / f"{name}.py") for name in ("model", "networks/adafocus", "networks/places")
)
Settings = load_module(FOLDER / "settings.py").Settings

# Official code on 224 pixels, by hand: floor(i / 6 * (224 - P)).
OFFSETS = {
    96: [0, 21, 42, 64, 85, 106, 128],
    128: [0, 16, 32, 48, 64, 80, 96],
    160: [0, 10, 21, 32, 42, 53, 64],
    192: [0, 5, 10, 16, 21, 26, 32],
}


def settings(**chosen):
    given = {
        "global_backbone": "conv4",
        "local_backbone": "conv4",
        "pretrained_local": False,
        "hidden_size": 8,
        "policy_channels": 4,
        "policy_size": 8,
        "map_size": 3,
        "patch_size": 24,
        "num_frames": FRAMES,
        "resize": 0,
        "crop": 0,
        "epochs": 1,
        "batch_size": 2,
        "lr": 0.1,
    }
    return Settings(**{**given, **chosen})


def build(chosen, heads=NOUN, seed: int = 0):
    """With random normalisations, which a fresh network doesn't have, and a policy that has preferences."""
    torch.manual_seed(seed)
    net = model.build(chosen, heads).eval()
    for name, parameter in net.named_parameters():
        if "actor" in name:
            torch.nn.init.normal_(parameter)
    for norm in net.modules():
        if isinstance(norm, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(norm.weight, 0.5, 1.5)
            torch.nn.init.uniform_(norm.bias, -0.5, 0.5)
    if chosen.skip == "learned":
        for number, split in enumerate(("from_train", "from_val")):
            rgb = clip(4, chosen, seed=number)["rgb"]
            with torch.no_grad():
                setattr(net.thresholds, split, net.policies["skip"](net.glance(rgb)).sigmoid().flatten().sort().values)
    return net


def clip(videos: int, chosen, size: int = SIZE, seed: int = 0) -> dict:
    generator = torch.Generator().manual_seed(seed)
    frames = chosen.num_frames
    found = {
        "rgb": torch.randn(videos, frames, 3, size, size, generator=generator),
        "indices": torch.arange(frames).expand(videos, frames),
        "frame_size": torch.tensor([[size, size]]).expand(videos, 2),
        "video_id": [f"v{number}" for number in range(videos)],
    }
    if chosen.glance_frames:
        found["glance.rgb"] = torch.randn(videos, chosen.glance_frames, 3, size, size, generator=generator)
        found["glance.indices"] = torch.arange(chosen.glance_frames).expand(videos, -1)
    corner = torch.randint(size - 8, (videos, frames), generator=generator).double()
    found |= {"truth.x0": corner, "truth.x1": corner + 8, "truth.y0": corner, "truth.y1": corner + 8}
    return found | {"truth.visibility": torch.ones_like(corner), "truth.informative": torch.ones_like(corner)}


def one(batch: dict, number: int) -> dict:
    return {key: value[number : number + 1] for key, value in batch.items()}


# ---- where a patch is


@pytest.mark.parametrize("patch", OFFSETS)
def test_every_candidate_lies_where_the_official_code_puts_it(patch):
    corners = places.candidate_corners(torch.arange(49), 7, (224, 224), patch)
    expected = [(OFFSETS[patch][k // 7], OFFSETS[patch][k % 7]) for k in range(49)]  # the row comes first
    assert corners.tolist() == [list(pair) for pair in expected]
    in_floats = [
        [int(i / 6 * (224 - patch)), int(j / 6 * (224 - patch))] for i, j in itertools.product(range(7), repeat=2)
    ]
    assert corners.tolist() == in_floats


@pytest.mark.parametrize("candidates", [5, 6])
def test_fewer_candidates_reach_the_same_corners_of_the_frame(candidates):
    corners = places.candidate_corners(torch.arange(candidates**2), candidates, (224, 240), 96)
    assert len({tuple(corner) for corner in corners.tolist()}) == candidates**2
    assert corners[0].tolist() == [0, 0] and corners[-1].tolist() == [128, 144]


def test_a_patch_larger_than_the_frame_is_refused():
    with pytest.raises(
        SaccadeError, match="a patch of 64 pixels doesn't fit into frames of 60x48; set `patch_size` to 48 or less"
    ):
        places.candidate_corners(torch.tensor([0]), 7, (48, 60), 64)


@pytest.mark.parametrize("look", ["random", "gaussian"])
def test_places_drawn_at_test_time_are_a_matter_of_the_video_alone(look):
    chosen = settings(look=look)
    net, batch = build(chosen), clip(3, chosen)
    together = network.corners_of(net, batch, chosen, None)[0]
    assert torch.equal(together[1:2], network.corners_of(net, one(batch, 1), chosen, None)[0])
    assert not torch.equal(together[0], together[1]) and together.min() >= 0 and together.max() <= SIZE - 24


def test_gaussian_places_spread_as_sigma_says():
    torch.manual_seed(0)
    drawn = places.gaussian_places({}, (1000, 10), 0.2, training=True)
    assert drawn.mean().item() == pytest.approx(0.5, abs=0.01) and drawn.std().item() == pytest.approx(0.1, rel=0.05)


def test_the_true_place_is_the_nearest_candidate():
    chosen = settings()
    batch = clip(2, chosen)
    actions = places.true_actions(batch, 7, (SIZE, SIZE), 24)
    corners = places.candidate_corners(torch.arange(49), 7, (SIZE, SIZE), 24).double() + 12
    middle = (batch["truth.y0"][0, 0] + 4, batch["truth.x0"][0, 0] + 4)
    distances = [(row - middle[0]) ** 2 + (column - middle[1]) ** 2 for row, column in corners.tolist()]
    assert distances[actions[0, 0]] == min(distances)


def test_the_true_place_needs_the_truth():
    chosen = settings()
    with pytest.raises(SaccadeError, match="set truth:"):
        model.predict(
            build(chosen), {key: v for key, v in clip(1, chosen).items() if "truth" not in key}, settings(look="oracle")
        )


# ---- what is executed


SHIFTED = {
    "temporal": "shift",
    "global_backbone": "resnet10",
    "local_backbone": "resnet10",
    "global_width": 0.125,
    "local_width": 0.125,
}
FORMS = {
    "adafocus": {},
    "no reuse": {"reuse": False},
    "36 candidates": {"candidates": 6},
    "one place a clip": {"per_clip": True},
    "anywhere": {"places": "anywhere"},
    "skipping": {"skip": "learned", "keep": 0.5},
    "skipping, from val": {"skip": "learned", "keep": 0.5, "threshold_from": "val"},
    "whole": {"look": "whole"},
    "whole, no glance": {"look": "whole", "global_backbone": "none", "reuse": False},
    "resized": {"look": "resized"},
    "glance alone": {"look": "none", "local_backbone": "none"},
    "random": {"look": "random"},
    "shifted": {**SHIFTED, "per_clip": True, "policy_norm": True},
    "shifted, other frames": {**SHIFTED, "per_clip": True, "glance_frames": 2, "places": "anywhere"},
    "shifted, whole": {**SHIFTED, "look": "whole"},
    "shifted, per frame": SHIFTED,
}
POINTS = {
    "itself": {},
    "random": {"look": "random"},
    "central": {"look": "central"},
    "gaussian": {"look": "gaussian"},
    "oracle": {"look": "oracle"},
    "prefix": {"first": 2},
    "online": {"online": True},
    "random skipping": {"skip": "random", "keep": 0.5},
    "even skipping": {"skip": "uniform", "keep": 0.5},
}


def cases():
    for name, form in FORMS.items():
        for point, change in POINTS.items() if name in ("adafocus", "no reuse", "skipping") else [("itself", {})]:
            if not (name == "no reuse" and point not in ("itself", "random")):
                yield pytest.param(form, change, id=f"{name}, {point}")


@pytest.mark.parametrize(("form", "change"), list(cases()))
@torch.inference_mode()
def test_a_video_costs_what_it_executes_whatever_its_batch_mates(form, change):
    chosen = settings(**form)
    at_point = dataclasses.replace(chosen, **change)
    net, batch = build(chosen), clip(2, chosen)
    together = model.predict(net, batch, at_point)
    counted = count(model.predict, net, one(batch, 1), at_point)
    assert counted.macs == counted.result.macs[0] == together.macs[1] > 0
    torch.testing.assert_close(
        counted.result.probabilities["noun"][0], together.probabilities["noun"][1], rtol=0, atol=1e-5
    )
    assert counted.result.decisions[0] == together.decisions[1]


@torch.inference_mode()
def test_a_skipped_patch_is_neither_cut_nor_computed():
    chosen = settings(skip="learned", keep=0.5)
    net, batch = build(chosen), clip(3, chosen)
    seen = []
    net.local_cnn.register_forward_hook(
        lambda module, inputs, output: seen.append(len(inputs[0])) if output.device.type == "cpu" else None
    )
    kept = [decision["kept"] for decision in model.predict(net, batch, chosen).decisions]
    assert sum(seen) == sum(kept) and 0 < sum(kept) < 3 * FRAMES
    seen.clear()
    none = model.predict(net, batch, dataclasses.replace(chosen, keep=0.0))
    assert seen == [] and [decision["boxes"] for decision in none.decisions] == [[None] * FRAMES] * 3


@torch.inference_mode()
def test_a_policy_that_decides_nothing_is_not_asked():
    chosen = settings()
    net, batch = build(chosen), clip(1, chosen)
    asked = []
    net.policies["where"].actor.register_forward_hook(lambda module, inputs, output: asked.append(output.device.type))
    learned, random = (
        model.predict(net, batch, dataclasses.replace(chosen, look=look)).macs for look in ("learned", "random")
    )
    assert asked.count("cpu") == 1 and learned > random


@torch.inference_mode()
def test_without_reuse_a_fixed_place_needs_no_glance():
    chosen = settings(reuse=False)
    net, batch = build(chosen), clip(1, chosen)
    net.global_cnn.register_forward_hook(lambda *_: pytest.fail("the global network ran"))
    assert model.predict(net, batch, dataclasses.replace(chosen, look="central")).macs > 0


# ---- online and offline


@pytest.mark.parametrize("skip", ["none", "learned"])
@torch.inference_mode()
def test_frame_by_frame_gives_the_answers_of_every_beginning(skip):
    chosen = settings(skip=skip, keep=0.5)
    net, batch = build(chosen), clip(2, chosen)
    answers = [step.logits["noun"][:, -1].softmax(1) for step in model.online(net, batch, chosen)]
    assert len(answers) == FRAMES
    for first, answer in enumerate(answers, start=1):
        beginning = model.predict(net, batch, dataclasses.replace(chosen, first=first))
        torch.testing.assert_close(beginning.probabilities["noun"], answer, rtol=0, atol=1e-5)
    offline, online = (model.predict(net, batch, dataclasses.replace(chosen, online=value)) for value in (False, True))
    torch.testing.assert_close(offline.probabilities["noun"], online.probabilities["noun"], rtol=0, atol=1e-5)
    assert offline.decisions == online.decisions
    # the classifier's last layer, after every frame
    assert (online.macs - offline.macs).tolist() == [(FRAMES - 1) * 8 * 5] * 2


@torch.inference_mode()
def test_online_no_frame_is_computed_twice():
    chosen = settings()
    net, batch = build(chosen), clip(1, chosen)
    seen = []
    for part in (net.global_cnn, net.local_cnn):
        part.register_forward_hook(
            lambda module, inputs, output: seen.append(len(inputs[0])) if output.device.type == "cpu" else None
        )
    list(model.online(net, batch, chosen))
    assert seen == [1] * 2 * FRAMES


# ---- the classifiers


def test_the_classifier_reads_the_global_features_first():
    net = build(settings())
    glance, local = torch.ones(1, 2, net.sizes["global"]), torch.zeros(1, 2, net.sizes["local"])
    assert net.joined(glance, local)[0, 0].tolist() == [1.0] * net.sizes["global"] + [0.0] * net.sizes["local"]
    assert net.classifier.gru.input_size == net.sizes["global"] + net.sizes["local"]
    without = build(settings(reuse=False))
    assert torch.equal(without.joined(glance, local), local)


@torch.inference_mode()
def test_shifted_networks_add_their_mean_scores():
    chosen = settings(**FORMS["shifted, other frames"])
    net, batch = build(chosen), clip(2, chosen)
    maps = net.glance(batch["glance.rgb"])
    corners, _ = network.corners_of(net, batch, chosen, maps)
    assert (corners == corners[:, :1]).all()  # one place a clip
    local = net.focus(network.patches_at(batch["rgb"], corners, 24))
    glance = net.global_head.classifiers["noun"](maps.mean((3, 4))).mean(1)
    expected = (glance + net.classifier.classifiers["noun"](local).mean(1)).softmax(1)
    torch.testing.assert_close(model.predict(net, batch, chosen).probabilities["noun"], expected)


@torch.inference_mode()
def test_shifted_networks_see_their_own_clips_neighbours_only():
    """A wrong number of frames per clip would mix videos."""
    chosen = settings(**FORMS["shifted"])
    net, batch = build(chosen), clip(2, chosen)
    changed = {**batch, "rgb": batch["rgb"].clone()}
    changed["rgb"][1] += 1
    first, second = (net.glance(one["rgb"]) for one in (batch, changed))
    assert torch.equal(first[0], second[0]) and not torch.allclose(first[1], second[1])


def test_every_group_of_the_shifted_networks_learns_at_its_rate():
    """The released scripts set two of the groups only and leave the others at 0."""
    run = Run("paper", "motion-digits", "", "adafocus", "adafocus-tsm-144", 0)
    recipe = resolve(ROOT, run, "warm_up").typed
    with torch.device("meta"):
        net = model.build(dataclasses.replace(recipe, weights="none"), NOUN)
    for name, parameter in net.named_parameters():
        parameter.requires_grad_(name.startswith(("local_cnn", "classifier")))
    groups = make_optimizer(net, recipe).param_groups
    rates = {round(group["factor"] * recipe.lr, 9): sum(p.numel() for p in group["params"]) for group in groups}
    assert set(rates) == {1e-5, 0.01}
    trained = {
        part: sum(p.numel() for p in net.get_submodule(part).parameters()) for part in ("local_cnn", "classifier")
    }
    assert rates[min(rates)] == trained["local_cnn"] and rates[max(rates)] == trained["classifier"]


@pytest.mark.parametrize(
    ("variant", "phase", "expected"),
    [
        ("backbones-tsm8", "pretrain_global", (5e-4, 20.0, False)),  # TSM's code
        ("adafocus-tsm-144", "warm_up", (1e-4, 0.0, True)),  # stage1.yaml, whose clipping nothing calls
        ("adafocus-tsm-144", "fine_tune", (1e-4, 0.0, True)),
        ("adafocus-tsm-144-anywhere", "fine_tune", (1e-4, 0.0, True)),
        ("backbones", "pretrain_local", (1e-4, 0.0, True)),
        ("adafocus-128", "warm_up", (1e-4, 0.0, True)),
    ],
)
def test_decay_and_clipping_are_those_of_the_official_configuration(variant, phase, expected):
    recipe = resolve(ROOT, Run("paper", "motion-digits", "", "adafocus", variant, 0), phase).typed
    assert (recipe.weight_decay, recipe.clip_norm, recipe.decay_vectors) == expected
    assert recipe.lr_every == "epoch" and recipe.drop_last


# ---- what is told


@torch.inference_mode()
def test_boxes_are_in_fractions_of_the_whole_frame():
    """An 80 x 60 frame, its short side brought to 48 (64 x 48), the middle 48 x 48 of which is the clip."""
    chosen = settings(resize=48, crop=48)
    net = build(chosen)
    batch = {**clip(1, chosen), "frame_size": torch.tensor([[60, 80]])}
    found = model.predict(net, batch, dataclasses.replace(chosen, look="central")).decisions[0]
    assert found["frames"] == list(range(FRAMES)) and found["kept"] == FRAMES
    assert found["boxes"][0] == pytest.approx([(8 + 12) / 64, 12 / 48, (8 + 36) / 64, 36 / 48])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"patch_size": 64, "crop": 48}, "larger than the crop"),
        ({"first": 4}, "num_frames only 3"),
        ({"keep": 1.5}, "keep is 1.5: Input should be less than or equal to 1"),
        ({"num_crops": 3, "crop": 48}, "one view"),
        ({"look": "oracle", "crop": 48}, "set resize and crop to 0"),
        ({"temporal": "shift", "skip": "learned"}, "don't go with it"),
        ({"per_clip": True, "online": True}, "don't go with per_clip"),
        ({"look": "resized", "skip": "random"}, "has none"),
        ({"glance_frames": 2}, "goes with `temporal: shift`"),
        ({"glance_frames": 2, "temporal": "shift"}, "only with per_clip"),
        ({"local_backbone": "none"}, "without a local network look is none, too"),
        ({"look": "none"}, "without a local network look is none, too"),
        ({"global_backbone": "none"}, "without a global network"),
        ({"online": True, "places": "anywhere"}, "learned candidates"),
        ({"online": True, "skip": "random"}, "learned candidates"),
        ({"online": True, "look": "central"}, "learned candidates"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        settings(**wrong)


def test_every_trained_variant_of_the_card_is_built_and_gets_all_its_weights_from_its_phases():
    method = load_method(ROOT, "adafocus")
    for name, variant in method.variants.items():
        if variant.part or re.search("96|160|176|192", name):  # another patch size is the same networks
            continue
        run = Run("study" if name.startswith("tiny") else "paper", "motion-digits", "", "adafocus", name, 0)
        chosen = dataclasses.replace(resolve(ROOT, run).typed, weights="none")
        with torch.device("meta"):
            state = model.build(chosen, NOUN).state_dict()
        globs = [glob for need in weights_of(ROOT, run) for glob in need.phase.trains]
        left = [key for key in state if not any(fnmatchcase(key, glob) for glob in globs)]
        assert not left, f"{name}: {left[:3]}"


@pytest.mark.parametrize(("variant", "cells"), [("tiny-40", 0.406), ("tiny-56", 0.589)])
def test_small_networks_cost_as_much_less_than_whole_frames_as_the_published_ones(variant, cells):
    """1.6576 and 2.4083 G a frame of AdaFocus-128 and -160 against 4.0875 of ResNet-50: within 20 %."""
    run = Run("study", "motion-digits", "focus", "adafocus", variant, 0)
    chosen = resolve(ROOT, run).typed
    net = build(chosen)
    with torch.inference_mode():
        own = model.predict(net, clip(1, chosen, size=96), chosen).macs.item() / chosen.num_frames
    whole = forward_macs(net.local_cnn, (3, 96, 96))
    assert own / whole == pytest.approx(cells, rel=0.2)
