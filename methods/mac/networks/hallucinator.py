"""What attention will be (Sec. III-C): the hallucinator, and how alike two attention maps are."""

from collections.abc import Sequence
from math import prod

import torch
from torch import Tensor, nn
from torch.nn import functional

WINDOW, DEVIATION = 3, 1.5  # of SSIM's Gaussian window, in cells (official code; the paper names SSIM alone)
SMALL = (0.01**2, 0.03**2)  # what steadies SSIM's quotients where the values' range is 1

State = tuple[Tensor, ...]  # of the recurrent cell: what it gives on, and what it keeps; () of what needs none


class Hallucinator(nn.Module):
    """A convolutional LSTM of one layer between two convolutions (Sec. IV-A). Normalisations and activations are the
    official code's: behind either convolution, and a ReLU behind the cell."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.encoder = _convolution(channels, hidden)
        self.gates = nn.Conv2d(2 * hidden, 4 * hidden, 3, padding=1)
        self.decoder = _convolution(hidden, channels)

    def forward(self, attention: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Of attention (B, C, h, w), and what came before it: the attention (B, C, h, w) that the next frame seen is
        expected to have, and the new state (two of (B, hidden, h, w)). Without a state it starts from zeros."""
        seen = self.encoder(attention)
        given, kept = state or (torch.zeros_like(seen), torch.zeros_like(seen))
        enter, forget, leave, new = self.gates(torch.cat([seen, given], 1)).chunk(4, 1)
        kept = forget.sigmoid() * kept + enter.sigmoid() * new.tanh()
        given = leave.sigmoid() * kept.tanh()
        return self.decoder(given.relu()), (given, kept)

    def through(self, attention: Tensor, own: Sequence[bool]) -> Tensor:
        """(B, T, C, h, w) to what was expected of frames 2 to T, (B, T - 1, C, h, w). `own`: for each of the frames 1
        to T - 1 whether the cell is fed what it expected there, in place of what was seen."""
        state, expected = None, []
        for number, dreams in enumerate(own):
            fed = expected[-1] if dreams else attention[:, number]
            found, state = self(fed, state)
            expected.append(found)
        return torch.stack(expected, 1)


def _convolution(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU())


def similarity(first: Tensor, second: Tensor) -> Tensor:
    """SSIM of maps (..., C, h, w), the mean over channels and cells: (...). A Gaussian window of 3 x 3 cells, zeros
    beyond the border, a range of 1 though attention isn't scaled to it, variances not corrected for the window's size
    (official code)."""
    shape, size = first.shape[:-3], first.shape[-2:]
    exact = torch.promote_types(torch.promote_types(first.dtype, second.dtype), torch.float32)
    x, y = (maps.to(exact).reshape(-1, 1, *size) for maps in (first, second))
    with torch.autocast(first.device.type, enabled=False):  # differences of squares would lose what they say
        mean_x, mean_y, xx, yy, xy = (_blurred(maps) for maps in (x, y, x * x, y * y, x * y))
    var_x, var_y, both = xx - mean_x**2, yy - mean_y**2, xy - mean_x * mean_y
    levels = (2 * mean_x * mean_y + SMALL[0]) / (mean_x**2 + mean_y**2 + SMALL[0])
    structures = (2 * both + SMALL[1]) / (var_x + var_y + SMALL[1])
    return (levels * structures).view(*shape, -1).mean(-1)


def similarity_macs(size: Sequence[int]) -> int:
    """Of two maps of `size` (C, h, w): the five windowed means."""
    return 5 * WINDOW**2 * prod(size)


def _blurred(maps: Tensor) -> Tensor:
    along = torch.exp(-((torch.arange(WINDOW, device=maps.device) - WINDOW // 2).double() ** 2) / (2 * DEVIATION**2))
    window = torch.outer(along, along) / along.sum() ** 2
    return functional.conv2d(maps, window.to(maps.dtype)[None, None], padding=WINDOW // 2)
