"""Which frames and which crops are looked at: pure functions of a video's frame count, and of a numpy Generator where
something is drawn.

Frame numbers come as sorted (n,) int64 arrays, every one in [0, frames). A sampler counts frames, or the ticks of a
clock (`clock`), each of which shows a frame (`choose_on_clock`).
"""

import math
from collections.abc import Callable, Sequence

import numpy as np

from saccade.records import SaccadeError
from saccade.settings import Input, why_no_views
from saccade.video import published_sampling


def segments(frames: int, num_segments: int, generator: np.random.Generator | None = None) -> np.ndarray:
    """One frame from each of `num_segments` equal parts: drawn from it with a generator, else its centre.

    Part i holds the frames floor(i*F/n) ... floor((i+1)*F/n)-1. Where there are fewer frames than parts, part i is the
    one frame floor(i*F/n), so that every frame appears and repeats are spread evenly. Source: Wang et al. 2016 (TSN),
    Sec. 3.1.
    """
    _check(frames, num_segments)
    edges = np.arange(num_segments + 1, dtype=np.int64) * frames // num_segments
    low, high = edges[:-1], np.maximum(edges[1:], edges[:-1] + 1)
    return (low + high) // 2 if generator is None else generator.integers(low, high)


def consecutive(
    frames: int,
    length: int,
    stride: int = 1,
    generator: np.random.Generator | None = None,
    clip: int = 0,
    num_clips: int = 1,
) -> np.ndarray:
    """`length` frames, `stride` apart. With a generator the start is drawn; without one it is that of clip number
    `clip` of `num_clips`.

    The starts of the clips are spread evenly: the first at frame 0, the last clip ending with the video; a single clip
    is the centre one. Where the video is shorter than the clip, its last frame repeats.
    """
    _check(frames, length)
    if stride < 1 or not 0 <= clip < num_clips:
        raise ValueError(f"stride {stride} must be at least 1, clip {clip} one of {num_clips}")
    latest = max(frames - (length - 1) * stride - 1, 0)
    if generator is not None:
        start = int(generator.integers(latest + 1))
    else:
        start = latest // 2 if num_clips == 1 else latest * clip // (num_clips - 1)
    return np.minimum(start + stride * np.arange(length, dtype=np.int64), frames - 1)


def random_frames(frames: int, n: int, generator: np.random.Generator) -> np.ndarray:
    """`n` frames drawn without regard to content, none twice; where n > frames, each appears n // frames times and some
    once more."""
    _check(frames, n)
    whole, rest = divmod(n, frames)
    drawn = generator.choice(frames, size=rest, replace=False)
    return np.sort(np.concatenate([np.repeat(np.arange(frames, dtype=np.int64), whole), drawn.astype(np.int64)]))


def oracle_frames(informative: Sequence[int] | np.ndarray, frames: int, n: int) -> np.ndarray:
    """`n` frames spread evenly over those whose numbers `informative` lists: their segment centres.

    Where there are fewer than n of them they repeat evenly, and no other frame is shown. Where there are none, any
    frame is as good and all are used.
    """
    _check(frames, n)
    numbers = np.unique(np.asarray(informative, dtype=np.int64))
    if not len(numbers):
        return segments(frames, n)
    _need_inside(numbers, frames)
    chosen: np.ndarray = numbers[segments(len(numbers), n)]
    return chosen


def clock(frames: int, fps: float, duration_s: float, times_s: Sequence[float] | np.ndarray = ()) -> np.ndarray:
    """(ticks,) int64: the frame shown in the middle of each tick of a clock with `fps` ticks a second, as many as the
    video lasts, at least one.

    `times_s`: when each frame is shown, from the first on; empty where the rate is constant: a tick is a frame then. A
    frame may be shown by no tick, or by many.
    """
    _check(frames, 1)
    if not len(times_s):
        return np.arange(frames, dtype=np.int64)
    middles = (np.arange(max(round(duration_s * fps), 1)) + 0.5) / fps
    shown = np.searchsorted(np.asarray(times_s), middles, side="right") - 1
    return shown.clip(0, frames - 1).astype(np.int64)


def crops(height: int, width: int, crop: int, num_crops: int, rounding: str = "floor") -> list[tuple[int, int]]:
    """(top, left) of each square crop of side `crop`: 1 in the centre, or 3 along the longer side (start, centre, end).

    `rounding`: the settings' `crop_rounding`. Raises SaccadeError where the frame is smaller than the crop.
    """
    if crop > min(height, width):
        raise SaccadeError(
            f"a crop of {crop} pixels doesn't fit into frames of {width}x{height}; set `resize` to {crop} or more"
        )
    roundings: dict[str, Callable[[float], int]] = {"floor": math.floor, "half_even": round, "ceiling": math.ceil}
    rounded = roundings[rounding]
    top, left = rounded((height - crop) / 2), rounded((width - crop) / 2)
    if num_crops == 1:
        return [(top, left)]
    if width >= height:
        return [(top, 0), (top, left), (top, width - crop)]
    return [(0, left), (top, left), (height - crop, left)]


def num_views(settings: Input) -> int:
    """How many views a video has at test time: temporal clips times crops. Raises SaccadeError for a combination that
    has no meaning."""
    if why := why_no_views(settings):
        raise SaccadeError(why)
    return settings.num_clips * settings.num_crops


def choose(
    settings: Input,
    frames: int,
    generator: np.random.Generator | None = None,
    informative: Sequence[int] | np.ndarray | None = None,
    clip: int = 0,
    fps: float = 0.0,
) -> np.ndarray:
    """The (num_frames * snippet_frames,) frame numbers that the settings' sampler takes: at each place the snippet that
    begins there.

    `generator`: given in training; the sampler `random` always needs one. `informative`: the frame numbers that
    `oracle` needs. `clip`: which temporal view, at test time. `fps`: the video's rate, where `clips` go by it.
    """
    if (length := settings.snippet_frames) == 1:
        return _places(settings, frames, generator, informative, clip, fps)
    _check(frames, settings.num_frames)
    starts = max(frames - length + 1, 1)
    if informative is not None:  # a snippet is where one of its frames is
        informative = np.asarray(informative, dtype=np.int64)
        _need_inside(informative, frames)
        begins = np.subtract.outer(informative, np.arange(length)).ravel()
        informative = np.unique(begins.clip(0, starts - 1))
    return snippets(_places(settings, starts, generator, informative, clip, fps), length, frames)


def snippets(starts: np.ndarray, length: int, frames: int) -> np.ndarray:
    """(n * length,) frame numbers: `length` successive ones from each start; past its end a video shows its last
    frame."""
    successive: np.ndarray = np.minimum(starts[:, None] + np.arange(length, dtype=np.int64), frames - 1)
    return successive.ravel()


def _places(
    settings: Input,
    frames: int,
    generator: np.random.Generator | None,
    informative: Sequence[int] | np.ndarray | None,
    clip: int,
    fps: float,
) -> np.ndarray:
    if settings.sampler == "consecutive":
        return _clip(settings, frames, generator, clip, fps)
    if settings.sampler == "first":
        # the first of two clips starts with the video
        return consecutive(frames, settings.num_frames, settings.stride, num_clips=2)
    if settings.sampler == "random":
        if generator is None:
            raise ValueError("the sampler 'random' needs a generator")
        return random_frames(frames, settings.num_frames, generator)
    if settings.sampler == "oracle":
        if informative is None:
            raise SaccadeError("the sampler 'oracle' needs to know which frames are informative")
        return oracle_frames(informative, frames, settings.num_frames)
    return of_each_part(settings, frames, settings.num_frames, generator)


def of_each_part(settings: Input, frames: int, n: int, generator: np.random.Generator | None = None) -> np.ndarray:
    """One frame from each of n parts of the video, as `segments` and `short_videos` say: drawn with a generator."""
    _check(frames, n)
    if settings.short_videos == "last" and frames < n:
        return np.minimum(np.arange(n, dtype=np.int64), frames - 1)
    if settings.short_videos == "first" and (frames < n or (frames == n and generator is None)):
        return np.zeros(n, dtype=np.int64)
    if settings.segments == "tsn":
        return published_sampling.tsn_segments(frames, n, generator)
    if settings.segments == "pyslowfast":
        return published_sampling.pyslowfast_segments(frames, n, generator)
    return segments(frames, n, generator)


def _clip(settings: Input, frames: int, generator: np.random.Generator | None, clip: int, fps: float) -> np.ndarray:
    length, stride, count = settings.num_frames, settings.stride, settings.num_clips
    _check(frames, length)
    if settings.clips == "pyslowfast":
        return published_sampling.pyslowfast_clip(frames, length, stride, fps, generator, clip, count)
    if settings.clips == "pytorchvideo":
        return published_sampling.pytorchvideo_clip(frames, length, stride, fps, generator, clip, count)
    if settings.clips == "sgs":
        return published_sampling.sgs_clip(frames, length, stride, generator, clip, count, settings.num_crops)
    return consecutive(frames, length, stride, generator, clip, count)


def choose_on_clock(
    settings: Input,
    shown: np.ndarray,
    generator: np.random.Generator | None = None,
    informative: Sequence[int] | np.ndarray | None = None,
    clip: int = 0,
    fps: float = 0.0,
) -> np.ndarray:
    """The (num_frames * snippet_frames,) frame numbers that the settings' sampler takes, counting ticks: `shown`
    (ticks,) is the frame that each tick shows (`clock`). The rest as in `choose`.

    To `oracle` a frame is worth the ticks that show it. Informative frames too short for any tick are taken by number
    where there are no others.
    """
    if informative is None:
        return shown[choose(settings, len(shown), generator, None, clip, fps)]
    ticks = np.flatnonzero(np.isin(shown, informative))
    if len(informative) and not len(ticks):
        return choose(settings, int(np.max(informative)) + 1, generator, informative, clip)
    return shown[choose(settings, len(shown), generator, ticks, clip)]


def views(settings: Input, frames: int, fps: float = 0.0) -> list[tuple[np.ndarray, int]]:
    """(frame numbers, crop number) of every view at test time, crops varying fastest. For `segments` and
    `consecutive`."""
    count = num_views(settings)
    return [
        (choose(settings, frames, clip=view // settings.num_crops, fps=fps), view % settings.num_crops)
        for view in range(count)
    ]


def _need_inside(informative: np.ndarray, frames: int) -> None:
    if len(wrong := informative[(informative < 0) | (informative >= frames)]):
        raise SaccadeError(f"informative frame {wrong[-1]} is outside the video's {frames} frames")


def _check(frames: int, n: int) -> None:
    if frames < 1:
        raise SaccadeError(f"a video of {frames} frames has none to choose from")
    if n < 1:
        raise SaccadeError(f"{n} frames were asked for; num_frames must be at least 1")
