"""What only T-CNN can get wrong: which convolution is of which kind, how far each looks in time, shifts, maps of
frames; and what a file of the user's must hold. Where attention lies is tested apart."""

import dataclasses
import re
from functools import partial
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from saccade.cards.method import load_method
from saccade.engine import released
from saccade.engine.weights import covered
from saccade.plan.layers import resolve
from saccade.plan.phases import weights_of
from saccade.plan.runs import Run
from saccade.project import load_module
from saccade.records import Head, SaccadeError
from saccade.settings import Shared

FOLDER = Path(__file__).parents[1]
ROOT = FOLDER.parents[1]
model, network, phases = (load_module(FOLDER / f"{name}.py") for name in ("model", "networks/tcnn", "phases"))
Settings = load_module(FOLDER / "settings.py").Settings
LABEL = (Head("label", "single", ("a", "b", "c")),)
ANY = {"num_frames": 8, "resize": 0, "crop": 0, "epochs": 1, "batch_size": 2, "lr": 0.1}
PRINTED = {(4, 4), (4, 6), (4, 8), (4, 12), (5, 4), (5, 6), (6, 4), (6, 6), (7, 4)}  # dilated: stage, convolution


def settings(**chosen):
    return Settings(**{**ANY, "network": "tiny", "stem_pool": False, **chosen})


def published_network(**chosen):
    with torch.device("meta"):
        return network.TCNN(settings(network="published", **chosen))


def convolutions(net):
    """{(stage, number): convolution}, shortcuts aside."""
    found = {}
    for number, stage in enumerate(net.stages, 1):
        own = [one for name, one in stage.named_modules() if isinstance(one, nn.Conv3d) and "shortcut" not in name]
        found |= {(number, place): one for place, one in enumerate(own, 1)}
    return found


# ---- kinds of convolutions

EVEN = {  # kernel, where Table 1 doesn't dilate and where it does
    "factorised": ((3, 1, 1), (3, 1, 1)),
    "dilated": ((1, 3, 3), (3, 1, 1)),
    "depthwise": ((3, 1, 1), (3, 1, 1)),
    "shift": ((1, 3, 3), (1, 3, 3)),
    "full": ((1, 3, 3), (3, 3, 3)),
}


@pytest.mark.parametrize("kernels", EVEN)
def test_first_convolutions_of_a_pair_are_in_space_and_second_ones_as_the_setting_says(kernels):
    found = convolutions(published_network(kernels=kernels))
    assert len(found) == 36
    for place, one in found.items():
        assert one.kernel_size == ((1, 3, 3) if place[1] % 2 else EVEN[kernels][place in PRINTED])
        alone = kernels == "depthwise" and place[1] % 2 == 0
        assert one.groups == (one.out_channels if alone else 1)


@pytest.mark.parametrize("kernels", EVEN)
def test_every_convolution_is_normalised(kernels):
    net = published_network(kernels=kernels)
    bare = [name for name, one in net.named_modules() if isinstance(one, nn.Conv3d) and one.bias is not None]
    norms = [one.num_features for one in net.modules() if isinstance(one, nn.BatchNorm3d)]
    assert not bare
    assert norms == [one.out_channels for one in net.modules() if isinstance(one, nn.Conv3d)]


def test_the_first_convolution_alone_may_look_in_time():
    found = convolutions(published_network(stem="3x3x3"))
    assert [place for place, one in found.items() if one.kernel_size == (3, 3, 3)] == [(1, 1)]


@pytest.mark.parametrize("kernels", EVEN)
def test_undilated_has_no_dilation_anywhere(kernels):
    net = published_network(kernels=kernels, dilate=False)
    assert {one.dilation for one in net.modules() if isinstance(one, nn.Conv3d)} == {(1, 1, 1)}
    assert {one.distance for one in net.modules() if isinstance(one, network.Shift)} <= {1}


def test_a_shift_is_as_far_as_table_1_dilates():
    net = published_network(kernels="shift")
    distances = [one.distance for one in net.modules() if isinstance(one, network.Shift)]
    assert distances == [1] * 3 + [1, 4, 4, 4, 1, 4] + [1, 2, 4] + [1, 2, 2, 1] + [1, 2]


def test_shortcuts_project_where_sizes_change_and_there_are_none_in_stage_1():
    pairs = [[one for one in stage if isinstance(one, network.Pair)] for stage in published_network().stages]
    kinds = [[type(pair.shortcut).__name__ for pair in stage] for stage in pairs]
    assert kinds[0] == ["NoneType"]
    assert all(stage == ["Sequential"] + ["Identity"] * (len(stage) - 1) for stage in kinds[1:])
    without = published_network(shortcut="none")
    assert all(pair.shortcut is None for pair in without.modules() if isinstance(pair, network.Pair))


@torch.no_grad()
def test_a_pair_adds_what_it_was_given_before_its_last_relu():
    pair = network.Pair(nn.Identity(), nn.Hardtanh(-2, 2), nn.Identity())
    x = torch.tensor([-1.0, 1.0, 3.0])
    assert pair(x.clone()).tolist() == [0.0, 2.0, 5.0]  # relu(x) held to 2, and x
    alone = network.Pair(nn.Identity(), nn.Hardtanh(-2, 2), None)
    assert alone(x.clone()).tolist() == [0.0, 1.0, 2.0]


@pytest.mark.parametrize(
    ("chosen", "size"),
    [
        ({"stem_pool": True}, (8, 7, 7)),
        ({"strides": [2, 2, 2, 2, 1, 2, 1]}, (8, 7, 7)),
        ({"strides": [1, 2, 2, 1, 2, 1, 1]}, (8, 28, 28)),
        ({"strides": [2, 2, 2, 2, 1, 2, 1], "frame_strides": [1, 2, 1, 2, 1, 1, 1]}, (2, 7, 7)),
    ],
)
def test_strides_say_how_large_the_last_maps_are(chosen, size):
    with torch.device("meta"):
        assert network.TCNN(settings(**chosen))(torch.empty(1, 3, 8, 224, 224)).shape == (1, 64, *size)


# ---- in time


def numbered_frames(frames: int) -> torch.Tensor:
    """(1, 16, T, 1, 1): frame t has t + 1 in all channels."""
    return torch.arange(1.0, frames + 1).view(1, 1, frames, 1, 1).expand(1, 16, frames, 1, 1).clone()


@pytest.mark.parametrize(
    ("distance", "ahead", "behind"),
    [
        (1, [2, 3, 4, 0], [0, 1, 2, 3]),
        (2, [3, 4, 0, 0], [0, 0, 1, 2]),
        (4, [0, 0, 0, 0], [0, 0, 0, 0]),  # as long as the clip, and longer
        (9, [0, 0, 0, 0], [0, 0, 0, 0]),
    ],
)
def test_an_eighth_of_the_channels_comes_from_ahead_and_an_eighth_from_behind(distance, ahead, behind):
    given = numbered_frames(4)
    shifted = network.Shift(distance)(given)[0, :, :, 0, 0]
    assert shifted[:2].tolist() == [ahead] * 2 and shifted[2:4].tolist() == [behind] * 2
    assert shifted[4:].tolist() == [[1, 2, 3, 4]] * 12
    assert torch.equal(given, numbered_frames(4))  # what was given stays


# the small network's dilations: 1, 1, 1, 4, 2, 2, 2, in order of its stages
REACH = {
    ("factorised", True): range(-13, 14),
    ("factorised", False): range(-7, 8),
    ("depthwise", True): range(-13, 14),
    ("shift", True): range(-13, 14),
    ("dilated", True): range(-10, 11, 2),  # only the dilated ones look in time, all an even number of frames away
    ("dilated", False): range(-4, 5),
    ("full", True): range(-10, 11, 2),
}


@pytest.mark.parametrize(("kernels", "dilate"), REACH)
def test_a_frames_map_follows_from_those_frames_that_dilation_reaches(kernels, dilate):
    torch.manual_seed(0)
    net = network.TCNN(settings(kernels=kernels, dilate=dilate)).double().eval()
    clip = torch.randn(1, 3, 31, 32, 32, dtype=torch.float64, requires_grad=True)
    net(clip)[0, :, 15].sum().backward()
    felt = clip.grad[0].abs().sum((0, 2, 3))
    assert felt.nonzero()[:, 0].tolist() == [15 + apart for apart in REACH[kernels, dilate]]


@pytest.mark.parametrize("dilation", [1, 2, 4])
def test_a_dilated_convolution_reads_frames_so_far_away_and_none_between(dilation):
    convolution = network._second("factorised", 4, dilation, dilation).double().eval()
    clip = torch.randn(1, 4, 9, 2, 2, dtype=torch.float64, requires_grad=True)
    convolution(clip)[0, :, 4].sum().backward()
    assert clip.grad.abs().sum((0, 1, 3, 4)).nonzero()[:, 0].tolist() == [4 - dilation, 4, 4 + dilation]


@pytest.mark.parametrize("dilation", [2, 4])
def test_a_dilation_as_long_as_the_clip_reads_single_frames(dilation):
    """What speaks against P5: its stage 4 has 4 frames and dilations of 4."""
    convolution = network._second("full", 4, dilation, dilation)[0]
    assert convolution.padding[0] == dilation
    convolution(torch.randn(1, 4, 4, 3, 3)).sum().backward()
    outer = convolution.weight.grad[:, :, [0, 2]].abs().sum()
    assert (outer == 0) == (dilation == 4)


@pytest.mark.parametrize(
    ("kept", "frames", "expected"),
    [(4, 4, [0, 1, 2, 3]), (2, 4, [0, 1, 1, 1]), (3, 8, [0, 0, 1, 1, 1, 2, 2, 2]), (1, 3, [0, 0, 0])],
)
def test_every_frame_has_a_map_where_the_network_left_some_out(kept, frames, expected):
    features = torch.arange(kept, dtype=torch.float32).view(1, 1, kept, 1, 1).expand(1, 5, kept, 2, 3)
    maps = network.frame_maps(features, frames)
    assert maps.shape == (1, frames, 5, 2, 3) and maps[0, :, 0, 0, 0].tolist() == expected


def test_pooling_is_over_time_and_space():
    features = torch.arange(12.0).view(1, 2, 3, 1, 2)
    assert network.pooled(features).tolist() == [[2.5, 8.5]]


# ---- the card


def test_every_setting_of_this_method_has_a_row_among_the_choices():
    readme = (FOLDER / "README.md").read_text()
    choices = readme[readme.index("## Choices") : readme.index("## Networks that fit the printed cost")]
    own = {one.name for one in dataclasses.fields(Settings)} - {one.name for one in dataclasses.fields(Shared)}
    assert own and own == {name for name in own if f"`{name}" in choices}


def test_every_trained_variant_gets_all_its_weights_from_its_phases():
    for name, variant in load_method(ROOT, "tcnn").variants.items():
        if variant.part or not name.startswith("tiny"):  # at published size it is the same
            continue
        run = Run("demo", "motion-digits", "", "tcnn", name, 0)
        with torch.device("meta"):
            state = model.build(resolve(ROOT, run).typed, LABEL).state_dict()
        globs = [glob for need in weights_of(ROOT, run) for glob in need.phase.trains]
        left = [key for key in state if not any(re.fullmatch(glob.replace("*", ".*"), key) for glob in globs)]
        assert not left, f"{name}: {left[:3]}"


def test_what_a_network_is_built_with_is_of_no_point():
    """Every setting of these sections; and a point with another value of one is refused."""
    sections = [load_module(FOLDER / "settings.py").Network, load_module(FOLDER / "settings.py").Branches]
    inherited = {item.name for section in sections for item in dataclasses.fields(section)}
    assert inherited <= set(model.BUILT)
    chosen = settings()
    built = model.build(chosen, LABEL)
    for name, other in {"original": {"original": False}, "attention_size": {"attention_size": 7}}.items():
        with pytest.raises(SaccadeError, match=f"{name} is .* in the network, which no point can change"):
            model.predict(built, {}, dataclasses.replace(chosen, **other))


# ---- a file of the user's in the place of Kinetics-400


def small(**changes):
    """The card's `tcnn-given`, in small: its tensors have the same names."""
    chosen = resolve(ROOT, Run("paper", "motion-digits", "", "tcnn", "tcnn-given", 0)).typed
    return dataclasses.replace(chosen, network="tiny", **changes)


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    """What `train` leaves where there are 400 classes: the tensors that the card says it trains."""
    torch.manual_seed(0)
    state = model.build(small(), (Head("label", "single", tuple(map(str, range(400)))),)).state_dict()
    file = tmp_path_factory.mktemp("given") / "train.safetensors"
    save_file({name: state[name] for name in covered(state, load_method(ROOT, "tcnn").phases["train"].trains)}, file)
    return file


def taken(file: Path, **changes):
    """The model that the card's import makes of the file on a dataset of three classes."""
    card, chosen = load_method(ROOT, "tcnn"), small(**changes)
    net = model.build(chosen, LABEL)
    rename = partial(phases.import_released, chosen, LABEL)
    drops = card.variants["tcnn-given"].released.drops
    return net, released.load(net, file, rename, card.phases["import"].trains, drops, heads=LABEL)


def test_what_train_leaves_stands_in_for_kinetics_but_for_its_classifier(given):
    net, found = taken(given)
    theirs = load_file(given)
    own = net.backbone.state_dict()
    assert own and all(torch.equal(tensor, theirs[f"backbone.{name}"]) for name, tensor in own.items())
    assert set(found["dropped"]) == {"classifiers.original.label.weight", "classifiers.original.label.bias"}


def test_a_file_without_a_tensor_is_refused_by_its_name(given, tmp_path):
    tensors = load_file(given)
    missing = "backbone.stages.3.0.second.0.weight"
    del tensors[missing]
    save_file(tensors, tmp_path / "less.safetensors")
    with pytest.raises(SaccadeError, match=f"gives nothing for {re.escape(missing)}"):
        taken(tmp_path / "less.safetensors")


def test_a_file_of_another_preset_is_refused_by_what_differs(given):
    with pytest.raises(SaccadeError, match=r"first\.0\.weight is \(8, 3, 1, 3, 3\) there but \(8, 3, 3, 3, 3\)"):
        taken(given, stem="3x3x3")


def test_a_file_with_more_than_a_network_and_its_classifiers_is_refused(given, tmp_path):
    save_file(load_file(given) | {"betas.discriminative": torch.tensor(0.1)}, tmp_path / "more.safetensors")
    with pytest.raises(SaccadeError, match="betas.discriminative"):
        taken(tmp_path / "more.safetensors")


@pytest.mark.parametrize(
    ("variant", "expected"),
    [
        ("tcnn-from-given", ["tcnn-given/import", "tcnn-from-given/train"]),
        (
            "spatial-odc-from-given",
            ["tcnn-given/import", "tcnn-from-given/train", "spatial-odc-from-given/train_jointly"],
        ),
    ],
)
def test_whoever_has_no_kinetics_starts_from_the_file(variant, expected):
    needs = weights_of(ROOT, Run("paper", "motion-digits", "", "tcnn", variant, 0))
    assert [f"{need.run.variant}/{need.phase.name}" for need in needs] == expected
