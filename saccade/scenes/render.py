"""Frames of a scene, at any size and frame rate."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saccade.scenes.digits import FACE_PX, background, face_picture, tint
from saccade.scenes.script import CHANNELS, Face, Scene, Shot, Thing, inside

STROKE = 0.5  # luminance of a full stroke without fine detail
CARRIER = 0.22  # amplitude of the one-pixel checkerboard under a full stroke, with fine detail only
BADGE = 0.9  # how much of the background a badge hides
BADGE_LUMINANCE = 0.45
FACE_SHARE = 0.84  # side of the picture over the diameter of the badge
REACH = 0.63  # how far from its centre a thing paints, in diameters: the corner of a square badge
SQUARE = 0.886  # half side of a square with the area of the unit disc
CLUTTER = 0.8  # contrast of clutter over that of things


@dataclass(frozen=True, kw_only=True)
class Rendering:
    """How a script becomes pixels."""

    height: int
    width: int
    fps: float
    crf: int
    contrast: float
    fine_detail: float  # share of the strokes' contrast that a one-pixel checkerboard carries
    locate_cue: float  # how much darker than its surround a badge is, in luminance
    sensor_noise: float  # standard deviation, in luminance
    still_noise: bool  # the noise goes on where the scene stands still

    @property
    def short_side(self) -> int:
        return min(self.height, self.width)


def frame_times(scene: Scene, fps: float) -> NDArray[np.float64]:
    """The middle of each frame in seconds of video time, (T,)."""
    return np.asarray((np.arange(round(scene.duration_s * fps)) + 0.5) / fps, dtype=np.float64)


def thing_states(scene: Scene, thing: Thing, times: NDArray[np.float64]) -> dict[str, NDArray[Any]]:
    """Where the thing is and what it shows at video `times` (T,): x, y, zoom, angle, shown, present. Camera shake is
    included."""
    scene_times = scene.clock.at(times)
    state: dict[str, NDArray[Any]] = {}
    for channel in CHANNELS:
        state[channel] = np.sum([curve.at(scene_times) for curve in thing.tracks[channel].values()], axis=0)
    for axis in "xy":
        if f"shake_{axis}" in scene.camera:
            state[axis] = state[axis] + scene.camera[f"shake_{axis}"].at(scene_times)
    state["shown"], state["present"] = inside(thing.shown, times), inside(thing.present, times)
    return state


def luminance_frames(scene: Scene, rendering: Rendering, noise: bool = True) -> Iterator[NDArray[np.float32]]:
    """Luminance of each frame, (height, width), nominally in [0, 1]."""
    times = frame_times(scene, rendering.fps)
    scene_times = scene.clock.at(times)
    states = [thing_states(scene, thing, times) for thing in scene.things]
    shots = np.searchsorted([shot.start_s for shot in scene.shots], scene_times, side="right") - 1
    worlds = {number: _world(scene.shots[number], rendering) for number in set(shots.tolist())}
    offsets = {axis: _camera_offset(scene, axis, scene_times, rendering) for axis in "xy"}
    grain = _Grain(scene, rendering)
    for index in range(len(times)):
        canvas = np.roll(worlds[shots[index]], (offsets["y"][index], offsets["x"][index]), axis=(0, 1))
        for thing, state in zip(scene.things, states, strict=True):
            if state["present"][index]:
                _paint_thing(canvas, thing, {name: values[index].item() for name, values in state.items()}, rendering)
        if noise and rendering.sensor_noise > 0:
            stands = index > 0 and scene_times[index] == scene_times[index - 1]
            canvas += grain.of(index, fresh=rendering.still_noise or not stands)
        yield canvas


def yuv_frames(scene: Scene, rendering: Rendering) -> Iterator[NDArray[np.uint8]]:
    """Planes of each frame as yuv420p, (height * 3 / 2, width), limited range."""
    height, width = rendering.height, rendering.width
    times = scene.clock.at(frame_times(scene, rendering.fps))
    starts = [shot.start_s for shot in scene.shots]
    for time, canvas in zip(times, luminance_frames(scene, rendering), strict=True):
        frame = np.empty((height * 3 // 2, width), dtype=np.uint8)
        frame[:height] = np.clip(canvas * 219.0 + 16.5, 16, 235).astype(np.uint8)
        blue, red = tint(scene.shots[int(np.searchsorted(starts, time, side="right")) - 1].background)
        frame[height : height + height // 4] = blue
        frame[height + height // 4 :] = red
        yield frame


class _Grain:
    """Sensor noise: one sheet of white noise per video, laid over each frame at a random place and with a
    random sign."""

    def __init__(self, scene: Scene, rendering: Rendering):
        self.seed, self.shape = scene.seed, (rendering.height, rendering.width)
        rng = np.random.default_rng([*scene.seed, 404])
        self.sheet = rendering.sensor_noise * rng.standard_normal(
            (self.shape[0] + 64, self.shape[1] + 64), dtype=np.float32
        )
        self.draws = rng.integers(0, 64, (100_000, 2))
        self.last = 0

    def of(self, index: int, fresh: bool) -> NDArray[np.float32]:
        self.last = index if fresh else self.last
        down, right = self.draws[self.last % len(self.draws)]
        return self.sheet[down : down + self.shape[0], right : right + self.shape[1]]


def _camera_offset(
    scene: Scene, axis: str, scene_times: NDArray[np.float64], rendering: Rendering
) -> NDArray[np.int64]:
    """By how many whole pixels the background is rolled. A fraction of a pixel would blur away the one-pixel
    checkerboard."""
    curves = [curve for name, curve in scene.camera.items() if name.endswith(f"_{axis}")]
    total = np.sum([curve.at(scene_times) for curve in curves], axis=0) if curves else np.zeros(len(scene_times))
    return np.round(total * rendering.short_side).astype(np.int64)


def _world(shot: Shot, rendering: Rendering) -> NDArray[np.float32]:
    world = background(shot.background, rendering.height, rendering.width).copy()
    for item in shot.clutter:
        unit = rendering.short_side
        patch = _patch(world, item.x * unit, item.y * unit, item.size * unit, item.angle)
        if patch is not None:
            _paint_ink(world, item.face, patch, rendering, CLUTTER)
    return world


@dataclass(frozen=True)
class _Patch:
    """The pixels that something of `diameter` around (x, y) may touch, and where each of them lies in its turned frame
    (unit: half diameters)."""

    rows: slice
    columns: slice
    across: NDArray[np.float32]
    down: NDArray[np.float32]
    parity: int  # of the pixel at the centre: a checkerboard moves along in whole pixels


def _patch(canvas: NDArray[np.float32], x: float, y: float, diameter: float, angle: float) -> _Patch | None:
    """The patch around (x, y) in pixels, or None where it lies outside the canvas."""
    reach = REACH * diameter + 1
    top, bottom = max(0, int(y - reach)), min(canvas.shape[0], int(y + reach) + 2)
    left, right = max(0, int(x - reach)), min(canvas.shape[1], int(x + reach) + 2)
    if top >= bottom or left >= right:
        return None
    down = ((np.arange(top, bottom) + 0.5 - y) * (2 / diameter)).astype(np.float32)[:, None]
    across = ((np.arange(left, right) + 0.5 - x) * (2 / diameter)).astype(np.float32)[None, :]
    cos, sin = math.cos(angle), math.sin(angle)
    turned = across * cos + down * sin, down * cos - across * sin
    return _Patch(slice(top, bottom), slice(left, right), *turned, (round(x) + round(y) + top + left) & 1)


def _paint_thing(canvas: NDArray[np.float32], thing: Thing, state: dict[str, Any], rendering: Rendering) -> None:
    unit = rendering.short_side
    diameter = thing.size * unit * 2.0 ** state["zoom"]
    patch = _patch(canvas, state["x"] * unit, state["y"] * unit, diameter, state["angle"])
    if patch is None:
        return
    if thing.badge == "disc":
        edge = np.sqrt(patch.across**2 + patch.down**2)
    else:
        edge = np.maximum(np.abs(patch.across), np.abs(patch.down)) / SQUARE
    mask = BADGE * np.clip((1.0 - edge) * (diameter / 2) + 0.5, 0.0, 1.0)
    view = canvas[patch.rows, patch.columns]
    view += mask * (BADGE_LUMINANCE - rendering.locate_cue - view)
    face = thing.face if state["shown"] else thing.blank
    if face is not None:
        _paint_ink(canvas, face, patch, rendering, 1.0)


def _paint_ink(canvas: NDArray[np.float32], face: Face, patch: _Patch, rendering: Rendering, contrast: float) -> None:
    """Add the strokes of `face`: partly as luminance, partly as the contrast of a checkerboard of single pixels."""
    scale, middle = FACE_PX / 2 / FACE_SHARE, FACE_PX / 2
    # points outside land on the picture's border, which is blank
    row = np.clip(patch.down * scale + middle, 0, FACE_PX - 1).astype(np.int32)
    column = np.clip(patch.across * scale + middle, 0, FACE_PX - 1).astype(np.int32)
    ink = face_picture(face)[row, column]
    plain = contrast * rendering.contrast * (1 - rendering.fine_detail) * STROKE
    carrier = contrast * rendering.contrast * rendering.fine_detail * CARRIER
    view = canvas[patch.rows, patch.columns]
    if carrier == 0:
        view += plain * ink
        return
    view[patch.parity :: 2, 0::2] += (plain + carrier) * ink[patch.parity :: 2, 0::2]
    view[1 - patch.parity :: 2, 1::2] += (plain + carrier) * ink[1 - patch.parity :: 2, 1::2]
    view[patch.parity :: 2, 1::2] += (plain - carrier) * ink[patch.parity :: 2, 1::2]
    view[1 - patch.parity :: 2, 0::2] += (plain - carrier) * ink[1 - patch.parity :: 2, 0::2]
