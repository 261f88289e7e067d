"""Where the sampler looks: by hand, and against a slow one written from its description alone."""

import itertools
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision.ops import nms

from saccade.project import load_module
from saccade.records import SaccadeError

FOLDER = Path(__file__).parents[1] / "networks"
attention, regions, slots = (load_module(FOLDER / f"{name}.py") for name in ("attention", "regions", "slots"))
RULES = regions.Regions(regions=3)


def corners(maps, k, size=(224, 224), region_size=64):
    """Of (B, T, H, W): lists of corners, and how many were found."""
    rules = regions.Regions(regions=k, region_size=region_size)
    found, number = regions.corners_and_number(torch.as_tensor(maps, dtype=torch.float), rules, size, rules.slots)
    return found.tolist(), number.tolist()


def map_of(**cells):
    """7 x 7 zeros, but `r2c3=9`."""
    made = np.zeros((7, 7))
    for name, value in cells.items():
        made[int(name[1]), int(name[3])] = value
    return made


# ---- by hand


def test_regions_by_hand():
    """Two cells of 10 and 6 that touch, and one of 8. Mean 24/49, deviation 1.96: the three thresholds below the mean
    hold all cells, too many; the four others hold these two regions."""
    box, number = regions.boxes(map_of(r1c1=10, r1c2=6, r5c5=8)[None], 3, RULES)
    assert box.tolist() == [[[1, 1, 2, 3], [5, 5, 6, 6], [5, 5, 6, 6]]]  # the last stands again
    assert number.tolist() == [2]


def test_cells_that_touch_at_a_corner_are_one_region():
    box, number = regions.boxes(map_of(r1c1=10, r2c2=6)[None], 2, RULES)
    assert box[0, 0].tolist() == [1, 1, 3, 3] and number.tolist() == [1]


def test_a_quarter_of_the_map_is_too_large_for_a_region():
    """Of 4 x 4 cells 3 are a region, 4 aren't."""
    maps = np.zeros((2, 4, 4))
    maps[0, 0, :3], maps[1, 0, :] = 1, 1
    assert regions.boxes(maps, 1, RULES)[1].tolist() == [1, 0]


@pytest.mark.parametrize(
    ("wide", "peak", "number"),
    [
        (4, 1, 2),  # 1 of 8 cells
        (4, 2, 2),  # 2 of 8
        (4, 3, 1),  # 3 of 8
        (5, 3, 1),  # 3 of 10: float32 of it is more than 0.3, as in the official code
        (5, 2, 2),
    ],
)
def test_a_peak_within_a_region_is_another_one_unless_it_overlaps_too_much(wide, peak, number):
    """2 rows of cells of 3, in the first one cells of 40: a threshold above 3 leaves the latter alone."""
    made = np.zeros((1, 7, 7))
    made[0, 1:3, 1 : 1 + wide], made[0, 1, 1 : 1 + peak] = 3, 40
    box, found = regions.boxes(made, 2, RULES)
    assert found.tolist() == [number] and box[0, 0].tolist() == [1, 1, 3, 1 + wide]
    if number == 2:
        assert box[0, 1].tolist() == [1, 1, 2, 1 + peak]


def test_a_threshold_is_exceeded_and_an_overlap_too():
    """A cell of just the mean, 1, isn't above it; and 2 of 8 cells aren't more than a quarter."""
    assert regions.boxes(map_of(r1c1=48, r1c2=1)[None], 1, RULES)[0].tolist() == [[[1, 1, 2, 2]]]
    made = np.zeros((1, 7, 7))
    made[0, 1:3, 1:5], made[0, 1, 1:3] = 3, 40
    assert regions.boxes(made, 2, regions.Regions(regions=3, overlap=0.25))[1].tolist() == [2]


def test_odd_boxes_are_projected_half_a_cell_up_and_left():
    """224 pixels on 7 cells: 32 each; squares of 64."""
    box = np.array([[2, 2, 5, 5], [2, 2, 4, 4], [0, 6, 1, 7], [6, 0, 7, 1], [1, 2, 4, 6]])
    found = regions.projected(box, (7, 7), (224, 224), 64)
    assert found.tolist() == [[64, 64], [64, 64], [0, 160], [160, 0], [32, 96]]
    # a map whose cells aren't whole pixels, a frame that isn't square: 4 * 100 // 7 - 16, 4 * 60 // 5 - 16
    assert regions.projected(np.array([[3, 3, 5, 5]]), (7, 5), (100, 60), 32).tolist() == [[41, 28]]


@pytest.mark.parametrize("value", [0.0, 0.7, float("nan")])
def test_a_map_that_says_nothing_looks_at_the_centre(value):
    found, number = corners(np.full((1, 2, 7, 7), value), 3)
    assert found == [[[[80, 80]] * 3] * 2] and number == [[0, 0]]


def test_alike_weights_look_at_the_middle_cells():
    """All weights alike: one region, so every slot has it."""
    found, number = corners(attention.uniform(7, 7, 7)[None, None], 3)
    assert found == [[[[64, 64]] * 3]] and number == [[1]]


def test_slots_follow_two_trajectories_that_cross():
    """One region goes right in the upper row, one left in the lower row; in every frame another one is more active."""
    upper = [[0, 40 * t] for t in range(4)]
    lower = [[96, 120 - 40 * t] for t in range(4)]
    places = np.array([[pair[:: 1 if t % 2 else -1] for t, pair in enumerate(zip(upper, lower, strict=True))]])
    for kind in ("trajectories", "pairs"):
        followed = slots.in_slots(places, kind)
        assert followed[0, :, 0].tolist() == lower and followed[0, :, 1].tolist() == upper
    assert slots.in_slots(places, "activation") is places


def test_the_cheapest_trajectory_is_the_first_slot():
    """What stands still goes before what is more active and moves."""
    places = np.array([[[[0, 40 * t], [96, 96]] for t in range(3)]])
    assert slots.in_slots(places, "trajectories")[0, :, 0].tolist() == [[96, 96]] * 3
    assert slots.in_slots(places, "pairs") is not places and (slots.in_slots(places, "pairs") == places).all()


def test_regions_that_stand_again_are_told_apart():
    """Two of three are the same square: none is lost, none is in two slots."""
    places = np.array([[[[0, 0], [8, 8], [8, 8]], [[8, 8], [0, 0], [0, 0]]]])
    followed = slots.in_slots(places, "trajectories")
    assert followed[0, 0].tolist() == [[0, 0], [8, 8], [8, 8]] and followed[0, 1].tolist() == [[0, 0], [8, 8], [0, 0]]


def test_more_regions_than_the_map_can_hold_are_refused():
    message = "17 regions of an attention map of 7x7 cells, on which at most 16 lie apart; set `regions` to 16 or less"
    with pytest.raises(SaccadeError, match=re.escape(message)):
        corners(np.zeros((1, 1, 7, 7)), 17)
    assert corners(np.zeros((1, 1, 7, 7)), 16)[1] == [[0]]
    with pytest.raises(SaccadeError, match="`attention_layer` to a layer whose map is larger"):
        corners(np.zeros((1, 1, 2, 2)), 1)  # a single cell is a quarter


def test_a_region_larger_than_the_frame_is_refused():
    with pytest.raises(SaccadeError, match="a patch of 64 pixels .* set `region_size` to 48 or less"):
        corners(np.zeros((1, 1, 7, 7)), 1, size=(48, 48))


# ---- against a slow one


def slow_boxes(cells, k):
    """Straight from the description: thresholds, flood fill, areas, suppression, the first k."""
    height, width = cells.shape
    found = []
    for threshold, step in enumerate(np.linspace(-1, 1, 7)):
        level = cells.mean() + step * cells.std()
        waiting = [(r, c) for r in range(height) for c in range(width) if cells[r, c] > level]
        while waiting:
            region, border = [], [waiting[0]]
            while border:
                r, c = border.pop()
                if (r, c) in waiting:
                    waiting.remove((r, c))
                    region.append((r, c))
                    border += itertools.product((r - 1, r, r + 1), (c - 1, c, c + 1))
            if len(region) < 0.25 * height * width:
                rows, columns = zip(*region, strict=True)
                box = [min(rows), min(columns), max(rows) + 1, max(columns) + 1]
                found.append((-sum(cells[place] for place in region), threshold, min(region), box))
    kept = []
    for *_, box in sorted(found):
        if all(overlap(box, other) <= 0.3 for other in kept):
            kept.append(box)
    return kept[:k]


def overlap(one, other):
    down, across = (max(0, min(one[a + 2], other[a + 2]) - max(one[a], other[a])) for a in (0, 1))
    sizes = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return float(np.float32(down * across / (sum(sizes) - down * across)))


def slow_corners(maps, k, size, side):
    """(T, H, W) to lists (T, k, 2): projection, the centre, the repetition, then all paths through all frames."""
    height, width = maps.shape[1:]
    frames = []
    for cells in maps:
        places = []
        for box in slow_boxes(cells, k):
            middle = ((box[0] + box[2]) // 2 * size[0] // height, (box[1] + box[3]) // 2 * size[1] // width)
            places.append([min(max(m - side // 2, 0), long - side) for m, long in zip(middle, size, strict=True)])
        places = places or [[(long - side) // 2 for long in size]]
        frames.append(places + [places[-1]] * (k - len(places)))
    left, ordered = [list(range(k)) for _ in frames], [[] for _ in frames]

    def price(path):
        steps = [(frames[t][path[t]], frames[t + 1][path[t + 1]]) for t in range(len(path) - 1)]
        return sum(max(1, 20 * ((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2)) for a, b in steps), path

    for _ in range(k):
        path = min(itertools.product(*left), key=price)
        for t, number in enumerate(path):
            left[t].remove(number)
            ordered[t].append(frames[t][number])
    return ordered


@pytest.mark.parametrize("size", [(7, 7), (6, 6), (12, 9)])
@pytest.mark.parametrize("kind", ["noise", "levels", "blobs"])
def test_a_slow_sampler_finds_the_same(kind, size):
    draw = np.random.default_rng(len(kind) + size[0])
    maps = draw.random((12, 4, *size))
    if kind == "levels":  # many ties
        maps = np.floor(maps * 4) / 4
    elif kind == "blobs":
        rows, columns = np.arange(size[0])[:, None], np.arange(size[1])
        places = draw.random((5, 12, 4, 2)) * size
        maps = sum(np.exp(-((rows - p[..., :1, None]) ** 2 + (columns - p[..., 1:, None]) ** 2) / 2) for p in places)
    maps = np.round(maps * 2**16) / 2**16
    found, number = corners(maps, 3, (100, 90), 20)
    assert {count for video in number for count in video} & {2, 3}
    for video, own in enumerate(maps):
        assert found[video] == slow_corners(own, 3, (100, 90), 20)


def test_suppression_is_that_of_torchvision():
    """On regions without ties, whose order is theirs: what the official code calls."""
    maps = np.random.default_rng(0).random((200, 7, 7))
    for cells, box, number in zip(maps, *regions.boxes(maps, 16, RULES), strict=True):
        which, candidates = regions._candidates(np.round(cells * 2**16)[None], RULES)
        scores = torch.arange(len(which), 0, -1).float()
        kept = nms(torch.from_numpy(candidates).float(), scores, 0.3)[:16]
        assert candidates[kept].tolist() == box[:number].tolist()


@pytest.mark.parametrize("count", [2, 3])
def test_pairs_are_the_nearest_of_all_permutations(count):
    places = np.random.default_rng(count).integers(0, 160, (4, 5, count, 2))
    paired = slots.in_slots(places, "pairs")
    for own, given in zip(paired, places, strict=True):
        for before, after, free in zip(own, own[1:], given[1:], strict=False):
            prices = [((before - free[list(order)]) ** 2).sum() for order in itertools.permutations(range(count))]
            assert ((before - after) ** 2).sum() == min(prices) and sorted(after.tolist()) == sorted(free.tolist())


# ---- what a result depends on


@pytest.mark.parametrize("kind", ["trajectories", "pairs", "activation"])
def test_the_regions_of_a_video_are_its_own(kind):
    maps = torch.rand((6, 5, 7, 7), generator=torch.Generator().manual_seed(0))
    rules = regions.Regions(regions=3, slots=kind)
    together, number = regions.corners_and_number(maps, rules, (224, 224), kind)
    assert torch.equal(together, regions.corners(maps, rules, (224, 224)))
    for video in range(6):
        alone = regions.corners_and_number(maps[video : video + 1], rules, (224, 224), kind)
        assert torch.equal(alone[0][0], together[video]) and torch.equal(alone[1][0], number[video])


def test_noise_of_the_arithmetic_breaks_no_tie():
    """Four regions that are alike: the first row by row goes first, however the last digits fell."""
    made = map_of(r1c1=0.9, r1c5=0.9, r5c1=0.9, r5c5=0.9) + 0.1
    for seed in range(20):
        noise = 1e-6 * (np.random.default_rng(seed).random((7, 7)) - 0.5)
        box, _ = regions.boxes((made + noise)[None].astype(np.float32), 4, RULES)
        assert box[0, :, :2].tolist() == [[1, 1], [1, 5], [5, 1], [5, 5]]


# ---- what stands beside them


def clip(videos=3, frames=2, size=(48, 60)):
    truth = {"y0": 10.0, "x0": 20.0, "y1": 18.0, "x1": 30.0}
    return {
        "rgb": torch.zeros(videos, frames, 3, *size),
        "video_id": [f"video{number}" for number in range(videos)],
        **{f"truth.{key}": torch.full((videos, frames), value).double() for key, value in truth.items()},
    }


def other(look, batch, k=2, region_size=16, training=False):
    rules = regions.Regions(look=look, regions=k, region_size=region_size)
    return regions.other_corners(batch, rules, training=training)


def test_random_places_at_test_time_are_a_matter_of_the_video_alone():
    together = other("random", clip(3))
    alone = clip(1) | {"video_id": ["video1"]}
    assert together.shape == (3, 2, 2, 2) and torch.equal(together[1:2], other("random", alone))
    assert not torch.equal(together[0], together[1]) and not torch.equal(together[0, 0, 0], together[0, 0, 1])
    many = other("random", clip(1, 400)).flatten(0, 2)
    assert many.min(0).values.tolist() == [0, 0] and many.max(0).values.tolist() == [32, 44]


def test_random_places_in_training_are_drawn_by_torch():
    torch.manual_seed(0)
    first, second = other("random", clip(), training=True), other("random", clip(), training=True)
    torch.manual_seed(0)
    assert torch.equal(first, other("random", clip(), training=True)) and not torch.equal(first, second)


@pytest.mark.parametrize(
    ("k", "size", "side", "expected"),
    [
        (1, (224, 224), 64, [[80, 80]]),
        (2, (224, 224), 64, [[80, 48], [80, 112]]),
        (3, (224, 224), 64, [[80, 16], [80, 80], [80, 144]]),
        (4, (224, 224), 64, [[48, 48], [48, 112], [112, 48], [112, 112]]),
        (5, (224, 224), 64, [[48, 16], [48, 80], [48, 144], [112, 48], [112, 112]]),
        (3, (48, 48), 24, [[12, 0], [12, 12], [12, 24]]),  # three don't fit side by side
    ],
)
def test_central_places_stand_side_by_side_by_hand(k, size, side, expected):
    found = other("central", clip(1, size=size), k, side)
    assert found.tolist() == [[expected] * 2]


def test_true_places_hold_the_targets_middle_and_stay_in_the_frame():
    batch = clip(1)
    batch["truth.y0"][0, 1], batch["truth.y1"][0, 1] = 44.0, 60.0  # below the frame
    assert other("oracle", batch).tolist() == [[[[6, 17]] * 2, [[32, 17]] * 2]]
    batch["truth.x0"][0, 0] = batch["truth.y0"][0, 0] = float("nan")
    assert other("oracle", batch)[0, 0].tolist() == [[16, 22]] * 2


def test_true_places_need_the_truth():
    batch = clip()
    del batch["truth.y0"]
    with pytest.raises(SaccadeError, match="set truth:"):
        other("oracle", batch)


@pytest.mark.parametrize("look", ["random", "central", "oracle"])
@pytest.mark.parametrize("training", [False, True])
def test_a_region_larger_than_the_frame_is_refused_wherever_it_looks(look, training):
    with pytest.raises(SaccadeError, match="set `region_size` to 48 or less"):
        other(look, clip(), region_size=64, training=training)
