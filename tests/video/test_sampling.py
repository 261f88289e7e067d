"""Samplers: hand-computed cases, and what must hold for every frame count."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from saccade.records import SaccadeError
from saccade.settings import Input
from saccade.video import sampling

counts, lengths, seeds = st.integers(1, 400), st.integers(1, 40), st.integers(0, 2**32)


def _settings(**changes) -> Input:
    return Input(**{"heads": ["noun"], "num_frames": 8, "resize": 0, "crop": 0} | changes)


def _holds(indices: np.ndarray, frames: int, length: int) -> None:
    assert indices.dtype == np.int64 and indices.shape == (length,)
    assert (np.diff(indices) >= 0).all() and indices.min() >= 0 and indices.max() < frames


@given(counts, lengths, st.none() | seeds)
def test_segments_are_hit_once_each(frames, n, seed):
    indices = sampling.segments(frames, n, None if seed is None else np.random.default_rng(seed))
    _holds(indices, frames, n)
    if frames >= n:
        assert all(i * frames // n <= index < (i + 1) * frames // n for i, index in enumerate(indices.tolist()))
    else:
        assert set(indices.tolist()) == set(range(frames))
        assert np.bincount(indices).max() - np.bincount(indices).min() <= 1


def test_segment_centres_by_hand():
    assert sampling.segments(300, 3).tolist() == [50, 150, 250]
    assert sampling.segments(10, 4).tolist() == [1, 3, 6, 8]  # parts 0-1, 2-4, 5-6, 7-9
    assert sampling.segments(3, 8).tolist() == [0, 0, 0, 1, 1, 1, 2, 2]


def test_a_drawn_offset_reaches_every_frame():
    drawn = [sampling.segments(9, 3, np.random.default_rng(seed)) for seed in range(200)]
    assert set(np.concatenate(drawn).tolist()) == set(range(9))


@given(counts, lengths, st.integers(1, 8), st.none() | seeds, st.integers(1, 5), st.data())
def test_consecutive_frames_are_a_stride_apart(frames, length, stride, seed, num_clips, data):
    clip = data.draw(st.integers(0, num_clips - 1))
    generator = None if seed is None else np.random.default_rng(seed)
    indices = sampling.consecutive(frames, length, stride, generator, clip, num_clips)
    _holds(indices, frames, length)
    inside = indices[indices < frames - 1]
    assert (np.diff(inside) == stride).all()
    if (length - 1) * stride < frames:
        assert (np.diff(indices) == stride).all()
    else:
        assert indices[0] == 0


def test_clips_are_spread_from_the_first_frame_to_the_last():
    clips = [sampling.consecutive(20, 4, 2, clip=clip, num_clips=3).tolist() for clip in range(3)]
    assert clips == [[0, 2, 4, 6], [6, 8, 10, 12], [13, 15, 17, 19]]
    assert sampling.consecutive(20, 4, 2).tolist() == [6, 8, 10, 12]


def test_a_short_video_repeats_its_last_frame():
    assert sampling.consecutive(5, 4, 2).tolist() == [0, 2, 4, 4]


def test_a_drawn_start_reaches_both_ends():
    starts = {int(sampling.consecutive(6, 4, 1, np.random.default_rng(seed))[0]) for seed in range(50)}
    assert starts == {0, 1, 2}


@given(counts, lengths, seeds)
def test_random_frames_repeat_only_where_they_must(frames, n, seed):
    indices = sampling.random_frames(frames, n, np.random.default_rng(seed))
    _holds(indices, frames, n)
    times = np.bincount(indices, minlength=frames)
    assert times.max() - times.min() <= 1


@given(counts, lengths, st.data())
def test_oracle_frames_are_informative(frames, n, data):
    informative = data.draw(st.lists(st.integers(0, frames - 1), unique=True, min_size=1))
    indices = sampling.oracle_frames(informative, frames, n)
    _holds(indices, frames, n)
    assert set(indices.tolist()) <= set(informative)
    assert len(set(indices.tolist())) == min(n, len(informative))


def test_oracle_frames_by_hand():
    assert sampling.oracle_frames([9, 2, 5], 16, 3).tolist() == [2, 5, 9]
    assert sampling.oracle_frames([4, 12], 16, 5).tolist() == [4, 4, 4, 12, 12]
    assert sampling.oracle_frames([], 16, 2).tolist() == sampling.segments(16, 2).tolist()


def test_an_informative_frame_outside_the_video_is_named():
    with pytest.raises(SaccadeError, match="informative frame 16 is outside the video's 16 frames"):
        sampling.oracle_frames([3, 16], 16, 2)


def test_crops_by_hand():
    assert sampling.crops(10, 20, 8, 1) == [(1, 6)]
    assert sampling.crops(10, 20, 8, 3) == [(1, 0), (1, 6), (1, 12)]
    assert sampling.crops(20, 10, 8, 3) == [(0, 1), (6, 1), (12, 1)]


def test_a_crop_that_does_not_fit_says_what_to_set():
    with pytest.raises(SaccadeError, match="crop of 12 pixels doesn't fit into frames of 20x10; set `resize` to 12"):
        sampling.crops(10, 20, 12, 1)


def test_two_crops_have_no_meaning():
    with pytest.raises(ValueError, match="num_crops is 2: Value error, 2 must be 1"):
        _settings(num_crops=2, crop=4)


def test_views_are_clips_times_crops_with_crops_fastest():
    settings = _settings(sampler="consecutive", num_frames=4, stride=2, num_clips=2, num_crops=3, crop=8)
    views = sampling.views(settings, 20)
    assert [(indices.tolist(), crop) for indices, crop in views] == [
        (start, crop) for start in ([0, 2, 4, 6], [13, 15, 17, 19]) for crop in (0, 1, 2)
    ]


def test_several_temporal_views_need_consecutive_clips():
    with pytest.raises(SaccadeError, match="num_clips is 2, but the sampler 'segments' has one temporal view"):
        sampling.views(_settings(num_clips=2), 20)


def test_several_crops_need_a_crop():
    with pytest.raises(SaccadeError, match="crop 0 keeps the whole frame"):
        sampling.num_views(_settings(num_crops=3))


def test_a_crop_must_fit_into_the_resized_frame():
    with pytest.raises(SaccadeError, match="crop is 8, but resize only 4"):
        sampling.num_views(_settings(resize=4, crop=8))


@pytest.mark.parametrize(("frames", "n"), [(0, 4), (4, 0)])
def test_nothing_to_choose_is_an_error(frames, n):
    with pytest.raises(SaccadeError, match="frames"):
        sampling.segments(frames, n)


def test_the_first_frames_start_with_the_video_in_training_too():
    settings = Input(sampler="first", num_frames=3, stride=2, resize=0, crop=0)
    assert sampling.choose(settings, 20).tolist() == [0, 2, 4]
    assert sampling.choose(settings, 20, np.random.default_rng(0)).tolist() == [0, 2, 4]
    assert sampling.choose(settings, 4).tolist() == [0, 2, 3]  # the last frame repeats


PAUSED = sampling.clock(4, 10, 1.1, [0.0, 0.1, 0.2, 1.0])  # three frames, a rest, a last one


def test_each_tick_of_a_clock_shows_the_frame_of_its_middle():
    assert PAUSED.tolist() == [0, 1, 2, 2, 2, 2, 2, 2, 2, 2, 3]
    assert sampling.clock(3, 10, 0.2, [0.0, 0.01, 0.1]).tolist() == [1, 2]  # frame 0 is gone by 0.05 s
    assert sampling.clock(2, 1, 0.4, [0.0, 0.2]).tolist() == [1]  # at least one tick


@given(counts, st.sampled_from([1.0, 24000 / 1001, 25.0, 1000 / 33, 60.0]))
def test_of_a_constant_rate_each_tick_is_a_frame(frames, fps):
    times = np.round(np.arange(frames) / fps, 3)  # as Matroska writes them
    assert sampling.clock(frames, fps, frames / fps, times).tolist() == list(range(frames))
    assert sampling.clock(frames, fps, 99.0).tolist() == list(range(frames))


def test_a_sampler_that_counts_ticks_by_hand():
    assert sampling.choose_on_clock(_settings(num_frames=2), PAUSED).tolist() == [2, 2]  # ticks 2 and 8
    settings = _settings(sampler="consecutive", num_frames=3, stride=5)
    assert sampling.choose_on_clock(settings, PAUSED).tolist() == [0, 2, 3]
    settings = _settings(sampler="consecutive", num_frames=3, num_clips=2)
    views = [sampling.choose_on_clock(settings, PAUSED, clip=clip).tolist() for clip in range(2)]
    assert views == [[0, 1, 2], [2, 2, 3]]
    drawn = sampling.choose_on_clock(_settings(sampler="random", num_frames=11), PAUSED, np.random.default_rng(0))
    assert drawn.tolist() == PAUSED.tolist()  # no tick twice


def test_the_oracle_counts_the_ticks_of_informative_frames():
    def oracle(shown, informative, n):
        return sampling.choose_on_clock(_settings(sampler="oracle", num_frames=n), shown, None, informative).tolist()

    assert oracle(PAUSED, [1, 3], 4) == [1, 1, 3, 3]
    assert oracle(PAUSED, [2, 3], 3) == [2, 2, 2]  # ticks 3, 6 and 9 of 2 to 10
    assert oracle(PAUSED, [], 3) == [1, 2, 2]  # any frame: ticks 1, 5 and 9
    assert oracle(np.array([1, 2]), [0], 2) == [0, 0]  # no tick shows it


@given(counts, st.integers(1, 12), st.sampled_from(["segments", "consecutive", "first", "random", "oracle"]), seeds)
def test_counting_the_ticks_of_a_constant_rate_is_counting_frames(frames, n, sampler, seed):
    settings, informative = _settings(sampler=sampler, num_frames=n), [0, frames - 1] if sampler == "oracle" else None
    by_frame, by_tick = (
        choose(settings, counted, np.random.default_rng(seed), informative)
        for choose, counted in ((sampling.choose, frames), (sampling.choose_on_clock, np.arange(frames)))
    )
    assert by_frame.tolist() == by_tick.tolist()


def test_snippets_begin_at_places_of_which_each_has_its_frames():
    """Of 10 frames, snippets of 4 begin at the first 7: of parts 0-2 and 3-6 the middles are 1 and 5, of three 1, 3
    and 5."""
    settings = _settings(num_frames=2, snippet_frames=4)
    assert sampling.choose(settings, 10).tolist() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert sampling.choose(_settings(num_frames=3, snippet_frames=4), 10)[::4].tolist() == [1, 3, 5]


def test_a_video_shorter_than_a_snippet_repeats_its_last_frame():
    settings = _settings(num_frames=2, snippet_frames=4)
    assert sampling.choose(settings, 2).tolist() == [0, 1, 1, 1] * 2
    assert sampling.choose(settings, 5).tolist() == [0, 1, 2, 3, 1, 2, 3, 4]


def test_the_oracle_takes_snippets_with_an_informative_frame():
    """Frame 7 of 10 is in the snippets of 3 that begin at 5, 6 and 7; frame 0 in the first one alone."""
    settings = _settings(num_frames=3, snippet_frames=3, sampler="oracle")
    assert sampling.choose(settings, 10, informative=[7])[::3].tolist() == [5, 6, 7]
    assert sampling.choose(settings, 10, informative=[0]).tolist() == [0, 1, 2] * 3
    with pytest.raises(SaccadeError, match="informative frame 10 is outside"):
        sampling.choose(settings, 10, informative=[3, 10])


def test_snippets_by_time_are_successive_ticks():
    """A clock whose ticks show frames 0, 0, 1, 2, 2, 2: a snippet of two ticks in the middle shows frames 1 and 2."""
    settings = _settings(num_frames=1, snippet_frames=2, sample_by="time")
    assert sampling.choose_on_clock(settings, np.array([0, 0, 1, 2, 2, 2])).tolist() == [1, 2]


@given(counts, st.integers(1, 12), st.integers(2, 9), st.sampled_from(["segments", "random", "oracle"]), seeds)
def test_snippets_hold_successive_frames(frames, n, length, sampler, seed):
    settings = _settings(num_frames=n, snippet_frames=length, sampler=sampler)
    informative = list(range(0, frames, 3)) if sampler == "oracle" else None
    found = sampling.choose(settings, frames, np.random.default_rng(seed), informative).reshape(n, length)
    for starts in found:
        assert starts.tolist() == [min(starts[0] + step, frames - 1) for step in range(length)]
        assert 0 <= starts[0] <= max(frames - length, 0)


@pytest.mark.parametrize("sampler", ["consecutive", "first"])
def test_frames_that_follow_one_another_as_they_are_have_no_snippets(sampler):
    with pytest.raises(ValueError, match=f"snippet_frames is 4, but the frames of the sampler '{sampler}'"):
        _settings(snippet_frames=4, sampler=sampler)
