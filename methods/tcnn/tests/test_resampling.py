"""The resampler beside its published form, and by hand."""

import math

import pytest
import torch
from conftest import ROOT
from torch.nn import functional

from saccade.project import load_module

attention = load_module(ROOT / "methods/tcnn/networks/attention.py")
resampling = load_module(ROOT / "methods/tcnn/networks/resampling.py")
settings_py = load_module(ROOT / "methods/tcnn/settings.py")

SIDE, WIDTH = 31, 13.0


def published(saliency):
    """Recasens et al.'s form, and S3N's: a convolution of 61 x 61 over a grid with 30 more cells on each side, of the
    saliency and of the saliency times the places."""
    ring = SIDE - 1
    apart = torch.arange(-ring, ring + 1, dtype=torch.float64)
    kernel = torch.exp(-4 * math.log(2) * (apart[:, None] ** 2 + apart[None, :] ** 2) / WIDTH**2)[None, None]
    padded = functional.pad(saliency.double()[:, None], (ring,) * 4, mode="replicate")
    place = torch.arange(-ring, SIDE + ring, dtype=torch.float64) / (SIDE - 1)
    weight = functional.conv2d(padded, kernel)
    x = functional.conv2d(padded * place[None, None, None, :], kernel) / weight
    y = functional.conv2d(padded * place[None, None, :, None], kernel) / weight
    return (2 * torch.cat([x, y], 1).movedim(1, -1) - 1).clamp(-1, 1)


def test_it_is_the_published_convolution():
    saliency = torch.rand(3, SIDE, SIDE, generator=torch.Generator().manual_seed(0)) ** 4 + 0.05
    found = resampling.Resampler(SIDE, WIDTH)(saliency)
    torch.testing.assert_close(found, published(saliency).float(), rtol=0, atol=2e-6)


@pytest.mark.parametrize("side", [31, 12])
def test_even_attention_gives_every_pixel_itself(side):
    grid = resampling.Resampler(side, WIDTH)(torch.full((1, side, side), 0.09))
    even = functional.affine_grid(torch.eye(2, 3)[None], [1, 1, side, side], align_corners=True)
    assert (grid - even).abs().max() < 1e-6
    frames = torch.rand(1, 3, 48, 64, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(resampling.resample(frames, grid), frames, rtol=0, atol=1e-4)


def test_a_coordinate_by_hand():
    """On a grid of 3 whose middle column weighs 3 and the others 1, k of half its height one cell away: where the first
    column looks, the columns from -2 to 4 count, those outside as the edges."""
    saliency = torch.tensor([1.0, 3.0, 1.0]).expand(1, 3, 3)
    grid = resampling.Resampler(3, 2.0)(saliency)
    kernel = [2.0 ** -(apart**2) for apart in (-2, -1, 0, 1, 2)]
    weights = [k * a for k, a in zip(kernel, (1, 1, 1, 3, 1), strict=True)]
    x = sum(w * place for w, place in zip(weights, (-1, -0.5, 0, 0.5, 1), strict=True)) / sum(weights)
    assert grid[0, 1, 0, 0] == pytest.approx(2 * x - 1, abs=1e-6)
    assert grid[0, :, 1, 0].tolist() == pytest.approx([0] * 3, abs=1e-6)
    assert grid[0, :, 0, 1].tolist() == pytest.approx([-1, 0, 1], abs=1e-6)


def test_a_bright_spot_is_magnified():
    """Of a spot of 16 pixels, on which the attention lies, three times as many pixels show it."""
    frame = torch.zeros(1, 1, 96, 96)
    frame[..., 28:44, 52:68] = 1
    rules = settings_py.Attention()
    row, column = (round(middle / 96 * (SIDE - 1)) for middle in (36, 60))
    peak = attention.Peaks(torch.tensor([0]), torch.tensor([[row, column]]), torch.ones(1), torch.tensor([True]))
    wanted = attention.attention_of(peak, "discriminative", torch.tensor(0.09), 1, rules)
    shown = resampling.resample(frame, resampling.Resampler(SIDE, WIDTH)(wanted))
    assert 2.5 < float(shown.sum() / frame.sum()) < 4.5
    middle = [float((shown[0, 0].sum(1 - axis) * torch.arange(96)).sum() / shown.sum()) for axis in (0, 1)]
    assert middle == pytest.approx([36, 60], abs=8)  # it grows where it is


def test_gradients_reach_beta():
    """Through the grid, as finite differences have them, on a picture whose bilinear reading has no kinks."""
    along = torch.linspace(0, 1, 24, dtype=torch.float64)
    frame = torch.stack([along[:, None] * along, along.expand(24, 24)])[None]
    rules, resampler = settings_py.Attention(), resampling.Resampler(SIDE, WIDTH).double()
    row = torch.tensor([[8, 20], [22, 9]])
    both = [
        attention.Peaks(torch.zeros(2).long(), row, torch.tensor([1.0, 0.6]).double(), torch.tensor([first] * 2))
        for first in (True, False)
    ]
    weights = torch.rand(2, 24, 24, generator=torch.Generator().manual_seed(1)).double()

    def seen(beta, peaks, wanted):
        grid = resampler(attention.attention_of(peaks, wanted, beta, 1, rules))
        return (resampling.resample(frame, grid) * weights).sum()

    for peaks, wanted, start in zip(both, ("discriminative", "complementary"), (0.09, 0.3), strict=True):
        beta = torch.tensor(start, dtype=torch.float64, requires_grad=True)
        seen(beta, peaks, wanted).backward()
        step = 1e-6
        with torch.no_grad():
            slope = (seen(beta + step, peaks, wanted) - seen(beta - step, peaks, wanted)) / (2 * step)
        assert abs(float(slope)) > 1e-3
        assert float(beta.grad) == pytest.approx(float(slope), rel=1e-3), wanted
