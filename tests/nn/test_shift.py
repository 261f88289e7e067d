"""The temporal shift moves the channels that the paper says, in the places that it says, and nothing else."""

import copy

import pytest
import torch
from torch import nn
from torchvision.models.mobilenetv2 import InvertedResidual

from saccade.cost.count import count
from saccade.nn.backbones import backbone
from saccade.nn.shift import TemporalShift, shift, shifted_convolutions
from saccade.records import SaccadeError


def test_a_quarter_of_the_channels_moves_by_hand():
    """Two videos of three frames with eight channels; the value is 100 video + 10 frame + channel."""
    videos, frames, channels = torch.meshgrid(torch.arange(1, 3), torch.arange(1, 4), torch.arange(8), indexing="ij")
    features = (100 * videos + 10 * frames + channels).float().flatten(0, 1)[:, :, None, None]
    moved = shift(features, num_frames=3)[:, :, 0, 0].unflatten(0, (2, 3))
    assert moved[0, :, 0].tolist() == [120, 130, 0]  # from the next frame
    assert moved[0, :, 1].tolist() == [0, 111, 121]  # from the frame before
    assert moved[1, :, 0].tolist() == [220, 230, 0]
    assert torch.equal(moved[..., 2:], (100 * videos + 10 * frames + channels).float()[..., 2:])


def test_one_frame_has_no_neighbours():
    features = torch.randn(5, 16, 2, 2)
    moved = shift(features, num_frames=1)
    assert moved[:, :4].eq(0).all()
    assert torch.equal(moved[:, 4:], features[:, 4:])


@pytest.mark.parametrize(("name", "places"), [("resnet18", 8), ("resnet50", 16), ("mobilenet_v2", 10)])
@pytest.mark.parametrize("width", [1.0, 0.25])
def test_as_many_places_are_shifted_as_in_the_published_networks(name, places, width):
    with torch.device("meta"):
        network = backbone(name, width=width)[0]
    assert len(shifted_convolutions(network)) == places


def test_resnet_is_shifted_before_the_first_convolution_of_every_block():
    with torch.device("meta"):
        network = backbone("resnet50")[0]
    names = {module: name for name, module in network.named_modules()}
    blocks = [3, 4, 6, 3]
    wanted = [f"layer{stage}.{block}.conv1" for stage, number in enumerate(blocks, 1) for block in range(number)]
    assert [names[convolution] for convolution in shifted_convolutions(network)] == wanted


def test_mobilenet_is_shifted_before_the_expansion_of_the_blocks_that_have_a_shortcut():
    """At a quarter of the width the first block has a shortcut too, but no expansion."""
    with torch.device("meta"):
        network = backbone("mobilenet_v2", width=0.25)[0]
    blocks = [module for module in network.modules() if isinstance(module, InvertedResidual)]
    assert blocks[0].use_res_connect
    assert [id(block.conv[0]) for block in blocks[1:] if block.use_res_connect] == [
        id(c) for c in shifted_convolutions(network)
    ]


def test_a_network_without_residual_branches_is_refused():
    with pytest.raises(SaccadeError, match="Sequential has no residual branch to shift"):
        TemporalShift(nn.Sequential(nn.Conv2d(3, 8, 3)))


@torch.inference_mode()
def test_only_the_branch_is_shifted_and_not_the_shortcut():
    """With the last normalisation of every branch silent, blocks without down-sampling pass on what they get: nothing
    has moved."""
    torch.manual_seed(0)
    network = backbone("resnet18", width=0.25)[0].eval()
    for stage in (network.layer1, network.layer2, network.layer3, network.layer4):
        for block in stage:
            nn.init.zeros_(block.bn2.weight)
    clip = torch.randn(1, 3, 3, 32, 32)
    alone = copy.deepcopy(network)(clip[0])
    assert torch.equal(TemporalShift(network)(clip)[0], alone)


@pytest.mark.parametrize("name", ["resnet18", "resnet50", "mobilenet_v2"])
def test_the_shift_multiplies_nothing(name):
    with torch.device("meta"):
        network, _ = backbone(name)
        plain = count(network.eval(), torch.empty(8, 3, 224, 224)).macs
        assert count(TemporalShift(network).eval(), torch.empty(1, 8, 3, 224, 224)).macs == plain


@pytest.fixture
def tiny():
    torch.manual_seed(0)
    return TemporalShift(backbone("resnet18", width=0.25)[0]).eval()


@torch.inference_mode()
def test_a_frame_sees_its_neighbours_in_its_own_video_only(tiny):
    clip = torch.randn(2, 4, 3, 32, 32)
    together = tiny(clip)
    torch.testing.assert_close(tiny(clip[1:])[0], together[1])
    other = clip.clone()
    other[0, 3] += 1
    assert not torch.allclose(tiny(other)[0, 2], together[0, 2])
    torch.testing.assert_close(tiny(other)[1], together[1])


@torch.inference_mode()
def test_any_number_of_frames_goes_one_after_the_other(tiny):
    clip = torch.randn(1, 6, 3, 32, 32)
    first = tiny(clip)
    assert tiny(clip[:, :3]).shape == (1, 3, 128)
    assert torch.equal(tiny(clip), first)


@torch.inference_mode()
def test_a_copy_shifts_by_its_own_clip(tiny):
    clip = torch.randn(1, 4, 3, 32, 32)
    wanted, other = tiny(clip), copy.deepcopy(tiny)
    tiny(clip[:, :2])
    assert torch.equal(other(clip), wanted)
    assert {hook.__self__ for module in other.modules() for hook in module._forward_pre_hooks.values()} == {other}


def test_pretrained_weights_keep_their_names(tiny):
    assert set(tiny.network.state_dict()) == set(backbone("resnet18", width=0.25)[0].state_dict())
