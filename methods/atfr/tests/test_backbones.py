"""The video networks: costs and sizes as published, the same values as pytorchvideo's, cut where ATFR samples, at any
length."""

import copy
import json
from functools import cache
from itertools import pairwise, product
from pathlib import Path
from typing import get_args

import pytest
import torch
from conftest import ROOT
from published_files import layout
from torch import nn

from saccade.cost.count import count
from saccade.plan.layers import resolve
from saccade.plan.runs import Run
from saccade.project import load_module
from saccade.records import Head, SaccadeError
from saccade.timing import optimise

FOLDER = Path(__file__).parents[1]
# names and shapes in the official models, beside the checkout
LISTS = FOLDER.parents[2] / "shared" / "dossiers" / "state_dicts"
PLACEMENTS = ("conv1", "res2", "res3")
TINY = ("3dresnet-tiny", "x3d-tiny", "slowfast-tiny")

backbones, published, sgs = (
    load_module(FOLDER / f"{name}.py") for name in ("networks/backbones", "paper/published", "networks/sgs")
)
resnet3d, slowfast, x3d = (
    load_module(FOLDER / f"{name}.py") for name in ("networks/resnet3d", "networks/slowfast", "networks/x3d")
)


BIG = tuple(name for name in backbones.BUILDERS if name not in TINY)


def test_the_card_may_name_every_network():
    """settings.py, which a dry run reads without torch, spells them."""
    assert set(get_args(load_module(ROOT / "methods/atfr/settings.py").Network)) == set(backbones.BUILDERS)


class Whole(nn.Module):
    """A network with nothing between its parts, and a classifier if asked for."""

    def __init__(self, name, placement="res2", num_classes=0):
        super().__init__()
        self.early, self.late = backbones.build_network(name, placement)
        if num_classes:
            self.classifiers = nn.ModuleDict({"action": nn.Linear(self.late.num_features, num_classes)})

    def forward(self, rgb):
        return self.late(self.early(rgb))


def whole(name, placement="res2", num_classes=0):
    torch.manual_seed(0)
    return unsettled(Whole(name, placement, num_classes)).eval()


def unsettled(model):
    """Normalisations as training leaves them: at their start most of a network could be wrong and nobody would see
    it."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.BatchNorm3d):
                for tensor, low, high in (
                    (module.running_mean, -0.1, 0.1),
                    (module.running_var, 0.5, 1.5),
                    (module.weight, 0.5, 1.5),
                ):
                    tensor.copy_(torch.rand(len(tensor), generator=generator) * (high - low) + low)
                module.bias.copy_(torch.randn(len(module.bias), generator=generator) * 0.1)
    return model


@cache
def stages(name):
    with torch.device("meta"):
        return backbones.BUILDERS[name](name, 1.0)


def on_meta(name, placement="res2"):
    early, late = backbones.cut(stages(name), placement)
    return early.eval(), late.eval()


def state_on_meta(name, placement, num_classes):
    early, late = on_meta(name, placement)
    parts = {"early": early, "late": late}
    with torch.device("meta"):
        parts["classifiers"] = nn.ModuleDict({"action": nn.Linear(late.num_features, num_classes)})
        parts["sgs"] = nn.ModuleList(
            nn.ModuleDict({"similarity": sgs.SimilarityNetwork(c, 8, "code")}) for c in early.channels
        )
    return {key: tuple(value.shape) for key, value in nn.ModuleDict(parts).state_dict().items()}


def shapes(state):
    return {key: tuple(value.shape) for key, value in state.items()}


def as_long_as(features, lengths):
    """Features on the meta device, each pathway's with another number of frames."""
    if isinstance(features, tuple):
        return tuple(as_long_as(one, (length,)) for one, length in zip(features, lengths, strict=True))
    return features[:, :, :1].expand(-1, -1, lengths[0], -1, -1)


@cache
def without_norms(name, placement):
    """For counting: twice as fast on the meta device, and normalisation doesn't count."""
    parts = copy.deepcopy(on_meta(name, placement))
    for part in parts:
        for path, module in list(part.named_modules()):
            if isinstance(module, nn.BatchNorm3d):
                part.set_submodule(path, nn.Identity())
    return parts


@cache
@torch.no_grad()
def parts_macs(name, frames, size, lengths, placement):
    """Of early and of late, where `lengths` (of each pathway) are left of T frames, or all."""
    early, late = without_norms(name, placement)
    rgb = torch.empty(1, 3, frames, size, size, device="meta")
    if lengths is None:
        before = count(early, rgb)
        return before.macs, count(late, before.result).macs
    return parts_macs(name, frames, size, None, placement)[0], count(late, as_long_as(early(rgb), lengths)).macs


def gmacs(name, frames, size, lengths=None, placement="res2", num_classes=0):
    """Of early, and of late with a classifier."""
    early, late = parts_macs(name, frames, size, lengths, placement)
    return early / 1e9, (late + stages(name).num_features * num_classes) / 1e9


STATIC = [  # dossier, Secs. 2.2 and 3.2
    ("3dresnet18", 32, 224, 194, 18.064),
    ("3dresnet18", 32, 256, 194, 23.593),
    ("3dresnet50", 32, 224, 194, 31.275),
    ("3dresnet50", 32, 256, 194, 40.848),
    ("slowfast-4x16-r50", 32, 256, 400, 36.099),
    ("slowfast-8x8-r50", 32, 256, 194, 65.708),
    ("slowfast-8x8-r50", 64, 256, 174, 131.416),
    ("slowfast-8x8-r18", 32, 224, 194, 30.938),
    ("slowfast-8x8-r18", 32, 256, 194, 40.408),
    ("slowfast-8x8-r18", 64, 224, 194, 61.875),
    ("x3d-s", 13, 160, 400, 1.963),
    ("x3d-s", 13, 182, 400, 2.722),
    ("x3d-m", 16, 224, 400, 4.733),
    ("x3d-m", 16, 256, 400, 6.181),
    ("x3d-l", 16, 312, 400, 18.368),
    ("x3d-l", 16, 356, 400, 24.764),
    ("x3d-xl", 16, 312, 400, 35.838),
    ("x3d-xl", 16, 356, 400, 48.407),
    ("i3d-r50", 32, 256, 200, 148.411),
    ("c2d-r50", 32, 256, 200, 101.838),
    ("c2d-r18", 32, 224, 200, 46.525),
    ("c2d-r18", 64, 224, 200, 93.050),
    ("r2plus1d-r50", 32, 256, 400, 150.303),
]


@pytest.mark.parametrize(("name", "frames", "size", "num_classes", "expected"), STATIC)
def test_a_clip_costs_what_it_does_elsewhere(name, frames, size, num_classes, expected):
    assert sum(gmacs(name, frames, size, num_classes=num_classes)) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize(
    ("name", "num_classes", "millions"),
    [
        ("3dresnet18", 194, 4.4186),
        ("3dresnet50", 194, 7.3228),
        ("slowfast-4x16-r50", 400, 34.480),
        ("slowfast-8x8-r50", 400, 34.567),
        ("slowfast-8x8-r50", 174, 34.046),
        ("slowfast-8x8-r18", 194, 20.11),
        ("x3d-s", 400, 3.794),
        ("x3d-m", 400, 3.794),
        ("x3d-l", 400, 6.153),
        ("x3d-xl", 400, 11.096),
        ("i3d-r50", 0, 27.2),
        ("c2d-r50", 200, 23.9),
        ("r2plus1d-r50", 200, 27.7),
    ],
)
def test_as_many_parameters_as_elsewhere(name, num_classes, millions):
    early, late = on_meta(name)
    numbers = sum(parameter.numel() for part in (early, late) for parameter in part.parameters())
    assert (numbers + (late.num_features + 1) * num_classes * (num_classes > 0)) / 1e6 == pytest.approx(
        millions, rel=2e-3
    )


@pytest.mark.parametrize(
    ("name", "placement", "frames", "size", "num_classes", "start", "step"),
    [
        ("3dresnet50", "res2", 32, 256, 194, 3.670, 1.16182),
        ("3dresnet18", "res2", 32, 224, 194, 2.6495, 0.48169),
        ("3dresnet18", "res2", 64, 224, 194, 5.299, 0.48169),
        ("x3d-s", "conv1", 13, 160, 200, 0.0654, 0.14593),
        ("x3d-s", "res2", 13, 160, 200, 0.4109, 0.11935),
        ("x3d-s", "res3", 13, 160, 200, 0.7893, 0.09025),
        ("x3d-xl", "res2", 16, 356, 400, 5.680, 2.67046),
        ("x3d-m", "res2", 16, 256, 600, 1.2924, 0.30554),
    ],
)
def test_the_cost_is_a_straight_line_over_the_frames_that_are_left(
    name, placement, frames, size, num_classes, start, step
):
    """Dossier, Sec. 3.3; what X3D's head and its squeeze-and-excitation cost whatever the length is part of the
    start."""
    costs = [sum(gmacs(name, frames, size, lengths, placement, num_classes)) for lengths in ((1,), None)]
    assert costs == pytest.approx([start + step, start + frames * step], rel=1e-3)


@pytest.mark.parametrize("name", ["3dresnet-tiny", "x3d-tiny"])
def test_the_line_is_straight(name):
    costs = [parts_macs(name, 16, 48, (left,), "res2")[1] for left in range(1, 6)]
    assert len({later - earlier for earlier, later in pairwise(costs)}) == 1


@pytest.mark.parametrize(
    ("name", "size", "start", "step"),
    [("c2d-r18", 224, 18.163, 1.7726), ("c2d-r50", 256, 32.850, 4.3117), ("i3d-r50", 256, 62.244, 5.3855)],
)
def test_where_pairs_are_pooled_two_frames_cost_as_much_as_one_or_three(name, size, start, step):
    costs = [sum(gmacs(name, 32, size, (left,))) for left in (1, 2, 3, 31)]
    assert costs == pytest.approx([start + pairs * step for pairs in (1, 1, 1, 15)], rel=1e-3)


@pytest.mark.parametrize(
    ("name", "frames", "slow_of_fast", "start", "step"),
    [("slowfast-4x16-r50", 32, 8, 14.928, 7.057), ("slowfast-8x8-r50", 64, 4, 30.864, 6.7037)],
)
def test_the_cost_of_both_pathways(name, frames, slow_of_fast, start, step):
    costs = [sum(gmacs(name, frames, 256, (left, slow_of_fast * left))) for left in (1, 2, 4)]
    assert costs == pytest.approx([start + (left - 1) * step for left in (1, 2, 4)], rel=1e-3)


def test_r2plus1d_halves_the_frames_twice_so_that_its_cost_has_steps():
    costs = {left: parts_macs("r2plus1d-r50", 32, 256, (left,), "res2")[1] for left in (1, 2, 3, 5, 6)}
    assert costs[3] - costs[2] > 2 * (costs[2] - costs[1])
    assert costs[6] - costs[2] == costs[5] - costs[1]  # again every four frames


@pytest.mark.parametrize("size", [48, 64])
@pytest.mark.parametrize(
    ("name", "full_size"),
    [("3dresnet-tiny", 2.6495 / 15.41), ("x3d-tiny", 0.4109 / 1.5516), ("slowfast-tiny", 7.871 / 28.228)],
)
def test_a_tiny_network_shares_its_cost_as_the_full_size_one(name, full_size, size):
    early, late = gmacs(name, 16, size)
    print(
        f"{name} at {size}: {early * 1e3:.2f} + {late * 1e3:.2f} M, 1 : {late / early:.2f}, full size 1 : "
        f"{1 / full_size:.2f}"
    )
    assert early / late == pytest.approx(full_size, rel=0.2)


@pytest.mark.parametrize(("name", "placement"), [*product(TINY, PLACEMENTS), *((name, "res2") for name in BIG)])
@torch.no_grad()
def test_every_network_takes_any_length_from_one_frame_on(name, placement):
    early, late = on_meta(name, placement)
    features = early(torch.empty(2, 3, 16, 64, 64, device="meta"))
    pathways = features if isinstance(features, tuple) else (features,)
    assert early.channels == tuple(one.shape[1] for one in pathways)
    for lengths in ((1, 1),) if name in BIG else ((1, 1), (1, 8), (3, 2), (2, 16), (5, 7)):
        assert late(as_long_as(features, lengths)).shape == (2, late.num_features)


@pytest.mark.parametrize("name", [*TINY, "i3d-r50", "r2plus1d-r50"])
def test_where_it_is_cut_changes_no_value_and_no_name(name):
    networks = {placement: whole(name, placement) for placement in PLACEMENTS}
    bare = {
        placement: {key.partition(".")[2]: value for key, value in net.state_dict().items()}
        for placement, net in networks.items()
    }
    rgb = torch.rand(2, 3, 8, 32, 32)
    with torch.inference_mode():
        expected = networks["res2"](rgb)
        for placement, network in networks.items():
            assert bare[placement].keys() == bare["res2"].keys()
            network.load_state_dict({key: bare["res2"][key.partition(".")[2]] for key in network.state_dict()})
            torch.testing.assert_close(network(rgb), expected, rtol=0, atol=0)
    assert not torch.allclose(expected[0], expected[1])


@pytest.mark.parametrize(("name", "placement"), list(product(TINY, PLACEMENTS)))
@torch.inference_mode()
def test_between_the_parts_the_relu_is_still_to_come(name, placement):
    network = whole(name, placement)
    features = network.early(torch.rand(2, 3, 16, 48, 48))
    pathways = features if isinstance(features, tuple) else (features,)
    assert all(one.min() < 0 < one.max() for one in pathways)
    kept = [one.clone() for one in pathways]
    given = network.late(features)
    assert all(torch.equal(one, other) for one, other in zip(pathways, kept, strict=True))  # late leaves them alone
    rectified = tuple(one.relu() for one in pathways)
    torch.testing.assert_close(network.late(rectified if len(rectified) > 1 else rectified[0]), given, rtol=0, atol=0)


@pytest.mark.parametrize("name", TINY)
def test_everything_learns(name):
    network = whole(name).train()
    network(torch.rand(2, 3, 16, 48, 48)).square().sum().backward()
    assert [key for key, value in network.named_parameters() if value.grad is None or not value.grad.any()] == []


def test_an_odd_frame_goes_and_a_single_one_stays():
    clip = torch.arange(5.0).reshape(1, 1, 5, 1, 1)
    assert resnet3d.pair_pool(clip).flatten().tolist() == [1, 3]
    assert resnet3d.pair_pool(clip[:, :, :1]).flatten().tolist() == [0]


def test_slow_frames_are_spread_from_the_first_to_the_last():
    clip = torch.arange(32.0).reshape(1, 1, 32, 1, 1).expand(1, 3, -1, 1, 1)
    assert slowfast.slow_frames(clip, 8)[0, 0].flatten().tolist() == [0, 10, 20, 31]
    assert slowfast.slow_frames(clip, 4)[0, 0].flatten().tolist() == [0, 4, 8, 13, 17, 22, 26, 31]


def test_what_is_shorter_lies_in_the_middle_of_zeros():
    long, short = torch.ones(1, 1, 4, 1, 1), torch.ones(1, 1, 1, 1, 1)
    assert slowfast.joined(short, long)[0, :, :, 0, 0].tolist() == [[0, 1, 0, 0], [1, 1, 1, 1]]
    assert slowfast.joined(long, short)[0, :, :, 0, 0].tolist() == [[1, 1, 1, 1], [0, 1, 0, 0]]


@pytest.mark.parametrize("name", TINY)
def test_training_starts_with_branches_that_add_nothing(name):
    early, late = backbones.build_network(name, "res2")
    for block in (
        module for part in (early, late) for module in part.modules() if isinstance(module, resnet3d.Residual)
    ):
        assert not block.branch[-1].norm.weight.any() and block.branch[0].norm.weight.eq(1).all()


@pytest.mark.parametrize("name", [*TINY, "3dresnet18", "c2d-r18", "r2plus1d-r50", "slowfast-8x8-r18"])
@torch.no_grad()
def test_width_scales_all_channels(name):
    with torch.device("meta"):
        halves = backbones.build_network(name, "res2", 0.5)
    wide = on_meta(name)
    sizes = [sum(parameter.numel() for part in parts for parameter in part.parameters()) for parts in (halves, wide)]
    assert sizes[0] < 0.5 * sizes[1]
    features = halves[0](torch.empty(1, 3, 16, 48, 48, device="meta"))
    assert halves[1](features).shape == (1, halves[1].num_features) and halves[1].num_features < wide[1].num_features


def test_what_does_not_exist_is_named():
    with pytest.raises(SaccadeError, match="unknown network 'resnet9'; there are 3dresnet18"):
        backbones.build_network("resnet9", "res2")
    with pytest.raises(SaccadeError, match="can't be cut behind 'res5'; say conv1, res2 or res3"):
        backbones.build_network("3dresnet-tiny", "res5")
    with pytest.raises(SaccadeError, match="width is 0"):
        backbones.build_network("3dresnet-tiny", "res2", 0)


@pytest.mark.parametrize(
    ("name", "placement"),
    [*product(TINY, PLACEMENTS), ("i3d-r50", "res2"), ("r2plus1d-r50", "res2"), ("x3d-s", "res2")],
)
@torch.inference_mode()
def test_optimised_it_gives_the_same_and_keeps_no_normalisation(name, placement):
    plain = whole(name, placement)
    quick = copy.deepcopy(plain)
    number = sum(isinstance(module, nn.BatchNorm3d) for module in plain.modules())
    assert optimise.optimise(quick) == number and not any(
        isinstance(module, nn.BatchNorm3d) for module in quick.modules()
    )
    rgb = torch.rand(1, 3, 8, 32, 32)
    expected = plain(rgb)
    torch.testing.assert_close(quick(rgb), expected, rtol=1e-4, atol=1e-5 * float(expected.abs().max()))


# Against pytorchvideo: the reference while testing, no dependency.

HUB = {
    "x3d-s": ("x3d_s", (4, 64)),
    "x3d-m": ("x3d_m", None),
    "x3d-l": ("x3d_l", None),
    "x3d-xl": ("", None),
    "slowfast-8x8-r50": ("slowfast_r50", (32, 48)),
    "i3d-r50": ("i3d_r50", (8, 48)),
    "c2d-r50": ("c2d_r50", (4, 48)),
    "r2plus1d-r50": ("r2plus1d_r50", (6, 48)),
}


def from_hub(name):
    hub = pytest.importorskip("pytorchvideo.models.hub", reason="pytorchvideo, the reference, is not installed")
    if name == "x3d-xl":  # not in the hub
        create_x3d = pytest.importorskip("pytorchvideo.models.x3d").create_x3d
        return create_x3d(input_clip_length=16, input_crop_size=312, width_factor=2.9, depth_factor=5.0)
    return getattr(hub, HUB[name][0])(pretrained=False)


def test_the_layout_of_x3d_is_pytorchvideos():
    with torch.device("meta"):
        theirs = from_hub("x3d-s").state_dict()
    assert shapes(layout("atfr", "x3d-s-released")["model_state"]) == shapes(theirs)


@pytest.mark.parametrize("name", HUB)
def test_pytorchvideos_weights_fit(name):
    with torch.device("meta"):
        state = {f"model_state.{key}": value for key, value in from_hub(name).state_dict().items()}
    for placement in PLACEMENTS:
        ours = published.from_pytorchvideo(name, placement, state, "action")
        wanted = state_on_meta(name, placement, num_classes=400)
        assert len(ours) == len(state) and shapes(ours) == {
            key: shape for key, shape in wanted.items() if not key.startswith("sgs.")
        }


@pytest.mark.parametrize(
    "wrapper", ["", "module.", "state_dict.", "state_dict.model.", "model.module.", "model_state.net."]
)
@pytest.mark.parametrize("variant", ["x3d-s-released", "3dresnet18-atfr-released"])
def test_networks_lie_under_the_key_of_whatever_trained_them(wrapper, variant):
    settings = resolve(ROOT, Run("paper", "motion-digits", "", "atfr", variant, 0)).typed
    import_released = load_module(FOLDER / "phases.py").import_released
    heads = (Head("label", "single", ("a", "b")),)
    state = layout("atfr", variant)["model_state"]
    bare = import_released(settings, heads, {f"model_state.{name}": tensor for name, tensor in state.items()})
    found = import_released(settings, heads, {f"{wrapper}{name}": tensor for name, tensor in state.items()})
    assert set(found) == set(bare) and len(found) >= len(state)


def test_a_checkpoints_names_tell_whose_it_is():
    """The same classifier, as pytorchvideo and as the authors' code name it, in the network that the variant names."""
    phases = load_module(FOLDER / "phases.py")
    for variant, theirs in (("x3d-s-released", "blocks.5.proj"), ("3dresnet18-atfr-released", "head.projection")):
        settings = resolve(ROOT, Run("paper", "motion-digits", "", "atfr", variant, 0)).typed
        heads = (Head("label", "single", ("a", "b")),)
        found = phases.import_released(settings, heads, {f"model_state.{theirs}.weight": torch.ones(2, 3)})
        assert torch.equal(found["classifiers.label.weight"], torch.ones(2, 3))


@pytest.mark.parametrize(("name", "clip"), [(name, clip) for name, (_, clip) in HUB.items() if clip])
@torch.inference_mode()
def test_with_pytorchvideos_weights_the_scores_are_pytorchvideos(name, clip):
    torch.manual_seed(0)
    theirs = unsettled(from_hub(name)).eval()
    for path, module in list(theirs.named_modules()):
        if isinstance(module, nn.AvgPool3d):  # made for one size of clip
            theirs.set_submodule(path, nn.AdaptiveAvgPool3d(1))
    theirs.blocks[-1].activation = None  # a softmax in X3D
    ours = Whole(name, "res2", num_classes=400).eval()
    ours.load_state_dict(published.from_pytorchvideo(name, "res2", theirs.state_dict(), "action"))
    rgb = torch.rand(2, 3, clip[0], clip[1], clip[1])
    taken = [slowfast.slow_frames(rgb, 4), rgb] if name.startswith("slowfast") else rgb
    expected, given = theirs(taken), ours.classifiers["action"](ours(rgb))
    print(f"{name}: largest score {expected.abs().max():.3g}, largest difference {(given - expected).abs().max():.2g}")
    torch.testing.assert_close(given, expected, rtol=1e-4, atol=1e-4 * float(expected.abs().max().clamp(max=1)))
    assert not torch.allclose(expected[0], expected[1], rtol=1e-3, atol=1e-3 * float(expected.abs().max()))


# Against the lists of names and shapes in the official models.

OFFICIAL = {
    "3dresnet18_static": "3dresnet18",
    "3dresnet18_atfr": "3dresnet18",
    "3dresnet50_static": "3dresnet50",
    "3dresnet50_atfr": "3dresnet50",
    "slowfast_4x16_r50_static": "slowfast-4x16-r50",
    "slowfast_4x16_r50_atfr": "slowfast-4x16-r50",
    "slowfast_8x8_r50_static": "slowfast-8x8-r50",
    "slowfast_8x8_r50_atfr": "slowfast-8x8-r50",
    "slowfast_8x8_r18_static_minikinetics": "slowfast-8x8-r18",
    "slowfast_8x8_r50_static_minikinetics": "slowfast-8x8-r50",
}


@pytest.mark.parametrize("file", OFFICIAL)
def test_official_weights_fit(file):
    listed = LISTS / f"atfr2021__{file}.json"
    if not listed.is_file():
        pytest.skip(f"{listed} isn't there: the official models' names are kept beside the checkout")
    keys = json.loads(listed.read_text())["keys"]
    state = {
        f"model_state.{key}": torch.empty(shape, dtype=getattr(torch, kind), device="meta") for key, shape, kind in keys
    }
    state["optimizer_state.state.0.momentum_buffer"] = torch.empty(3, device="meta")
    ours = published.from_pyslowfast(OFFICIAL[file], "res2", state, "action")
    wanted = state_on_meta(OFFICIAL[file], "res2", num_classes=len(state["model_state.head.projection.bias"]))
    static = file.endswith("static") or "minikinetics" in file
    assert len(ours) == len(keys)
    assert shapes(ours) == {key: shape for key, shape in wanted.items() if not (static and key.startswith("sgs."))}
    elsewhere = published.from_pyslowfast(OFFICIAL[file], "res3", state, "action")
    assert elsewhere.keys() & ours.keys() < {key for key in ours if not key.startswith("sgs")}
    # samplers of another stage are left to the caller
    assert len(elsewhere) == sum("ts_layer" not in key for key, _, _ in keys)


def test_batch_counts_that_an_old_file_lacks_are_zero_and_what_is_unknown_is_left():
    with torch.device("meta"):
        state = {
            "s1.pathway0_stem.bn.running_var": torch.empty(8),
            "s7.pathway0_res0.branch2.a.weight": torch.empty(8),
            "epoch": torch.empty(()),
        }
    ours = published.from_pyslowfast("3dresnet18", "res2", state, "action")
    assert set(ours) == {"early.conv1.norm.running_var", "early.conv1.norm.num_batches_tracked"}
    assert ours["early.conv1.norm.num_batches_tracked"].dtype == torch.int64


def test_pyslowfasts_x3d_is_another_network():
    with pytest.raises(SaccadeError, match="take pytorchvideo's"):
        published.from_pyslowfast("x3d-s", "res2", {}, "action")
