"""When frames are shown, from stamps as containers hold them: hand-computed cases."""

import numpy as np
import pytest

from saccade.video import timeline


def test_recordings_behind_each_other_are_one_after_the_other():
    first = list(range(100, 160, 2))  # 30 frames, 2 ticks apart
    assert timeline.joined([*first, *first]) == list(range(100, 220, 2))
    assert timeline.joined([*first, 0, None, 4]) == [*first, 160, None, 164]


@pytest.mark.parametrize("stamps", [[], [None, None], [5], [0, 4, 2, 1, 3, 8, 6, 5, 7], [0, 1, 2, 500, 501]])
def test_reordered_pictures_and_rests_are_one_recording(stamps):
    assert timeline.joined(stamps) == stamps


def test_missing_stamps_lie_between_and_beyond_their_neighbours():
    assert timeline.shown_at([None, 10, None, None, 16, None], 2.0).tolist() == [0, 2, 4, 6, 8, 10]
    assert timeline.shown_at([None, 7, None], 2.0).tolist() == [0, 2, 4]
    assert timeline.shown_at([0, 4, 2, 6], 2.0).tolist() == [0, 2, 4, 6]  # stamped in the order of decoding


def test_a_rate_is_steady_to_within_half_a_frame():
    times = np.array([0.0, 0.1, 0.2, 0.34])
    assert timeline.steady(times, 10) and not timeline.steady(times + [0, 0, 0, 0.02], 10)
    assert timeline.frame_rate(times, 0.1, [20.0, 10.0]) == 10
    assert timeline.frame_rate(np.array([0.0, 0.1, 0.2, 5.0]), 0.1, [30.0]) == pytest.approx(
        10
    )  # by the usual distance
