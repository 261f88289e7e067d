"""When the frames of a video are shown, and at which rate: pure functions of their time stamps."""

from collections.abc import Sequence

import numpy as np

REORDERED = 16  # frames that a picture may be coded ahead of being shown, in H.264 and HEVC


def joined(stamps: Sequence[int | None]) -> list[int | None]:
    """The stamps on one clock. Where they fall back further than reordering can explain, another recording begins (a
    broadcast, a DVD, files that were put one behind the other): its first frame follows the latest at the usual
    distance."""
    known = [stamp for stamp in stamps if stamp is not None]
    if known == sorted(known):
        return list(stamps)
    rising = [after - before for before, after in zip(known, known[1:], strict=False) if after > before]
    step = round(float(np.median(rising))) if rising else 0
    one_clock: list[int | None] = []
    latest, shift = known[0], 0
    for stamp in stamps:
        if stamp is None:
            one_clock.append(None)
            continue
        if stamp + shift < latest - REORDERED * step:
            shift = latest + step - stamp
        one_clock.append(stamp + shift)
        latest = max(latest, stamp + shift)
    return one_clock


def shown_at(stamps: Sequence[int | None], step: float) -> np.ndarray:
    """(N,) float64: when each frame is shown, in ticks from the first, never falling.

    stamps: in ticks, in the order in which frames come; a missing one lies between its neighbours. Where less than two
    are known, frames follow each other every `step` ticks. Where stamps fall back (some writers stamp pictures in the
    order of decoding), the n-th frame is shown at the n-th smallest.
    """
    numbers = np.arange(len(stamps), dtype=np.float64)
    known = np.array([number for number, stamp in enumerate(stamps) if stamp is not None], dtype=np.int64)
    if len(known) < 2:
        return numbers * step
    given = np.sort([float(stamp) for stamp in stamps if stamp is not None])
    times = np.interp(numbers, known, given)
    times += step * (np.minimum(numbers - known[0], 0) + np.maximum(numbers - known[-1], 0))
    return times - times[0]


def usual_step(stamps: Sequence[int | None]) -> float:
    """The median distance in ticks of frames that are shown at different times; 0 where there are none."""
    steps = np.diff(np.sort([float(stamp) for stamp in stamps if stamp is not None]))
    return float(np.median(steps[steps > 0])) if (steps > 0).any() else 0.0


def frame_rate(times_s: np.ndarray, step_s: float, stated: Sequence[float]) -> float:
    """The rate in frames a second at which the times are `steady`: the first such of those that the container states,
    else that of the times themselves. Where the rate varies, that of frames at their usual distance, `step_s`."""
    own = [(len(times_s) - 1) / times_s[-1]] if times_s[-1] > 0 else []
    return float(next((rate for rate in [*stated, *own] if steady(times_s, rate)), 1 / step_s))


def steady(times_s: np.ndarray, fps: float) -> bool:
    """Whether every frame n is shown at n / fps seconds, to within half a frame."""
    return bool((np.abs(times_s * fps - np.arange(len(times_s))) < 0.5).all())
