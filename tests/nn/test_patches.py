"""Patches are the frame's own pixels, and drawn places are even and a matter of the generator alone."""

import numpy as np
import pytest
import torch

from saccade.nn.patches import cut, drawn_corners, random_corners, room
from saccade.records import SaccadeError

FRAMES = torch.arange(2 * 3 * 10 * 12, dtype=torch.float).reshape(2, 3, 10, 12)


def test_a_cut_patch_is_the_frames_own_pixels():
    patches = cut(FRAMES, torch.tensor([[0, 8], [6, 1]]), 4)
    assert torch.equal(patches[0], FRAMES[0, :, 0:4, 8:12]) and torch.equal(patches[1], FRAMES[1, :, 6:10, 1:5])
    assert patches.is_contiguous(memory_format=torch.channels_last)


def test_several_patches_of_a_frame_are_those_cut_one_by_one():
    corners = torch.tensor([[[0, 8], [6, 1], [3, 3]], [[2, 2], [2, 2], [0, 0]]])
    patches = cut(FRAMES, corners, 4)
    assert patches.shape == (2, 3, 3, 4, 4)
    for number in range(3):
        assert torch.equal(patches[:, number], cut(FRAMES, corners[:, number], 4))
    assert patches.flatten(0, 1).is_contiguous(memory_format=torch.channels_last)  # nothing is copied once more


def test_a_patch_larger_than_the_frame_is_refused_by_the_name_of_its_setting():
    with pytest.raises(SaccadeError, match="64 pixels doesn't fit into frames of 60x48; set `side` to 48 or less"):
        room((48, 60), 64, setting="side")


def test_random_places_are_even_and_reach_both_ends():
    torch.manual_seed(0)
    drawn = random_corners((1000, 10), (12, 12), 8).flatten(0, 1)
    counts = torch.stack([torch.bincount(axis, minlength=5) for axis in drawn.T])
    assert counts.shape == (2, 5) and ((counts - 2000).abs() < 5 * 40).all()  # 5 standard errors


def test_places_drawn_by_generators_reach_both_ends_and_are_theirs_alone():
    draws = [np.random.default_rng(number) for number in range(100)]
    drawn = drawn_corners(draws, 8, (12, 14), 8)
    assert drawn.flatten(0, 1).min(0).values.tolist() == [0, 0] and drawn.flatten(0, 1).max(0).values.tolist() == [4, 6]
    assert torch.equal(drawn[7:8], drawn_corners([np.random.default_rng(7)], 8, (12, 14), 8))
