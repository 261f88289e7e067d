"""From class response maps to attention, by hand (Sec. 2.1, 2.2)."""

import dataclasses
import math

import pytest
import torch
from conftest import ROOT
from small_models import clip, finished, run_of
from torch import nn

from saccade.plan.layers import resolve
from saccade.project import load_module
from saccade.records import SaccadeError

attention = load_module(ROOT / "methods/tcnn/networks/attention.py")
places = load_module(ROOT / "methods/tcnn/networks/places.py")
settings_py = load_module(ROOT / "methods/tcnn/settings.py")

RULES = settings_py.Attention(attention_size=31)


def classifier(rows):
    """Of as many features as a row has, without bias."""
    layer = nn.Linear(len(rows[0]), len(rows), bias=False).requires_grad_(False)
    layer.weight.copy_(torch.tensor(rows))
    return layer


def peaks(*rows):
    """(frame, row, column, height, discriminative) each."""
    frame, row, column, height, first = (torch.tensor(values) for values in zip(*rows, strict=True))
    return attention.Peaks(frame, torch.stack([row, column], 1), height.float(), first.bool())


def settings(**changes):
    return dataclasses.replace(resolve(ROOT, run_of("tcnn", "tiny-odc")).typed, **changes)


# ---- response maps


def features_of(*channels):
    return torch.tensor(channels, dtype=torch.float32)[None]


def test_a_sure_frame_shows_its_likeliest_class_alone():
    """Eq. 1: each feature's map times the class's weight for it."""
    maps = features_of([[0, 4], [8, 0]], [[4, 0], [0, 0]])  # means 3 and 1
    layer = classifier([[10.0, 1], [0, 2], [0, 0]])  # scores 31, 2 and 0
    found = attention.response_maps(maps, layer, RULES)[0]
    assert found.tolist() == [[[4, 40], [80, 0]]]


def test_an_unsure_frame_shows_the_five_likeliest_classes_together():
    maps = features_of([[1, 0], [0, 0]], [[0, 1], [0, 0]])
    layer = classifier([[4.0, 4], [5, 2], [2, 4.6], [1, 5], [3, 2], [0, 0], [-4, -4]])
    found = attention.response_maps(maps, layer, RULES)[0]
    assert found[0, 0].tolist() == pytest.approx([4 + 5 + 2 + 1 + 3, 4 + 2 + 4.6 + 5 + 2])


def test_the_entropy_is_of_the_five_as_they_are_or_brought_to_a_sum_of_one():
    """Of 1,000 equal classes the five have 5 / 1000 * log 1000 = .035 together, and log 5 by themselves (trap 2)."""
    maps = torch.rand(1, 2, 3, 3, generator=torch.Generator().manual_seed(0))
    layer = classifier([[1.0, -1]] * 1000)
    one, five = (torch.einsum("c,chw->hw", number * layer.weight[0], maps[0]) for number in (1, 5))
    as_printed = attention.response_maps(maps, layer, RULES)[0][0]
    renormalised = attention.response_maps(maps, layer, dataclasses.replace(RULES, renormalised=True))[0][0]
    torch.testing.assert_close(as_printed, one)
    torch.testing.assert_close(renormalised, five)
    unsure = dataclasses.replace(RULES, delta=5 / 1000 * math.log(1000) - 1e-4)
    torch.testing.assert_close(attention.response_maps(maps, layer, unsure)[0][0], five)


def test_at_the_threshold_itself_a_frame_is_unsure():
    """Eq. 3 has no case for it."""
    maps, layer = torch.ones(1, 1, 2, 2), classifier([[1.0], [0.5]])
    entropy = float(torch.special.entr(layer(maps.mean((2, 3))).softmax(1)).sum())
    sums = [
        float(attention.response_maps(maps, layer, dataclasses.replace(RULES, delta=delta))[0][0, 0, 0])
        for delta in (entropy, entropy + 1e-5)
    ]
    assert sums == [1.5, 1.0]


def test_maps_are_spread_to_the_grid_and_reach_from_zero_to_one():
    """Corners on corners: of 2 cells on 5, every second but the ends is halfway."""
    found = attention.on_grid(torch.tensor([[[2.0, 4.0], [2.0, 4.0]]]), 5)
    torch.testing.assert_close(found[0], torch.tensor([0, 0.25, 0.5, 0.75, 1]).expand(5, 5))


@pytest.mark.parametrize("value", [0.0, 3.7, -1e8])
def test_a_flat_map_is_nowhere_and_has_no_peak(value):
    found = attention.on_grid(torch.full((2, 3, 3), value), 31)
    assert not found.any()
    assert len(attention.peaks_of(found).frame) == 0


# ---- peaks


def test_peaks_are_local_maxima_that_are_not_below_the_mean():
    responses = torch.zeros(2, 7, 7)
    responses[0, 1, 1], responses[0, 1, 2], responses[0, 5, 5] = 1.0, 0.9, 0.6  # a neighbour of a higher one is none
    responses[0, 3, 6] = 0.01  # a maximum below the mean of 2.51 / 49
    responses[1, 0, 6], responses[1, 6, 3] = 1.0, 0.3  # on the border
    found = attention.peaks_of(responses)
    told = list(zip(found.frame.tolist(), map(tuple, found.place.tolist()), found.height.tolist(), strict=True))
    assert told == [
        (0, (1, 1), 1.0),
        (0, (5, 5), pytest.approx(0.6)),
        (1, (0, 6), 1.0),
        (1, (6, 3), pytest.approx(0.3)),
    ]


def test_of_equal_neighbours_the_first_is_the_peak():
    responses = torch.zeros(1, 5, 5)
    responses[0, 2, 2] = responses[0, 2, 3] = responses[0, 3, 2] = 1.0
    assert attention.peaks_of(responses).place.tolist() == [[2, 2]]


def test_a_weak_peak_counts_as_strong_as_the_least():
    """For attention, not for eq. 5."""
    responses = torch.zeros(1, 9, 9)
    responses[0, 1, 1], responses[0, 7, 7] = 1.0, 0.02
    found = attention.split(attention.peaks_of(responses), 0.03)
    assert found.discriminative.tolist() == [True, False]
    rules = dataclasses.replace(RULES, attention_size=9, weakest=0.05)
    wanted = attention.attention_of(found, "complementary", torch.tensor(0.1), 1, rules)
    assert float(wanted[0, 7, 7]) == pytest.approx(rules.floor + 1 / 0.05)


# ---- dividing them


def test_a_peak_as_high_as_the_number_is_discriminative():
    """Eq. 5, at test time 0.5."""
    given = peaks((0, 1, 1, 1.0, 1), (0, 3, 3, 0.5, 1), (0, 5, 5, 0.49, 1))
    chosen = attention.chosen(given, clip(settings(), 1), settings(), training=False)
    assert chosen.discriminative.tolist() == [True, True, False]


def test_by_lot_high_peaks_are_discriminative_more_often():
    """With phi even in [0, 1] a peak of height R is with probability R, and the highest always."""
    heights = [1.0, 0.8, 0.2]
    given = peaks(*((0, 1, 1, heights[number % 3], 1) for number in range(3000)))
    torch.manual_seed(0)
    found = attention.chosen(given, clip(settings(), 1), settings(), training=True).discriminative
    shares = found.view(-1, 3).float().mean(0).tolist()
    assert shares == [1.0, pytest.approx(0.8, abs=0.05), pytest.approx(0.2, abs=0.05)]


def test_a_drawn_division_is_the_videos_own():
    """Beside others as alone, the same each time, another in another drawing."""
    drawn = settings(split="sampled")
    both = clip(drawn, 2)
    frames = both["rgb"].shape[1]
    alone = {key: value[1:] for key, value in both.items()}
    rows = [(frame, 1, column, 0.5, 1) for frame in range(2 * frames) for column in range(4)]
    own = [(frame - frames, *rest) for frame, *rest in rows if frame >= frames]
    found = attention.chosen(peaks(*rows), both, drawn, training=False).discriminative
    mine = attention.chosen(peaks(*own), alone, drawn, training=False).discriminative
    assert found[4 * frames :].equal(mine)
    other = attention.chosen(peaks(*own), alone, settings(split="sampled", draw=1), training=False).discriminative
    assert not other.equal(mine)


def test_the_strongest_and_the_weakest_alone():
    """S3N's rule; a single peak is both, and a frame without one has none."""
    given = peaks((0, 1, 1, 0.7, 1), (0, 2, 2, 1.0, 1), (0, 3, 3, 0.6, 1), (2, 4, 4, 1.0, 1))
    found = attention.strongest_and_weakest(given, 3)
    told = zip(found.frame.tolist(), found.place[:, 0].tolist(), found.discriminative.tolist(), strict=True)
    assert list(told) == [(0, 2, True), (0, 3, False), (2, 4, True), (2, 4, False)]
    nothing = attention.Peaks(*(part[:0] for part in vars(given).values()))
    assert len(attention.strongest_and_weakest(nothing, 3).frame) == 0


# ---- attention


def test_attention_is_a_gaussian_around_each_peak_of_its_set():
    """Eq. 6 with S3N's widths, value by value: of a discriminative peak R exp(-d2 / 2 s2), of a complementary one 1 / R
    in place of the R before it; s2 = R (beta G)2."""
    given = peaks((0, 10, 20, 0.64, 1), (0, 4, 4, 0.25, 0))
    for wanted, (row, column), height, amplitude in (
        ("discriminative", (10, 20), 0.64, 0.64),
        ("complementary", (4, 4), 0.25, 4.0),
    ):
        found = attention.attention_of(given, wanted, torch.tensor(0.1), 2, RULES)
        for r, c in ((row, column), (row + 3, column - 4), (0, 30)):
            squared = (r - row) ** 2 + (c - column) ** 2
            expected = RULES.floor + amplitude * math.exp(-squared / (2 * height * (0.1 * 31) ** 2))
            assert float(found[0, r, c]) == pytest.approx(expected, rel=1e-5), wanted
        assert found[1].eq(RULES.floor).all()  # a frame whose set is empty


def test_attention_of_several_peaks_adds_up():
    one, two = (0, 3, 3, 0.5, 1), (0, 6, 8, 0.9, 1)
    beta = torch.tensor(0.2)
    single = [attention.attention_of(peaks(one_of), "discriminative", beta, 1, RULES) for one_of in (one, two)]
    both = attention.attention_of(peaks(one, two), "discriminative", beta, 1, RULES)
    torch.testing.assert_close(both, single[0] + single[1] - RULES.floor)


# ---- what it is compared with


def test_peaks_by_lot_are_as_many_and_as_strong_elsewhere():
    drawn = settings(places="random")
    both = clip(drawn, 2)
    frames = both["rgb"].shape[1]
    given = peaks(*((frame, 1, 1, 0.1 + 0.8 * frame / 16, frame % 2) for frame in range(2 * frames)))
    found = places.placed(given, both, drawn, training=False)
    assert found.height.equal(given.height) and found.frame.equal(given.frame)
    assert found.discriminative.equal(given.discriminative)
    assert (
        len(found.place.unique(dim=0)) > frames and found.place.min() >= 0 and found.place.max() < drawn.attention_size
    )
    alone = {key: value[1:] for key, value in both.items()}
    own = attention.Peaks(*(part[frames:] for part in vars(given).values()))
    own = dataclasses.replace(own, frame=own.frame - frames)
    assert places.placed(own, alone, drawn, training=False).place.equal(found.place[frames:])


def test_the_true_place_is_the_middle_of_the_targets_box():
    """Where the target can't be seen there is none."""
    chosen = settings(places="box")
    video = clip(chosen, 1)
    frames, (height, width) = video["rgb"].shape[1], video["rgb"].shape[-2:]
    for key, value in {"y0": 0.25 * height, "y1": 0.75 * height, "x0": 0.0, "x1": 0.5 * width}.items():
        video[f"truth.{key}"] = torch.full((1, frames), value, dtype=torch.float64)
    video["truth.x0"][0, 0] = math.nan
    found = places.fixed(video, chosen, "discriminative")
    assert found.frame.tolist() == list(range(1, frames))
    middles = [30 * (share * side - 0.5) / (side - 1) for share, side in ((0.5, height), (0.25, width))]
    assert found.place[0].tolist() == pytest.approx(middles)
    assert found.discriminative.all() and found.height.eq(1).all()
    with pytest.raises(SaccadeError, match="the true place is asked for; set truth"):
        places.fixed({key: value for key, value in video.items() if key != "truth.y0"}, chosen, "discriminative")


@pytest.mark.parametrize("maps", ["flat", "one"])
@torch.inference_mode()
def test_a_clip_without_complementary_peaks_is_read_as_it_is(maps):
    """No peak, or a single one: C magnifies nothing, and so D where nothing peaks."""
    model, chosen = finished(run_of("tcnn", "tiny-odc"))
    video = clip(chosen, 1)
    frames = video["rgb"].shape[1]
    features = torch.ones(1, model.backbone.num_features, frames, 3, 3)
    if maps == "one":
        features[..., 1, 1] += model.mapped().weight[0].sign()[None, :, None]
        features[..., 1, 1] *= 1e3
    (dis, com), _ = model.make(video, features, chosen, ("discriminative", "complementary"))
    torch.testing.assert_close(com, video["rgb"], rtol=0, atol=1e-4)
    assert (dis - video["rgb"]).abs().max() < 1e-4 if maps == "flat" else (dis - video["rgb"]).abs().max() > 0.01
