"""What a temporal sampler is asked for the eye: how well attention was foreseen, beside guesses without a network."""

import dataclasses
import itertools

import pytest
import torch
from conftest import ROOT
from small_models import clip, finished, run_of

from saccade.cost.count import count
from saccade.project import load_module

foreseen = load_module(ROOT / "methods/mac/networks/foreseen.py")
hallucinator = load_module(ROOT / "methods/mac/networks/hallucinator.py")
showing = load_module(ROOT / "methods/mac/showing.py")
model_py = load_module(ROOT / "methods/mac/model.py")


def test_a_map_moves_by_whole_cells_and_repeats_its_edge():
    maps = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    assert foreseen.moved(maps, (0, 1)).tolist() == [[1, 1, 2], [4, 4, 5]]
    assert foreseen.moved(maps, (-1, 0)).tolist() == [[4, 5, 6], [4, 5, 6]]
    assert foreseen.moved(maps, (1, -1)).tolist() == [[2, 3, 3], [2, 3, 3]]


@pytest.mark.parametrize("step", foreseen.STEPS)
def test_a_map_goes_on_as_it_came(step):
    """A window that glides over a larger picture: what it shows next is foreseen, but for the edge that comes in."""
    wide = torch.rand(2, 12, 12, generator=torch.Generator().manual_seed(0))
    down, right = step
    places = [(4 - number * down, 4 - number * right) for number in range(3)]
    maps = torch.stack([wide[:, top : top + 5, left : left + 5] for top, left in places])
    first, second = foreseen.moved_on(maps[:2])
    assert first.equal(maps[0])  # how it moves isn't known yet
    assert second[:, 1:-1, 1:-1].equal(maps[2][:, 1:-1, 1:-1])
    assert foreseen.moved_on(maps[:0]).shape == (0, 2, 5, 5)


def test_each_video_is_told_of_its_own_frames():
    """Two videos, of which the second stops after two frames; what is expected of a frame stands beside that frame."""
    maps = torch.rand(5, 2, 4, 4, generator=torch.Generator().manual_seed(0))
    rows = torch.tensor([0, 1, 0, 1, 0])
    long, short = foreseen.foreseen(2, rows, maps, [maps[2:4] + 1, maps[4:] + 2])
    assert long.attention.equal(maps[[0, 2, 4]].mean(1)) and short.attention.equal(maps[[1, 3]].mean(1))
    torch.testing.assert_close(
        long.expected - long.attention[1:], torch.stack([torch.ones(4, 4), 2 * torch.ones(4, 4)])
    )
    torch.testing.assert_close(long.copied, hallucinator.similarity(maps[[2, 4]], maps[[0, 2]]))
    torch.testing.assert_close(short.shifted, short.copied)  # its second frame is all that there is to foresee


def shown_name():
    return next(name for name in map("clip{}".format, itertools.count()) if showing.is_shown(name))


@torch.inference_mode()
@pytest.mark.parametrize("variant", ["tiny-s0-t2", "tiny-s1-t4", "tiny-s0-t1"])
def test_what_was_foreseen_is_told_and_paid_for(variant):
    """On the very way that the plain point takes: the numbers of all videos, the maps of few."""
    model, settings = finished(run_of("mac", variant))
    model.sampler.score.bias[1] = 0.5  # so that some frames are left out
    video = clip(settings, 3) | {"video_id": ["other", shown_name(), "another"]}
    asking = dataclasses.replace(settings, shows="every")
    plain, counted = model_py.predict(model, video, settings), count(model_py.predict, model, video, asking)
    found = counted.result
    assert counted.macs == found.macs.sum().item() > plain.macs.sum().item()
    assert found.frames.equal(plain.frames)
    for before, after in zip(plain.decisions, found.decisions, strict=True):
        assert before.items() <= after.items()
        assert len(after["similarity_copied"]) == len(after["similarity_shifted"]) == len(after["similarity"])
        assert not {"similarity_copied", "foreseen"} & set(before)
    assert ["foreseen" in one for one in found.decisions] == [False, True, False]
    told = found.decisions[1]
    maps = told["foreseen"]
    assert maps["frames"] == sorted(told["frames"] + told["scanned"])
    assert sorted(maps["frames"] + told["skipped"]) == video["indices"][1].tolist()
    attention, expected = torch.tensor(maps["attention"]), torch.tensor(maps["expected"])
    assert len(attention) == len(expected) + 1 == len(maps["frames"])
    whole = model.look(video, {"attention"}, settings).features["attention"][1][maps["frames"]].mean(1)
    torch.testing.assert_close(attention, whole.float(), atol=1e-3, rtol=0)
