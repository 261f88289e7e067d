"""Exact optimisations: every method's smallest variant and every full-size backbone gives the same, for the same
multiply-adds."""

import copy

import pytest
import torch
from conftest import ROOT
from small_models import built, clip, one, smallest
from torch import nn

from saccade.cost.count import count
from saccade.cost.forward import forward_macs
from saccade.engine.device import LAYOUTS
from saccade.nn.backbones import BUILDERS, backbone, trunk
from saccade.nn.san import SAN
from saccade.nn.shift import TemporalShift
from saccade.project import load_module, names
from saccade.timing import optimise, packed
from saccade.timing.packed import ACTIVATIONS, Packed


def unsettle(model):
    """Statistics and scales as training leaves them: at their start, folding could be wrong and nobody would see it."""
    generator = torch.Generator().manual_seed(1)
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.running_mean.copy_(torch.randn(module.num_features, generator=generator) * 0.1)
            module.running_var.copy_(torch.rand(module.num_features, generator=generator) + 0.5)
            module.weight.data.copy_(torch.rand(module.num_features, generator=generator) + 0.5)
            module.bias.data.copy_(torch.randn(module.num_features, generator=generator) * 0.1)
        elif isinstance(module, nn.Linear) and module.weight.std() < 0.01:  # starts near 0, where all answers are alike
            module.weight.data.copy_(torch.randn(module.weight.shape, generator=generator) * 0.1)
    return model


def norms(model):
    return sum(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in model.modules())


@pytest.mark.parametrize("name", names(ROOT, "methods"))
def test_a_method_predicts_the_same_for_the_same_multiply_adds(name):
    run = smallest(name)
    plain, settings = built(run)
    unsettle(plain)
    quick = copy.deepcopy(plain)
    assert optimise.optimise(quick) == norms(plain) - norms(quick) > 0
    assert not norms(quick) or any(isinstance(part, SAN) for part in quick.modules())  # SAN normalises before it adds
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


@pytest.mark.parametrize("name", [name for name in BUILDERS if not name.startswith("san")])
@torch.inference_mode()
def test_a_full_size_backbone_gives_the_same_features_and_keeps_no_normalisation(name):
    torch.manual_seed(0)
    plain = unsettle(backbone(name)[0].eval())
    quick = copy.deepcopy(plain)
    assert optimise.optimise(quick) == norms(plain) and norms(quick) == 0
    x = torch.randn(1, 3, 96, 96)
    expected = plain(x)
    torch.testing.assert_close(quick(x), expected, rtol=1e-3, atol=1e-4 * float(expected.abs().max()))


@torch.inference_mode()
def test_a_network_that_normalises_before_it_adds_gives_the_same_features():
    """SAN's normalisations stand before the convolutions, so most of them stay."""
    torch.manual_seed(0)
    plain = unsettle(backbone("san-tiny")[0].eval())
    quick = copy.deepcopy(plain)
    assert optimise.optimise(quick) == norms(plain) - norms(quick) > 0
    x = torch.randn(2, 3, 48, 48)
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


def layer(kernel, stride=1, dilation=(1, 1, 1), depthwise=False, bias=True):
    kind, dilation = nn.Conv2d if len(kernel) == 2 else nn.Conv3d, dilation[-len(kernel) :]
    padding = tuple(apart * (size // 2) for size, apart in zip(kernel, dilation, strict=True))
    return kind(6, 6, kernel, stride, padding, dilation, groups=6 if depthwise else 1, bias=bias)


@pytest.mark.parametrize("activation", [None, *ACTIVATIONS], ids=lambda kind: getattr(kind, "__name__", "none"))
@pytest.mark.parametrize(
    ("kernel", "others"),
    [
        ((1, 1), {}),
        ((3, 3), {"stride": 2, "bias": False}),
        ((3, 3), {"depthwise": True}),
        ((1, 1, 1), {}),
        ((1, 3, 3), {"stride": (1, 2, 2)}),
        ((5, 1, 1), {"depthwise": True, "bias": False}),
        ((3, 1, 1), {"depthwise": True, "dilation": (2, 1, 1)}),
        ((3, 1, 1), {"dilation": (4, 1, 1), "stride": (2, 1, 1)}),
        ((3, 1, 1), {"stride": (1, 2, 1)}),
        ((3, 3, 3), {"depthwise": True, "dilation": (1, 2, 1)}),
    ],
    ids=str,
)
@torch.inference_mode()
def test_a_packed_convolution_gives_the_same_at_any_batch_and_length(kernel, others, activation):
    torch.manual_seed(0)
    plain = nn.Sequential(layer(kernel, **others), *([activation()] if activation else [])).eval()
    quick = copy.deepcopy(plain)
    optimise.optimise(quick)
    assert isinstance(quick[0].forward, Packed)
    for sizes in ((1, 5, 9, 7), (3, 5, 9, 7), (1, 1, 4, 4)):
        x = 4 * torch.randn(sizes[0], 6, *sizes[-len(kernel) :])
        found = quick(x)
        torch.testing.assert_close(found, plain(x), rtol=0, atol=1e-5)
        assert found.is_contiguous(memory_format=LAYOUTS[x.ndim])
        assert list(found.stride()) == list(found.clone(memory_format=LAYOUTS[x.ndim]).stride())  # or pooling is slow
    counted, priced = count(quick, x), count(plain, x)
    assert counted.macs == priced.macs == forward_macs(quick, x.shape[1:]) * len(x) > 0


@torch.inference_mode()
def test_an_activation_that_others_read_or_that_is_used_again_stays_apart():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second, self.third = (nn.Conv2d(3, 3, 1) for _ in range(3))
            self.shared, self.own = nn.ReLU(), nn.ReLU()

        def forward(self, x):
            x = self.shared(self.first(x))
            x = self.second(x)
            return self.shared(self.third(x)) + self.own(x) + x

    plain = Twice().eval()
    quick = copy.deepcopy(plain)
    optimise.optimise(quick)
    assert all(isinstance(part, nn.ReLU) for part in (quick.shared, quick.own))
    x = torch.randn(2, 3, 4, 4)
    torch.testing.assert_close(quick(x), plain(x))
    for place in (0, 1):
        watched = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Identity(), nn.ReLU()).eval()
        watched[place].register_forward_hook(lambda module, inputs, output: -output)
        expected = watched(x)
        optimise.optimise(watched)
        torch.testing.assert_close(watched(x), expected)


@pytest.mark.parametrize("kind", [nn.Conv2d, nn.Conv3d])
@torch.inference_mode()
def test_a_packed_convolution_takes_what_the_plain_one_takes(kind):
    """No batch, and no video at all."""
    plain = nn.Sequential(kind(3, 4, 3), nn.ReLU()).eval()
    quick = copy.deepcopy(plain)
    optimise.optimise(quick)
    x = torch.randn(2, 3, 5, 5, 5)[(..., 0) if kind is nn.Conv2d else ...]
    for given in (x[0], x[:0], x):
        torch.testing.assert_close(quick(given), plain(given))


@pytest.mark.parametrize(
    "lacks",
    [
        lambda patch: patch.setattr(torch.backends.mkldnn, "is_available", lambda: False),
        lambda patch: patch.setattr(packed, "LAY_OUT", None),
        lambda patch: patch.setattr(packed, "CONVOLVE", torch.ops.mkldnn._convolution_transpose_pointwise),
    ],
    ids=["oneDNN", "an operator", "one that takes the same"],
)
@torch.inference_mode()
def test_without_onednn_as_we_know_it_a_model_keeps_its_convolutions(lacks, monkeypatch):
    lacks(monkeypatch)
    packed.there.cache_clear()
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU())
    optimise.optimise(network)
    packed.there.cache_clear()
    assert "forward" not in vars(network[0]) and isinstance(network[1], nn.ReLU)


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
