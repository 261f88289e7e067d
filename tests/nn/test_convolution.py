"""3D convolutions in the forms that a CPU trains faster, held against the plain ones."""

import copy
import itertools

import pytest
import torch
from small_models import built, clip, run_of
from torch import nn

from saccade.cost.count import count
from saccade.nn import convolution
from saccade.nn.convolution import depthwise, form_of, pointwise, quicken, temporal

KINDS = {  # arguments of nn.Conv3d, and the form that it gets
    "depthwise": ((6, 6, 3), {"padding": 1, "groups": 6}, depthwise),
    "depthwise, strided": ((6, 6, 3), {"padding": 1, "groups": 6, "stride": (1, 2, 2), "bias": False}, depthwise),
    "depthwise, not padded": ((6, 6, (1, 3, 2)), {"groups": 6, "stride": (1, 1, 2)}, depthwise),
    "depthwise, long": ((6, 6, (5, 3, 1)), {"padding": (2, 1, 0), "groups": 6, "stride": (1, 3, 2)}, depthwise),
    "temporal": ((6, 4, (3, 1, 1)), {"padding": (1, 0, 0)}, temporal),
    "temporal, strided": ((6, 4, (3, 1, 1)), {"padding": (1, 0, 0), "stride": (2, 1, 1), "bias": False}, temporal),
    "temporal, depthwise": ((6, 6, (5, 1, 1)), {"padding": (2, 0, 0), "groups": 6, "bias": False}, temporal),
    "temporal, dilated": ((6, 4, (3, 1, 1)), {"padding": (4, 0, 0), "dilation": (4, 1, 1)}, temporal),
    "temporal, depthwise, dilated": (
        (6, 6, (3, 1, 1)),
        {"padding": (2, 0, 0), "groups": 6, "dilation": (2, 1, 1)},
        temporal,
    ),
    "pointwise": ((6, 4, 1), {}, pointwise),
    "pointwise, strided": ((6, 4, 1), {"stride": (2, 2, 3)}, pointwise),
}
PLAIN = {
    "over space": ((6, 4, (1, 3, 3)), {"padding": (0, 1, 1)}),
    "strided over space": ((6, 4, (3, 1, 1)), {"padding": (1, 0, 0), "stride": (1, 2, 2)}),
    "padded": ((6, 4, 1), {"padding": 1}),
    "pointwise groups": ((6, 4, 1), {"groups": 2}),
    "two groups": ((6, 6, 3), {"padding": 1, "groups": 2}),
    "frames lost": ((6, 6, 3), {"groups": 6}),
    "frames passed over": ((6, 6, 3), {"padding": 1, "groups": 6, "stride": 2}),
    "dilated": ((6, 6, 3), {"padding": 1, "groups": 6, "dilation": (1, 2, 2)}),
    "circular": ((6, 6, 3), {"padding": 1, "groups": 6, "padding_mode": "circular"}),
    "same": ((6, 6, 3), {"padding": "same", "groups": 6}),
}
SIZES = [(2, 5, 7, 6), (1, 4, 5, 5), (3, 1, 4, 5), (2, 2, 3, 3), (1, 1, 3, 3)]  # B, T, H, W


def results(net: nn.Module, features: torch.Tensor) -> list[torch.Tensor]:
    """The output and all gradients of a sum of it that weighs every number differently."""
    features = features.clone().requires_grad_()
    found = net(features)
    weights = torch.linspace(-1, 1, found.numel(), dtype=found.dtype).view_as(found)
    gradients = torch.autograd.grad((found * weights).sum(), [features, *net.parameters()])
    return [found.detach(), *gradients]


@pytest.mark.parametrize("kind", KINDS)
def test_values_and_gradients_are_those_of_the_plain_form(kind):
    arguments, rest, form = KINDS[kind]
    torch.manual_seed(0)
    plain = nn.Conv3d(*arguments, **rest)
    assert form_of(plain) is form
    for size, dtype, last in itertools.product(SIZES, (torch.float64, torch.float32), (True, False)):
        batch, *lengths = size
        layout = torch.channels_last_3d if last else torch.contiguous_format
        features = torch.randn(batch, plain.in_channels, *lengths, dtype=dtype).contiguous(memory_format=layout)
        plain.to(dtype)
        ours = quicken(copy.deepcopy(plain))
        precision = {"rtol": 1e-12, "atol": 1e-12} if dtype == torch.float64 else {"rtol": 1e-5, "atol": 1e-5}
        for expected, found in zip(results(plain, features), results(ours, features), strict=True):
            torch.testing.assert_close(found, expected, **precision)


@pytest.mark.parametrize("kind", PLAIN)
def test_a_convolution_that_no_form_fits_stays(kind):
    arguments, rest = PLAIN[kind]
    plain = nn.Conv3d(*arguments, **rest)
    assert form_of(plain) is None and "forward" not in vars(quicken(plain))


def test_only_what_the_gradient_needs_is_computed():
    net = quicken(nn.Conv3d(6, 6, 3, padding=1, groups=6))
    net.weight.requires_grad_(False)
    features = torch.randn(1, 6, 3, 4, 4, requires_grad=True)
    net(features).sum().backward()
    assert net.weight.grad is None and features.grad is not None and net.bias.grad is not None


def test_without_gradients_the_plain_form_computes(monkeypatch):
    def refuse(*_):
        raise AssertionError("not in training")

    monkeypatch.setattr(convolution, "pointwise", refuse)
    net = quicken(nn.Sequential(nn.Conv3d(6, 4, 1)))
    features = torch.randn(1, 6, 2, 3, 3)
    with pytest.raises(AssertionError):
        net(features)
    with torch.no_grad():
        net(features)
    with torch.autocast("cpu", torch.bfloat16):
        assert net(features).dtype == torch.bfloat16
    net.requires_grad_(False)(features)


@pytest.mark.parametrize("kind", KINDS)
def test_as_many_multiply_adds_are_counted(kind):
    arguments, rest, _ = KINDS[kind]
    plain, features = nn.Conv3d(*arguments, **rest), torch.randn(2, 6, 5, 7, 6)
    assert count(quicken(copy.deepcopy(plain)), features).macs == count(plain, features).macs > 0


@pytest.mark.parametrize("variant", ["x3d-tiny", "slowfast-tiny"])
def test_a_network_learns_the_same(variant):
    """All parts together, in double precision, and a copy computes with its own weights."""
    plain, settings = built(run_of("atfr", variant))
    plain.train()
    torch.manual_seed(0)
    for norm in plain.modules():
        if isinstance(norm, nn.BatchNorm3d):
            nn.init.uniform_(norm.weight, 0.5, 1.5)
    plain = plain.double()
    ours = copy.deepcopy(quicken(copy.deepcopy(plain)))
    batch = clip(settings, 2)
    batch["rgb"] = batch["rgb"].double()
    found = []
    for net in (plain, ours):
        torch.manual_seed(1)  # dropout
        sum(scores.square().sum() for scores in net(batch).values()).backward()
        found.append({name: parameter.grad for name, parameter in net.named_parameters()})
    for name, expected in found[0].items():
        torch.testing.assert_close(found[1][name], expected, rtol=1e-6, atol=1e-9, msg=name)
