"""What only ATFR can get wrong as a method; its layer is tested in test_sgs.py, its networks in test_backbones.py."""

import dataclasses
import functools
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from published_files import filled, flat, layout, save

from saccade.cards.method import load_method
from saccade.cost import second_counter
from saccade.cost.count import count
from saccade.engine import released
from saccade.engine.optimizer import make_optimizer
from saccade.plan.layers import resolve
from saccade.plan.phases import phases_of
from saccade.plan.points import points_of
from saccade.plan.runs import Run
from saccade.project import load_module
from saccade.records import Head, SaccadeError
from saccade.report.feature_maps import draw_maps

FOLDER = Path(__file__).parents[1]
ROOT = FOLDER.parents[1]
PUBLISHED = ROOT.parent / "shared/dossiers/state_dicts"
HEADS = (Head("verb", "single", ("a", "b", "c")), Head("tags", "multi", ("x", "y")))
FRAMES = 8

model = load_module(FOLDER / "model.py")
sgs = load_module(FOLDER / "networks/sgs.py")
Settings = load_module(FOLDER / "settings.py").Settings


def settings(**chosen):
    given = {
        "network": "3dresnet-tiny",
        "layer": "sgs",
        "num_frames": FRAMES,
        "resize": 0,
        "crop": 0,
        "epochs": 1,
        "batch_size": 2,
        "lr": 0.1,
    }
    return Settings(**{**given, **chosen})


def build(chosen, heads=HEADS):
    """With random normalisations: a fresh network's last ones are zero, and would hide what the convolutions before
    them got."""
    torch.manual_seed(0)
    net = model.build(chosen, heads).eval()
    for norm in net.modules():
        if isinstance(norm, torch.nn.BatchNorm3d):
            torch.nn.init.uniform_(norm.weight, 0.5, 1.5)
            torch.nn.init.uniform_(norm.bias, -0.5, 0.5)
    return net


def clip(videos: int, frames: int = FRAMES, size: int = 32, seed: int = 0) -> dict:
    generator = torch.Generator().manual_seed(seed)
    return {
        "rgb": torch.randn(videos, frames, 3, size, size, generator=generator),
        "indices": torch.arange(frames).expand(videos, frames),
        "video_id": [f"v{number}" for number in range(videos)],
        "truth.moment": torch.arange(frames).expand(videos, frames) // (1 + torch.arange(videos)[:, None]),
    }


def one(batch: dict, number: int) -> dict:
    return {key: value[number : number + 1] for key, value in batch.items()}


VARIANTS = {
    "static": {"layer": "none"},
    "attention": {"layer": "attention"},
    "sgs": {},
    "after conv1": {"placement": "conv1"},
    "after res3": {"placement": "res3"},
    "paper's form": {"similarity_network": "paper", "distance": "norm"},
    "kronecker": {"kernel": "kronecker"},
    "angular": {"similarity": "angular", "dimensions": 3, "bins": [2, 4]},
    "spherical": {"similarity": "spherical", "bins": [2, 2, 2]},
    "four bins": {"bins": [4]},
    "blocks": {"block": 4, "distance": "norm"},
    "noise": {"assignment": "noise"},
    "uniform": {"assignment": "uniform", "mean_bins": 3.5},
    "shuffled": {"assignment": "shuffled"},
    "moments": {"assignment": "moments"},
    "x3d": {"network": "x3d-tiny"},
    "slowfast": {"network": "slowfast-tiny"},
    "slowfast in blocks": {"network": "slowfast-tiny", "block": 4, "distance": "norm"},
    "slowfast, uniform": {"network": "slowfast-tiny", "assignment": "uniform", "mean_bins": 4.0},
}


@pytest.mark.parametrize("name", VARIANTS)
@torch.inference_mode()
def test_every_kind_declares_what_it_executes_whatever_its_batch_mates(name):
    chosen = settings(**VARIANTS[name])
    net, batch = build(chosen), clip(4)
    together = model.predict(net, batch, chosen)
    assert count(model.predict, net, batch, chosen).macs == together.macs.sum().item() > 0
    executed, static = second_counter.agree(model.predict, net, one(batch, 1), chosen)
    assert executed == static == together.macs[1].item()
    for number in range(4):
        alone = model.predict(net, one(batch, number), chosen)
        torch.testing.assert_close(
            alone.probabilities["verb"][0], together.probabilities["verb"][number], rtol=0, atol=1e-5
        )
        assert alone.macs[0] == together.macs[number] and alone.decisions[0] == together.decisions[number]


@torch.inference_mode()
def test_a_video_costs_a_part_for_all_frames_and_a_part_for_each_bin():
    chosen = settings()
    net = build(chosen)
    found = model.predict(net, clip(12), chosen)
    bins = torch.tensor([decision["bins"] for decision in found.decisions])
    assert len(set(bins.tolist())) > 1
    slopes = (found.macs[1:] - found.macs[0])[bins[1:] != bins[0]] / (bins[1:] - bins[0])[bins[1:] != bins[0]]
    assert slopes.unique().numel() == 1


@torch.inference_mode()
def test_filling_up_as_the_published_code_does_makes_a_prediction_depend_on_its_batch_mates():
    chosen = settings(padded=True)
    net, batch = build(chosen), clip(12)
    exact = model.predict(net, batch, settings())
    padded = model.predict(net, batch, chosen)
    bins = torch.tensor([decision["bins"] for decision in exact.decisions])
    most = bins == bins.max()
    assert not most.all()
    torch.testing.assert_close(padded.probabilities["verb"][most], exact.probabilities["verb"][most], rtol=0, atol=1e-5)
    assert (padded.probabilities["verb"][~most] - exact.probabilities["verb"][~most]).abs().max() > 1e-4
    assert (padded.macs == padded.macs.max()).all() and (exact.macs[~most] < padded.macs.max()).all()


@torch.inference_mode()
def test_in_evaluation_the_forward_pass_of_training_is_the_padded_prediction():
    chosen = settings(padded=True)
    net, batch = build(chosen), clip(6)
    torch.testing.assert_close(
        net(batch)["verb"].softmax(1), model.predict(net, batch, chosen).probabilities["verb"], rtol=0, atol=1e-5
    )


def test_only_learned_embeddings_get_gradients():
    for learned in (True, False):
        net = build(settings(learned=learned)).train()
        net(clip(3))["verb"].square().sum().backward()
        gradient = net.sgs[0].similarity.first.weight.grad
        assert (gradient is not None and gradient.abs().sum() > 0) == learned


@torch.inference_mode()
def test_identical_frames_cost_one_bin():
    """All frames alike, and res2 sees no borders: the layer alone, as the network's first and last frames see
    padding."""
    chosen = settings()
    net = build(chosen)
    features = torch.randn(2, net.early.channels[0], 1, 4, 4).expand(-1, -1, FRAMES, -1, -1)
    weights = net.sgs[0](features, chosen, clip(2))
    assert sgs.occupied(weights).sum(1).tolist() == [1, 1]
    torch.testing.assert_close(sgs.mix(sgs.packed(weights, 1), features), features[:, :, :1])


@torch.inference_mode()
def test_a_single_frame_keeps_itself():
    chosen = settings(num_frames=1)
    net = build(chosen)
    features = torch.randn(1, net.early.channels[0], 1, 4, 4)
    torch.testing.assert_close(sgs.mix(net.sgs[0](features, chosen, clip(1, 1)), features), features)
    assert model.predict(net, clip(1, 1), chosen).decisions[0]["bins"] == 1


@torch.inference_mode()
def test_under_autocast_the_layer_keeps_full_precision_and_the_last_bin():
    chosen = settings()
    net = build(chosen)
    features = torch.randn(4, net.early.channels[0], FRAMES, 4, 4)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        weights = net.sgs[0](features.bfloat16(), chosen, clip(4))
    assert weights.dtype == torch.float32
    assert sgs.occupied(weights)[:, -1].all()


@torch.inference_mode()
def test_the_oracle_keeps_one_bin_for_each_true_moment():
    chosen = settings(assignment="moments", truth=["moment"])
    found = model.predict(build(chosen), clip(3), chosen)
    assert [decision["bins"] for decision in found.decisions] == [8, 4, 3]
    with pytest.raises(SaccadeError, match=r"truth: \[moment\]"):
        model.predict(build(chosen), {key: value for key, value in clip(1).items() if key != "truth.moment"}, chosen)


@torch.inference_mode()
def test_even_pooling_keeps_the_mean_number_of_bins_without_looking():
    chosen = settings(assignment="uniform", mean_bins=3.25)
    found = [decision["bins"] for decision in model.predict(build(chosen), clip(200, size=16), chosen).decisions]
    assert set(found) == {3, 4}
    assert sum(found) / 200 == pytest.approx(3.25, abs=0.1)


@torch.inference_mode()
def test_shuffled_frames_keep_the_number_of_bins_and_change_the_answer():
    own, other = settings(), settings(assignment="shuffled")
    net = build(own)
    first, second = (model.predict(net, clip(4), chosen) for chosen in (own, other))
    assert [d["bins"] for d in first.decisions] == [d["bins"] for d in second.decisions]
    assert torch.equal(first.macs, second.macs)
    assert not torch.allclose(
        net.weigh(net.look(clip(4)["rgb"]), own, clip(4))[0], net.weigh(net.look(clip(4)["rgb"]), other, clip(4))[0]
    )


@torch.inference_mode()
def test_permuted_bins_are_those_of_a_calibrated_video():
    chosen = settings(assignment="permuted")
    net = build(settings())
    with pytest.raises(SaccadeError, match="calibrate"):
        model.predict(net, clip(2), chosen)
    features = net.look(clip(1, seed=5)["rgb"])[0]
    net.sgs[0].bank = net.sgs[0].share(features, settings(), clip(1))[:, None]
    wanted = model.predict(net, clip(1, seed=5), settings()).decisions[0]["bins"]
    found = model.predict(net, clip(3), chosen)
    assert [decision["bins"] for decision in found.decisions] == [wanted] * 3
    with pytest.raises(SaccadeError, match="calibrated on 8 frames"):
        model.predict(net, clip(1, 4), chosen)


@torch.inference_mode()
def test_attention_equals_its_sum_over_frames_and_channels():
    layer = load_module(FOLDER / "networks/attention.py").DoubleAttention(8)
    features = torch.randn(1, 8, 3, 2, 2)
    # (2, 3)
    values, gather, give = (conv(features).mean((3, 4))[0] for conv in (layer.values, layer.gather, layer.give))
    for t in range(3):
        # (2,)
        back = sum(gather.softmax(1)[m, s] * give.softmax(0)[m, t] * values[:, s] for m in range(2) for s in range(3))
        scale = layer.back(back[None, :, None, None, None])[0, :, 0, 0, 0]
        torch.testing.assert_close(layer(features)[0, :, t], features[0, :, t] * scale[:, None, None])


@pytest.mark.parametrize(
    "chosen", [{"bins": [4, 8]}, {"similarity": "angular"}, {"layer": "none", "assignment": "noise"}, {"dimensions": 0}]
)
def test_settings_that_contradict_each_other_are_refused(chosen):
    with pytest.raises(
        ValueError, match=next(iter(chosen)) if len(chosen) == 1 and "similarity" not in chosen else "bins|assignment"
    ):
        settings(**chosen)


def test_normalisation_alone_is_spared_weight_decay_in_the_published_recipe():
    chosen = resolve(ROOT, Run("paper", "motion-digits", "", "atfr", "3dresnet18-atfr", 0), "train").typed
    net = build(dataclasses.replace(chosen, network="3dresnet-tiny"))
    norms = {
        id(p)
        for m in net.modules()
        if isinstance(m, torch.nn.BatchNorm3d | torch.nn.BatchNorm1d)
        for p in m.parameters()
    }
    groups = {
        group["weight_decay"]: {id(p) for p in group["params"]} for group in make_optimizer(net, chosen).param_groups
    }
    assert groups.keys() == {0.0, 1e-4}
    assert groups[0.0] == norms


def test_every_variant_of_the_card_is_built_with_a_layer_for_each_pathway():
    """Full-size networks on the meta device."""
    for name, variant in load_method(ROOT, "atfr").variants.items():
        chosen = resolve(ROOT, Run("paper", "motion-digits", "", "atfr", name, 0)).typed
        with torch.device("meta"):
            net = model.build(chosen, HEADS[:1])
        pathways = 2 if chosen.network.startswith("slowfast") else 1
        assert len(getattr(net, "sgs", ())) == (pathways if variant.layer.get("layer") == "sgs" else 0), name


def test_a_point_that_needs_calibration_is_offered_only_where_there_is_one():
    for name in load_method(ROOT, "atfr").variants:
        run = Run("study", "motion-digits", "tempo", "atfr", name, 0)
        if "permuted" in {point.name for point, _ in points_of(ROOT, run)}:
            assert "calibrate" in {phase.name for phase in phases_of(ROOT, run)}, name


@pytest.mark.parametrize("network", ["3dresnet-tiny", "slowfast-tiny"])
def test_its_maps_are_the_frames_the_features_and_what_is_left_of_them(network):
    chosen = settings(network=network)
    net, batch = build(chosen), clip(1)
    shown = model.maps(net, batch, chosen)
    assert list(shown) == ["frames", "res2", "after SGS"]
    assert shown["frames"].shape == (FRAMES, 32, 32, 3) and shown["frames"].dtype == np.uint8
    assert (
        len(shown["res2"]) == FRAMES
        and len(shown["after SGS"]) == model.predict(net, batch, chosen).decisions[0]["bins"]
    )
    figure = draw_maps(shown, "a clip")
    assert sum(bool(axes.images) for axes in figure.axes) == FRAMES * 5 + 4 * len(shown["after SGS"])


def test_fine_tuning_starts_from_kinetics_without_its_classifier():
    method = load_method(ROOT, "atfr")
    for dataset in ("something-v2", "ucf101", "hmdb51"):
        inner = method.layers[f"datasets.{dataset}"]["phases"]["train"]
        assert inner == {"needs": ["kinetics400/atfr/{variant}/train"], "drops": ["classifiers.*"]}


@pytest.mark.parametrize("name", ["3dresnet18", "3dresnet50"])
def test_the_layout_is_the_official_codes(name):
    """The lists hold names, shapes and types of the official models."""
    file = PUBLISHED / f"atfr2021__{name}_atfr.json"
    if not file.is_file():
        pytest.skip("the lists of published weights' names aren't here")
    ours = flat(layout("atfr", f"{name}-atfr-released")["model_state"])
    found = [[key, list(tensor.shape), str(tensor.dtype).removeprefix("torch.")] for key, tensor in ours]
    assert found == json.loads(file.read_text())["keys"]


@pytest.mark.parametrize("name", ["3dresnet18", "3dresnet50"])
def test_the_authors_checkpoints_are_read_whole_and_predict(name, tmp_path):
    variant = f"{name}-atfr-released"
    content = filled(layout("atfr", variant))
    tensors, file = content["model_state"], save(content, tmp_path / "checkpoint_epoch_00196.pyth")
    entry = load_method(ROOT, "atfr").variants[variant]
    chosen = resolve(ROOT, Run("paper", "motion-digits", "", "atfr", variant, 0)).typed
    heads = (Head("label", "single", tuple(map(str, range(194)))),)
    net = build(chosen, heads)
    rename = functools.partial(load_module(FOLDER / "phases.py").import_released, chosen, heads)
    found = released.load(net, file, rename, ["*"], entry.released.drops, heads=heads)
    assert list(found["dropped"]) == ["optimizer_state.state.0.momentum_buffer"]
    assert any(
        torch.equal(tensor, tensors["s1.pathway0_stem.conv.weight"]) for tensor in net.early.state_dict().values()
    )
    assert torch.equal(net.sgs[0].similarity.first.weight, tensors["s2.ts_layer.fc.0.weight"])
    with torch.inference_mode():
        assert model.predict(net, clip(1, 8, 64), chosen).probabilities["label"].shape == (1, 194)
    torch.save({"model_state": {**tensors, "s9.unknown.weight": torch.zeros(1)}}, file)
    with pytest.raises(SaccadeError, match="s9.unknown.weight"):
        released.load(net, file, rename, ["*"], entry.released.drops, heads=heads)
