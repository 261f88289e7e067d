"""The map of a frame is what a loop over all positions and their windows adds up to."""

from pathlib import Path

import pytest
import torch

from saccade.project import load_module

attention = load_module(Path(__file__).parents[1] / "networks/attention.py")


def weights(*shape):
    """Random softmax weights (N, G, F*F, H, W)."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(0)).softmax(2)


@pytest.mark.parametrize(("height", "width", "footprint"), [(7, 7, 7), (5, 6, 3), (6, 5, 5), (3, 2, 7), (1, 1, 3)])
def test_a_loop_over_positions_and_their_windows_adds_up_to_the_same(height, width, footprint):
    given, reach = weights(2, 3, footprint**2, height, width), footprint // 2
    expected = torch.zeros(2, 3, height, width)
    for row in range(height):
        for column in range(width):
            for offset in range(footprint**2):
                down, across = row + offset // footprint - reach, column + offset % footprint - reach
                if 0 <= down < height and 0 <= across < width:
                    expected[:, :, down, across] += given[:, :, offset, row, column]
    torch.testing.assert_close(attention.cumulative(given), expected)


def test_alike_weights_on_seven_by_seven_by_hand():
    """A window of 7 x 7 around the middle holds every position's; of those around a corner's neighbours 4 x 4 hold
    it."""
    alike = attention.uniform(7, 7, 7)
    assert alike[3, 3] == 1 and alike[0, [0, 3]].tolist() == pytest.approx([16 / 49, 4 / 7])
    assert torch.equal(alike, alike.flip(0)) and torch.equal(alike, alike.T)


@pytest.mark.parametrize(("height", "width", "footprint"), [(7, 7, 7), (6, 9, 3), (3, 2, 7)])
def test_alike_weights_are_a_uniform_softmax(height, width, footprint):
    softmax = torch.zeros(1, 2, footprint**2, height, width).softmax(2)
    expected = attention.uniform(height, width, footprint).expand(1, 2, -1, -1)
    torch.testing.assert_close(attention.cumulative(softmax), expected)


def test_what_falls_beyond_the_border_is_dropped():
    """All positions look at their left neighbour: nobody looks at the last column, and the first column's looks are
    lost."""
    given = torch.zeros(1, 1, 9, 3, 3)
    given[:, :, 3] = 1
    assert attention.cumulative(given)[0, 0].tolist() == [[1, 1, 0]] * 3


def test_the_maps_of_a_frame_are_its_own():
    given = weights(5, 4, 49, 7, 7)
    assert torch.equal(attention.cumulative(given)[3:4], attention.cumulative(given[3:4]))


def test_it_can_be_learned_through():
    given = weights(1, 1, 9, 3, 3).requires_grad_()
    attention.cumulative(given)[0, 0, 0, 0].backward()
    reached = given.grad[0, 0]  # of each position the offset that leads to the corner
    assert [tuple(place) for place in reached.nonzero().tolist()] == [(0, 1, 1), (1, 1, 0), (3, 0, 1), (4, 0, 0)]
