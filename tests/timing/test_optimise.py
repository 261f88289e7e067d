"""Exact optimisations: every method's smallest variant and every full-size backbone gives the same, for the same
multiply-adds."""

import copy

import pytest
import torch
from conftest import ROOT
from small_models import built, clip, one, smallest
from torch import nn

from saccade.cost.count import count
from saccade.nn.backbones import BUILDERS, backbone, trunk
from saccade.nn.shift import TemporalShift
from saccade.project import load_module, names
from saccade.timing import optimise


def unsettle(model):
    """Statistics and scales as training leaves them: at their start, folding could be wrong and nobody would see it."""
    generator = torch.Generator().manual_seed(1)
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.running_mean.copy_(torch.randn(module.num_features, generator=generator) * 0.1)
            module.running_var.copy_(torch.rand(module.num_features, generator=generator) + 0.5)
            module.weight.data.copy_(torch.rand(module.num_features, generator=generator) + 0.5)
            module.bias.data.copy_(torch.randn(module.num_features, generator=generator) * 0.1)
    return model


def norms(model):
    return sum(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in model.modules())


@pytest.mark.parametrize("name", names(ROOT, "methods"))
def test_a_method_predicts_the_same_for_the_same_multiply_adds(name):
    run = smallest(name)
    plain, settings = built(run)
    unsettle(plain)
    quick = copy.deepcopy(plain)
    assert optimise.optimise(quick) == norms(plain) > 0 == norms(quick)
    predict = load_module(ROOT / "methods" / run.method / "model.py").predict
    batch = optimise.lay_out(clip(settings, 3), torch.device("cpu"))
    before, after = (optimise.infer(predict, model, batch, settings) for model in (plain, quick))
    for head, probabilities in before.probabilities.items():
        torch.testing.assert_close(after.probabilities[head], probabilities, rtol=0, atol=1e-5)
        # or the comparison would see nothing
        assert not torch.allclose(probabilities[0], probabilities[1], rtol=0, atol=1e-4)
    assert torch.equal(before.macs, after.macs) and before.decisions == after.decisions
    executed = count(optimise.infer, predict, quick, one(batch, 0), settings)
    assert executed.macs == after.macs[0]


@pytest.mark.parametrize("name", list(BUILDERS))
@torch.inference_mode()
def test_a_full_size_backbone_gives_the_same_features_and_keeps_no_normalisation(name):
    torch.manual_seed(0)
    plain = unsettle(backbone(name)[0].eval())
    quick = copy.deepcopy(plain)
    assert optimise.optimise(quick) == norms(plain) and norms(quick) == 0
    x = torch.randn(1, 3, 96, 96)
    expected = plain(x)
    torch.testing.assert_close(quick(x), expected, rtol=1e-3, atol=1e-4 * float(expected.abs().max()))


class Chooses(nn.Module):
    """Can't be traced as a whole: what it computes depends on what it sees."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv3d(3, 4, 3), nn.BatchNorm3d(4), nn.ReLU())
        self.conv, self.first, self.second = nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4), nn.BatchNorm2d(4)
        self.shared = nn.Conv2d(4, 4, 1)
        self.tail = nn.Sequential(self.shared, nn.BatchNorm2d(4), self.shared, nn.BatchNorm2d(4))

    def forward(self, x):
        x = self.stem(x).mean(2)
        x = self.first(self.conv(x)) if x.mean() > 0 else self.second(self.conv(x))
        return self.tail(x)


@torch.inference_mode()
def test_only_what_the_data_flow_proves_is_folded():
    torch.manual_seed(0)
    plain = unsettle(Chooses().eval())
    quick = copy.deepcopy(plain)
    assert list(optimise.foldable(plain)) == [("stem.0", "stem.1")]
    optimise.optimise(quick)
    x = torch.randn(2, 3, 5, 8, 8)
    torch.testing.assert_close(quick(x), plain(x))


@torch.inference_mode()
def test_a_convolution_whose_output_is_read_twice_is_left_alone():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.norm = nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)

        def forward(self, x):
            x = self.conv(x)
            return self.norm(x) + x

    assert list(optimise.foldable(Twice().eval())) == []


@torch.inference_mode()
def test_hooks_before_a_convolution_stay_and_hooks_between_forbid_folding():
    def doubled(module, inputs):
        return (2 * inputs[0],)

    kept = unsettle(nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)).eval())
    kept[0].register_forward_pre_hook(doubled)
    x = torch.randn(1, 3, 4, 4)
    expected = kept(x)
    assert optimise.optimise(kept) == 1
    torch.testing.assert_close(kept(x), expected)
    watched = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)).eval()
    watched[0].register_forward_hook(lambda module, inputs, output: 2 * output)
    assert list(optimise.foldable(watched)) == []


@torch.inference_mode()
def test_a_depthwise_network_computes_few_frames_at_once_and_gives_the_same():
    torch.manual_seed(0)
    network = unsettle(trunk("mobilenet_v2", 0.25)[0].eval())
    frames = torch.randn(5, 3, 64, 64)
    expected, seen = network(frames), []
    optimise.optimise(network)
    network.features[0].register_forward_hook(lambda module, inputs, output: seen.append(len(output)))
    torch.testing.assert_close(network(frames), expected, rtol=1e-4, atol=1e-5)
    assert seen == [2, 2, 1]


@torch.inference_mode()
def test_frames_that_see_their_neighbours_stay_together():
    torch.manual_seed(0)
    shifted = TemporalShift(trunk("mobilenet_v2", 0.25)[0]).eval()
    clips = torch.randn(2, 4, 3, 64, 64)
    expected = shifted(clips)
    optimise.optimise(shifted)
    torch.testing.assert_close(shifted(clips), expected, rtol=1e-4, atol=1e-5)


def test_pictures_are_laid_out_without_changing():
    batch = clip(built(smallest("tsn"), on="meta")[1], 2)
    laid = optimise.lay_out(batch, torch.device("cpu"))
    assert torch.equal(laid["rgb"], batch["rgb"])
    assert laid["rgb"].flatten(0, 1).is_contiguous(memory_format=torch.channels_last)
