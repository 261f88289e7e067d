"""What each frame of a scene shows, computed from its script."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from saccade.scenes.render import Rendering, frame_times, thing_states
from saccade.scenes.script import Scene, Thing

MOMENT_STEP = 0.25  # state change, in object sizes, after which a new moment begins
FACE_STEP = 1.0  # state change of a face that comes or goes


def target_states(scene: Scene, fps: float) -> NDArray[np.float64]:
    """The target's state in each frame, (T, 6): x and y in object sizes, zoom in octaves, angle in radians, face,
    presence."""
    target = scene.target
    state = thing_states(scene, target, frame_times(scene, fps))
    columns = [state["x"] / target.size, state["y"] / target.size, state["zoom"], state["angle"]]
    return np.stack([*columns, FACE_STEP * state["shown"], FACE_STEP * state["present"]], axis=1)


def moments(states: NDArray[np.float64]) -> NDArray[np.int64]:
    """The number of the moment that each frame belongs to, (T,). A new moment begins where the state is MOMENT_STEP
    away from the first state of the last one."""
    result, anchor = np.zeros(len(states), dtype=np.int64), states[0]
    for index in range(1, len(states)):
        new = np.linalg.norm(states[index] - anchor) >= MOMENT_STEP
        result[index] = result[index - 1] + new
        anchor = states[index] if new else anchor
    return result


def boxes(scene: Scene, role: str, rendering: Rendering) -> list[NDArray[np.float64]]:
    """For each thing of that role, its badge's box in each frame: (T, 4) as x0, y0, x1, y1 in pixels, not cut at the
    frame's borders."""
    result = []
    for thing in (thing for thing in scene.things if thing.role == role):
        result.append(thing_box(thing, thing_states(scene, thing, frame_times(scene, rendering.fps)), rendering))
    return result


def thing_box(thing: Thing, state: dict[str, NDArray[Any]], rendering: Rendering) -> NDArray[np.float64]:
    """The badge's box in each of the states that `thing_states` gives, as in `boxes`."""
    half = thing.size * 2.0 ** state["zoom"] / 2
    corners = [state["x"] - half, state["y"] - half, state["x"] + half, state["y"] + half]
    return np.stack(corners, axis=1) * rendering.short_side


def frame_truth(scene: Scene, rendering: Rendering, pixel_change: list[float]) -> dict[str, Any]:
    """Columns with one value per frame; they are explained in the README of the dataset."""
    times = frame_times(scene, rendering.fps)
    states, scene_times = target_states(scene, rendering.fps), scene.clock.at(times)
    box = boxes(scene, "target", rendering)[0]
    visibility = visible_share(box, rendering) * (states[:, 5] > 0)
    steps = np.diff(scene_times) > 0
    moving = np.append(steps, False) | np.append(False, steps)
    centre = (box[:, :2] + box[:, 2:]) / 2 - np.array([rendering.width, rendering.height]) / 2
    sound = np.zeros(len(times), dtype=bool)
    for event in scene.sounds or []:
        sound |= (times >= event.start_s) & (times < event.start_s + event.duration_s) & event.event
    return {
        "video_id": np.full(len(times), scene.video_id),
        "frame": np.arange(len(times)),
        "informative": (states[:, 4] > 0) & (visibility > 0.5),
        "informative_verb": moving & (visibility > 0.5) & (not scene.target.lookalike),
        "moment": moments(states),
        "novelty": _novelty(states),
        "novelty_pixels": pixel_change,
        "surprise": _surprise(states),
        "still": np.append(False, ~steps),
        **{name: box[:, column] for column, name in enumerate(("x0", "y0", "x1", "y1"))},
        "visibility": visibility,
        "eccentricity": np.hypot(centre[:, 0], centre[:, 1]) / (rendering.short_side / 2),
        "sound": sound & (not scene.silent),
    }


def video_facts(scene: Scene, truth: dict[str, Any]) -> dict[str, Any]:
    """Truth about the whole video: its distinct moments, and the fewest frames that can tell each label (0: no frames
    can)."""
    return {
        "distinct_moments": int(truth["moment"][-1]) + 1,
        "sufficient_frames": {
            "noun": int(truth["informative"].any()),
            "verb": 2 * int(truth["informative_verb"].any()),
        },
        "informative_share": float(truth["informative"].mean()),
        "still_share": float(truth["still"].mean()),
    }


def _novelty(states: NDArray[np.float64]) -> NDArray[np.float64]:
    """How much the state changed since the frame before. The first frame is all new and counts FACE_STEP."""
    return np.append(FACE_STEP, np.linalg.norm(np.diff(states, axis=0), axis=1))


def _surprise(states: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far the state is from what constant velocity predicts. It is 0 in the first two frames, which have no
    prediction."""
    error = states[2:] - 2 * states[1:-1] + states[:-2]
    return np.concatenate([np.zeros(min(2, len(states))), np.linalg.norm(error, axis=1)])


def visible_share(box: NDArray[np.float64], rendering: Rendering) -> NDArray[np.float64]:
    """The share of the box that is inside the frame. What is painted last isn't hidden
    by anything else."""
    wide = np.clip(box[:, 2], 0, rendering.width) - np.clip(box[:, 0], 0, rendering.width)
    high = np.clip(box[:, 3], 0, rendering.height) - np.clip(box[:, 1], 0, rendering.height)
    return wide * high / ((box[:, 2] - box[:, 0]) * (box[:, 3] - box[:, 1]))
