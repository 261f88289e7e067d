"""What decisions tell of attention, on grids and boxes small enough to count by hand."""

import dataclasses

import numpy as np
import pytest
import torch
from conftest import ROOT
from small_models import clip as made_up
from small_models import finished, run_of
from torch.nn import functional

from saccade.plan.layers import resolve
from saccade.project import load_module
from saccade.records import SaccadeError

showing, places, attention = (
    load_module(ROOT / f"methods/tcnn/{name}.py") for name in ("showing", "networks/places", "networks/attention")
)
SIZE, GRID = (33, 33), 9


def looking(zoom=1.0, frames=1):
    """(frames, GRID, GRID, 2): the identity, or a look at the middle, zoom times as large."""
    even = functional.affine_grid(torch.eye(2, 3)[None], [1, 1, GRID, GRID], align_corners=True)
    return (even / zoom).expand(frames, -1, -1, -1)


def box(*sides):
    return torch.tensor([[sides]], dtype=torch.float64)


@pytest.mark.parametrize("sides", [(0, 0, 33, 33), (3, 5, 9, 20), (11.75, 11.75, 12.75, 12.75)])
def test_the_identity_magnifies_nothing(sides):
    assert showing.magnification(looking(), box(*sides), SIZE).item() == 1


def test_twice_as_large_has_four_times_the_pixels():
    """By hand: the look goes from 8.5 to 24.5 in steps of half a pixel."""
    zoomed = looking(2.0)
    assert showing.magnification(zoomed, box(11.75, 11.75, 19.75, 19.75), SIZE).item() == 4
    assert showing.magnification(zoomed, box(11.75, 4.75, 19.75, 12.75), SIZE).item() == 16 * 9 / 64  # half in reach
    assert showing.magnification(zoomed, box(0, 0, 33, 33), SIZE).item() == 1  # it has no more room to gain
    assert showing.magnification(zoomed, box(0, 0, 8, 8), SIZE).item() == 0


def test_rows_and_columns_are_told_apart():
    """Columns twice as wide, rows as they were; the picture is not square."""
    grid = looking() * torch.tensor([0.5, 1.0])
    assert showing.magnification(grid, box(11.75, 2, 19.75, 7), (17, 33)).item() == 2
    assert showing.magnification(grid, box(2, 2, 7, 7), (17, 33)).item() == 0


def test_a_box_without_a_pixel_has_no_magnification():
    found = showing.magnification(looking(), torch.cat([box(3.6, 3.6, 3.9, 3.9), box(3, 3, 4, 4)], dim=1), SIZE)
    assert found.isnan().tolist() == [[True, False]]


def test_the_lattice_reaches_every_edge_and_stays_in_the_frame():
    found = showing.lattice(torch.tensor([[5.0, 6.0, 9.0, 14.0]]), (40, 20))
    assert found.shape == (1, 25, 4)
    assert found[0, [0, 4, 12, 24]].tolist() == [[0, 0, 4, 8], [16, 0, 20, 8], [8, 16, 12, 24], [16, 32, 20, 40]]
    assert (found[0, :, 2:] - found[0, :, :2]).unique(dim=0).tolist() == [[4, 8]]


def clip(shows):
    """Videos of two frames; whether the target in their middle shows, by video and frame."""
    there = torch.tensor(shows, dtype=torch.float64)
    truth = {key: torch.full_like(there, value) for key, value in zip(("x0", "y0"), (11.75, 11.75), strict=True)}
    truth |= {key: torch.full_like(there, 19.75) for key in ("x1", "y1")}
    truth |= {"visibility": there, "informative": torch.ones_like(there)}
    names = [f"v{number}" for number in range(len(shows))]
    return {"rgb": torch.zeros(len(shows), 2, 3, *SIZE), "video_id": names} | {
        f"truth.{key}": values for key, values in truth.items()
    }


def attended(grid):
    return places.Attended({}, grids={"discriminative": grid})


def test_frames_where_the_target_shows_are_counted_alone():
    """Frames 0 and 3 look at the middle, twice as large."""
    grid = torch.cat([looking(zoom) for zoom in (2.0, 1.0, 1.0, 2.0)])
    video = clip([[1, 0], [1, 1]])
    found = [showing.magnified(video, attended(grid), number) for number in (0, 1)]
    assert [one["magnified.discriminative"] for one in found] == [4, 2.5]


def test_chance_is_the_mean_over_the_lattice():
    """Along either axis the boxes of 8 pixels begin at 0, 6.25, 12.5, 18.75, 25 and see of the look from 8.5 to 24.5 in
    steps of a half: none, 12, 16, 12 and none."""
    found = showing.magnified(clip([[1, 0]]), attended(torch.cat([looking(2.0), looking()])), 0)
    seen = torch.tensor([0.0, 12, 16, 12, 0]) / 8
    assert found["magnified.discriminative.anywhere"] == pytest.approx(seen.mean().item() ** 2, abs=5e-5)


def test_a_target_that_never_shows_has_no_number():
    found = showing.magnified(clip([[0, 0.4]]), attended(looking(2.0, frames=2)), 0)
    assert found == {"magnified.discriminative": None, "magnified.discriminative.anywhere": None}


def test_without_truth_the_error_says_what_to_set():
    with pytest.raises(SaccadeError, match="set truth: .*visibility"):
        showing.magnified({"rgb": torch.zeros(1, 2, 3, *SIZE)}, attended(looking(frames=2)), 0)


def three_peaks():
    """Of two videos of two frames: none; two of which one is discriminative; none; one."""
    return attention.Peaks(
        torch.tensor([1, 1, 3]),
        torch.tensor([[2, 3], [6, 7], [4, 4]]),
        torch.tensor([1.0, 0.25, 0.5]),
        torch.tensor([True, False, True]),
    )


def with_peaks():
    found = attended(looking(frames=4))
    found.attention = {"discriminative": torch.full((4, GRID, GRID), 0.09)}
    found.responses, found.peaks = torch.zeros(4, GRID, GRID), three_peaks()
    found.sure = torch.tensor([True, False, False, True])
    return found


def test_peaks_are_counted_by_frame_and_kind():
    first, second = (showing.counted(with_peaks(), number, 2) for number in (0, 1))
    assert first == {"peaks.discriminative": [0, 1], "peaks.complementary": [0, 1], "sure": [1, 0]}
    assert second == {"peaks.discriminative": [0, 1], "peaks.complementary": [0, 0], "sure": [0, 1]}
    assert showing.counted(attended(looking(frames=4)), 0, 2) == {}  # nothing mapped


def settings_of(**changes):
    return dataclasses.replace(resolve(ROOT, run_of("tcnn", "tiny-odc")).typed, **changes)


def test_what_is_kept_is_of_the_middle_frame():
    """Of frames of 64 x 128, brought to 32 x 64, the middle 32 x 32 was seen."""
    video = clip([[1, 1], [1, 1]]) | {"indices": torch.tensor([[0, 4], [2, 6]])}
    video["frame_size"] = torch.tensor([[64, 128], [64, 128]])
    found = showing.shown(video, with_peaks(), settings_of(resize=32, crop=32), 0)
    assert (found["frame"], found["seen"]) == (4, [0.25, 0, 0.75, 1])
    assert found["peaks"] == [[2, 3, 1, 1], [6, 7, 0.25, 0]]
    assert found["attention"]["discriminative"] == [[0.09] * GRID] * GRID
    assert found["grids"]["discriminative"][0][:2] == [[-1, -1], [-0.75, -1]]


def test_nothing_is_told_that_is_not_asked_for():
    video = clip([[1, 1], [1, 1]])
    assert showing.told(video, with_peaks(), settings_of(), 0) == {}
    assert showing.told(video, None, settings_of(magnified=True), 0) == {}
    assert set(showing.told(video, with_peaks(), settings_of(magnified=True), 0)) == {
        *("magnified.discriminative", "magnified.discriminative.anywhere"),
        *("peaks.discriminative", "peaks.complementary", "sure"),
    }


def test_maps_are_of_the_first_clip_in_the_order_of_the_figure():
    model, settings = finished(run_of("tcnn", "tiny-odc"))
    video = made_up(settings, 2)
    video["rgb"] = video["rgb"].clamp(0, 1)
    found = showing.maps_of(model, video, settings)
    frames, _, height, width = video["rgb"].shape[1:]
    pictures, maps = (frames, height, width, 3), (frames, 1, settings.attention_size, settings.attention_size)
    assert {name: values.shape for name, values in found.items()} == {
        **{"frames": pictures, "responses": maps},
        **{"attention, discriminative": maps, "discriminative": pictures},
        **{"attention, complementary": maps, "complementary": pictures},
    }
    mean, std = (torch.tensor(values)[:, None, None] for values in (settings.mean, settings.std))
    seen = (255 * (video["rgb"][0] * std + mean)).permute(0, 2, 3, 1).clamp(0, 255)
    assert np.abs(found["frames"] - seen.numpy()).max() <= 0.5 + 1e-4
    assert (found["discriminative"] != found["frames"]).any()


def test_t_cnn_alone_shows_its_frames():
    model, settings = finished(run_of("tcnn", "tiny"))
    assert list(showing.maps_of(model, made_up(settings, 1), settings)) == ["frames"]
