"""The hallucinator of Mac et al. and its measure, against other implementations."""

import math

import pytest
import torch
from conftest import ROOT

from saccade.project import load_module

hallucinator = load_module(ROOT / "methods/mac/networks/hallucinator.py")


def maps(*shape):
    return torch.rand(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def ssim_by_loops(first, second):
    """As Wang et al. (2004) define it, a cell at a time: weights exp(-d^2 / 2 sigma^2), zeros outside."""
    channels, height, width = first.shape
    total = 0.0
    weights = {(r, c): math.exp(-(r * r + c * c) / (2 * 1.5**2)) for r in (-1, 0, 1) for c in (-1, 0, 1)}
    whole = sum(weights.values())
    for channel in range(channels):
        for row in range(height):
            for column in range(width):
                near = []
                for (down, right), weight in weights.items():
                    r, c = row + down, column + right
                    there = 0 <= r < height and 0 <= c < width
                    pair = (first[channel, r, c].item(), second[channel, r, c].item()) if there else (0.0, 0.0)
                    near.append((weight / whole, *pair))
                mx, my = sum(w * x for w, x, _ in near), sum(w * y for w, _, y in near)
                vx, vy = sum(w * (x - mx) ** 2 for w, x, _ in near), sum(w * (y - my) ** 2 for w, _, y in near)
                both = sum(w * (x - mx) * (y - my) for w, x, y in near)
                total += (2 * mx * my + 1e-4) * (2 * both + 9e-4) / ((mx**2 + my**2 + 1e-4) * (vx + vy + 9e-4))
    return total / (channels * height * width)


def test_similarity_is_ssim_as_defined():
    first, second = maps(2, 3, 4, 5), maps(2, 3, 4, 5).flip(0, 3)
    expected = [ssim_by_loops(one, other) for one, other in zip(first, second, strict=True)]
    assert hallucinator.similarity(first, second).tolist() == pytest.approx(expected, abs=1e-12)


def test_similarity_keeps_leading_axes_and_is_one_of_equals():
    found = hallucinator.similarity(maps(2, 3, 4, 5, 5), maps(2, 3, 4, 5, 5))
    assert found.shape == (2, 3)
    assert found.flatten().tolist() == pytest.approx([1.0] * 6)
    assert (hallucinator.similarity(maps(2, 3, 4, 5, 5), maps(2, 3, 4, 5, 5).flip(4)) < 0.9).all()


def test_the_hallucinator_has_the_papers_size():
    """92,480 parameters with 32 channels and a memory of 32."""
    network = hallucinator.Hallucinator(32, 32)
    assert sum(value.numel() for value in network.parameters()) == 92_480


def lstm_by_hand(network, frames):
    """The cell's equations on maps of one cell, where a 3 x 3 convolution reads its middle alone."""

    def linear(convolution, x):
        return convolution.weight[:, :, 1, 1] @ x + convolution.bias

    def normalised(norm, x):
        return (x - norm.running_mean) / (norm.running_var + norm.eps).sqrt() * norm.weight + norm.bias

    hidden = network.gates.out_channels // 4
    given, kept, found = torch.zeros(hidden), torch.zeros(hidden), []
    for frame in frames:
        seen = normalised(network.encoder[1], linear(network.encoder[0], frame)).relu()
        enter, forget, leave, new = linear(network.gates, torch.cat([seen, given])).view(4, hidden)
        kept = forget.sigmoid() * kept + enter.sigmoid() * new.tanh()
        given = leave.sigmoid() * kept.tanh()
        found.append(normalised(network.decoder[1], linear(network.decoder[0], given.relu())).relu())
    return torch.stack(found)


@torch.no_grad()
def test_the_cell_is_an_lstm():
    network = hallucinator.Hallucinator(3, 5).eval()
    for norm in (network.encoder[1], network.decoder[1]):
        norm.running_mean.normal_()
        norm.running_var.uniform_(0.5, 2)
    frames = torch.randn(4, 3)
    found = network.through(frames[None, :, :, None, None], [False] * 4)[0, ..., 0, 0]
    torch.testing.assert_close(found, lstm_by_hand(network, frames))


@torch.no_grad()
def test_what_was_expected_takes_the_place_of_what_was_seen():
    """Behind frame 2 only the cell's own expectation is fed: what is seen of frames 3 and 4 changes nothing."""
    network = hallucinator.Hallucinator(2, 3).eval()
    seen = torch.rand(1, 4, 2, 5, 5)
    own = [False, False, True, True]
    found = network.through(seen, own)
    other = torch.cat([seen[:, :2], torch.rand(1, 2, 2, 5, 5)], 1)
    assert network.through(other, own).equal(found)
    assert not network.through(other, [False] * 4).equal(network.through(seen, [False] * 4))
    first, state = network(seen[:, 0])
    second, state = network(seen[:, 1], state)
    third, _ = network(second, state)
    torch.testing.assert_close(found[:, :3], torch.stack([first, second, third], 1))
