"""Drawing the parts of a scene. Every function takes its generator; times are in seconds."""

import zlib

import numpy as np

from saccade.scenes.script import Clutter, Curve, Face, Interval, Shot, Sound

BLOCKS = 16  # of 2 × 2 pixels in a digit
DIGITS = 5  # decimals kept in scripts


def video_generator(seed: int, split: str, number: int) -> np.random.Generator:
    """The random generator of one video. It depends on these three values alone, so neither the order of the videos nor
    the others matter."""
    return np.random.default_rng([seed, zlib.crc32(split.encode()), number])


def curve(times: list[float], values: list[float]) -> Curve:
    return Curve([round(float(time), DIGITS) for time in times], [round(float(value), DIGITS) for value in values])


def constant(value: float) -> Curve:
    return curve([0.0], [value])


def scattered(rng: np.random.Generator, lengths: list[float], duration: float) -> list[Interval]:
    """Disjoint intervals of these lengths, in random order and at random times.

    They are laid on a circle that is then cut at random, so that each moment of the video is covered with the same
    probability. The one over the cut comes in two pieces. Lengths that fill the video cover it all.
    """
    free = duration - sum(lengths)
    if not lengths or free <= 1e-9:
        return [[0.0, duration]] if lengths else []
    gaps = free * rng.dirichlet(np.ones(len(lengths)))
    start, pieces = rng.uniform(0, duration), []
    for length, gap in zip(rng.permutation(lengths), gaps, strict=True):
        first = start % duration
        pieces.append([first, min(first + length, duration)])
        if first + length > duration:
            pieces.append([0.0, first + length - duration])
        start += length + gap
    return sorted([round(first, DIGITS), round(last, DIGITS)] for first, last in pieces)


def stopped_clock(stops: list[Interval], duration: float) -> Curve:
    """Scene time as a function of video time: it stands still during `stops` and runs at rate 1 otherwise."""
    times, values, scene_time, last = [0.0], [0.0], 0.0, 0.0
    for start, end in stops:
        scene_time += start - last
        times += [start, end]
        values += [scene_time, scene_time]
        last = end
    return curve([*times, duration], [*values, scene_time + duration - last])


def sawtooth(
    rng: np.random.Generator, rate: float, amplitude: float, duration: float, both_ways: bool = False
) -> Curve:
    """A ramp over `amplitude` (negative: downwards) around 0, `rate` times a second, that jumps back at its end.

    Its phase is uniform, hence so is its value at any moment. With `both_ways` it ramps back instead of jumping.
    """
    phase = rng.uniform()
    ends = np.arange(1, np.ceil(phase + rate * duration) + 1)
    if both_ways:
        phase, ends = 2 * phase, np.arange(1, np.ceil(2 * phase + 2 * rate * duration) + 1)
        knots = np.array([phase, *ends[ends > phase]])
        return curve(list((knots - phase) / (2 * rate)), list(amplitude * (np.abs((knots + 1) % 2 - 1) - 0.5)))
    times, values = [0.0], [phase - 0.5]
    for end in ends:
        times += [(end - phase) / rate] * 2
        values += [0.5, -0.5]
    return curve(times, [amplitude * value for value in values])


def journey(
    rng: np.random.Generator, low: float, high: float, drift: float, jumps: list[float], duration: float
) -> Curve:
    """A place in [low, high] that moves evenly, over `drift` of the way to a second random place. At each jump a new
    place is drawn."""
    times, values = [], []
    bounds = [0.0, *jumps, max(duration, 1e-3)]
    for start, end in zip(bounds[:-1], bounds[1:], strict=True):
        here, there = rng.uniform(low, high, 2)
        whole = min(1.0, (end - start) / max(duration, 1e-3))  # a short stretch gets its share of the way
        times += [start, end]
        values += [here, here + drift * whole * (there - here)]
    return curve(times, values)


def wobble(rng: np.random.Generator, windows: list[Interval], amplitude: float, step: float = 0.1) -> Curve:
    """Random displacement inside the windows and 0 outside: motion that can't be predicted."""
    times, values = [0.0], [0.0]
    for start, end in windows:
        inner = np.arange(start + step, end - step / 2, step)
        times += [start, *inner, end]
        values += [0.0, *np.clip(rng.normal(0, amplitude, len(inner)), -2 * amplitude, 2 * amplitude), 0.0]
    return curve(times, values)


def event_times(rng: np.random.Generator, rate: float, duration: float) -> list[float]:
    """Sorted random times, `rate` a second on average."""
    return sorted(round(float(time), DIGITS) for time in rng.uniform(0, duration, rng.poisson(rate * duration)))


def shuffled(rng: np.random.Generator, instance: int) -> Face:
    """A digit whose blocks have changed places: as much ink, and no digit."""
    return Face(int(instance), rng.permutation(BLOCKS).tolist())


def shot(
    rng: np.random.Generator, start: float, background: int, faces: list[Face], size: float, aspect: float
) -> Shot:
    """A background with these faces strewn over it, each of about `size`."""
    clutter = []
    for face in faces:
        x, y, scale, angle = (
            rng.uniform(0, max(1.0, aspect)),
            rng.uniform(0, max(1.0, 1 / aspect)),
            rng.uniform(0.8, 1.2),
            rng.uniform(-0.6, 0.6),
        )
        clutter.append(Clutter(face, *(round(float(value), DIGITS) for value in (x, y, size * scale, angle))))
    return Shot(start, background, clutter)


def sweep(rng: np.random.Generator, kind: str, start: float, length: float, duration: float, event: bool) -> Sound:
    """A sound at `start`, moved forward where it would outlast the video."""
    low, level = rng.uniform(300, 500), rng.uniform(0.15, 0.3)
    first = round(float(np.clip(start, 0, max(0.0, duration - length))), DIGITS)
    return Sound(first, length, kind, round(float(low), 1), round(float(low * 4), 1), round(float(level), 3), event)


def timeline(rng: np.random.Generator, lengths: list[float], duration: float, whole: bool = False) -> list[float]:
    """When disjoint moments of these lengths begin, in the lengths' order; their order in time is random.

    As in `scattered`, they lie on a circle that is cut at random, so that each moment of the video is covered with the
    same probability, and the one over the cut goes on at the video's start (`around`). With `whole` the cut is in a
    gap. Raises ValueError where they don't fit.
    """
    free, count = duration - sum(lengths), len(lengths)
    if free < -1e-9:
        raise ValueError(f"moments of {sum(lengths):.2f} s don't fit into {duration} s")
    order = rng.permutation(count)
    if not count:
        return []
    gaps = max(free, 0.0) * rng.dirichlet(np.ones(count + whole))
    start = gaps[-1] if whole else rng.uniform(0, duration) if free > 1e-9 else 0.0
    starts = [0.0] * count
    for place, gap in zip(order.tolist(), gaps[:count], strict=True):
        starts[place] = round(float(start % duration), DIGITS)
        start += lengths[place] + gap
    return starts


def around(interval: Interval, start: float, duration: float) -> list[Interval]:
    """An interval counted from a moment's start, in video time: in two pieces where it lies over the video's end."""
    first, last = (start + time for time in interval)
    if last <= duration + 10.0**-DIGITS:
        pieces = [[first, min(last, duration)]]
    elif first >= duration:
        pieces = [[first - duration, last - duration]]
    else:
        pieces = [[0.0, last - duration], [first, duration]]
    return [[round(one, DIGITS), round(other, DIGITS)] for one, other in pieces]


def ramp_around(first: float, last: float, start: float, length: float, duration: float) -> Curve:
    """From `first` to `last` over a moment of this length; it goes on at the video's start, as in `around`."""
    if start + length <= duration:
        return curve([start, start + length], [first, last])
    middle = first + (last - first) * (duration - start) / length
    return curve([0.0, start + length - duration, start, duration], [middle, last, first, middle])
