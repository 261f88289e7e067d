"""Which timesteps are chosen, by hand-computed cases: grids, rules, ranking, thresholds, alignment."""

from pathlib import Path

import numpy as np
import pytest
import torch

from saccade.project import load_module

FOLDER = Path(__file__).parents[1]
model, places = load_module(FOLDER / "model.py"), load_module(FOLDER / "networks/places.py")
Settings = load_module(FOLDER / "settings.py").Settings
ANY = {"num_frames": 8, "resize": 0, "crop": 0, "epochs": 1, "batch_size": 2, "lr": 0.1}


def settings(**chosen):
    return Settings(
        **{**ANY, "timesteps": 8, "cached_timesteps": 8, "train_timesteps": 8, "timestep_frames": 4, **chosen}
    )


def every(number=8):
    return np.arange(number)


def test_a_grid_spans_the_video_and_its_last_snippets_fit():
    """Of 18 frames, places begin every 2.25, the last at 14 at the latest."""
    assert places.starts(every(), 18, settings()).tolist() == [0, 2, 4, 6, 9, 11, 13, 14]
    assert places.snippets(np.array([7]), 18, settings()).tolist() == [[14, 15, 16, 17]]


def test_the_lightnet_sees_the_middle_of_what_the_heavynet_sees():
    """Of 8 frames the fifth: f_{j + m / 2}."""
    eight = settings(timestep_frames=8)
    shown, middle = places.snippets(every(), 80, eight), places.middles(every(), 80, eight)
    assert shown[3].tolist() == [30, 31, 32, 33, 34, 35, 36, 37]
    assert middle.tolist() == shown[:, 4].tolist()


def test_a_video_shorter_than_a_snippet_repeats_its_last_frame():
    assert places.snippets(np.array([5]), 2, settings()).tolist() == [[0, 1, 1, 1]]
    assert places.middles(np.array([5]), 2, settings()).tolist() == [1]


@pytest.mark.parametrize(
    ("number", "first", "centre"),
    [(1, [0], [4]), (2, [0, 4], [2, 6]), (3, [0, 2, 5], [1, 4, 6]), (8, [*range(8)], [*range(8)])],
)
def test_uniform_rules(number, first, centre):
    assert places.first(8, number).tolist() == first
    assert places.centre(8, number).tolist() == centre


def test_a_lot_depends_on_its_drawing_and_the_video_alone():
    drawn = [places.random(64, 8, draw, video).tolist() for draw, video in ((0, "a"), (0, "a"), (1, "a"), (0, "b"))]
    assert drawn[0] == drawn[1] and drawn[0] not in drawn[2:]
    assert all(len(set(one)) == 8 and one == sorted(one) for one in drawn)


def test_true_timesteps_hold_an_informative_frame():
    """Frames 9 and 20 to 23 of 32: in the snippets of places 2 (8 to 11) and 5 (20 to 23)."""
    informative = torch.zeros(32)
    informative[[9, 20, 21, 22, 23]] = 1
    assert places.truth(4, informative, settings()).tolist() == [2, 5]
    assert places.truth(1, informative, settings()).tolist() == [5]
    assert places.truth(2, torch.zeros(32), settings()).tolist() == [2, 6]
    # a ResNet sees frames 2, 6, 10, ... alone: of these 22 informs
    assert places.truth(4, informative, settings(heavy="resnet")).tolist() == [5]


def chosen(alpha, **more):
    return model._selected(torch.tensor(alpha), settings(**more)).tolist()


def test_the_best_are_chosen_by_rank_in_order_of_time():
    assert chosen([0.1, -0.5, 2.0, -1.0], selected=2) == [0, 2]
    assert chosen([-3.0, -0.5, -2.0, -1.0], selected=2) == [1, 3]


def test_of_equal_ones_the_earlier_is_chosen():
    assert chosen([0.0, 1.0, 1.0, 1.0], selected=2) == [1, 2]


def test_a_threshold_takes_all_open_gates_and_at_least_the_best():
    assert chosen([0.1, -0.5, 0.0, -1.0], choose="threshold", pool=4) == [0, 2]
    assert chosen([-3.0, -0.5, -2.0, -1.0], choose="threshold", pool=4) == [1]


def test_training_draws_timesteps_in_order_of_time():
    phases = load_module(FOLDER / "phases.py")
    some, generator = settings(train_timesteps=3), torch.Generator().manual_seed(0)
    drawn = [phases._drawn(some, generator, 0).tolist() for _ in range(20)]
    assert all(one == sorted(set(one)) and len(one) == 3 for one in drawn) and len(set(map(tuple, drawn))) > 10
    assert phases._drawn(some, None, 0).tolist() == [1, 4, 6]
    numbers = [len(phases._drawn(settings(), generator, 1)) for _ in range(400)]
    assert set(numbers) == set(range(1, 9))
    # evenly by logarithm: a single one in log 2 / log 9 of the draws
    assert numbers.count(1) / 400 == pytest.approx(np.log(2) / np.log(9), abs=0.1)
