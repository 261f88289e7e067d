"""What each frame of a scene made of moments shows, computed from its script.

Each thing of such a scene is a badge that is there for some seconds, one at a time. Its role: `key`, a badge that
counts; `other`, a badge that shows as much and doesn't count; `marker`, a badge that says which of them count;
`lookalike`, a badge that shows nothing.
"""

from typing import Any

import numpy as np

from saccade.scenes.render import Rendering, frame_times, thing_states
from saccade.scenes.script import Scene
from saccade.scenes.truth import thing_box, visible_share

VISIBLE = 0.5  # share of its box inside the frame from which a badge can be read
FILLER = -1  # the moment of frames that belong to none


def holds(scene: Scene) -> bool:
    """Whether the scene is made of moments, instead of one target that is there throughout."""
    return all(thing.role != "target" for thing in scene.things)


def frame_truth(scene: Scene, rendering: Rendering, pixel_change: list[float]) -> dict[str, Any]:
    """Columns with one value per frame: `informative` (a badge that counts shows what it has), `key` (any badge does),
    `marker`, `moment` (numbered by their beginning, FILLER where there is none), the box of the badge that is there
    and its visibility (all 0 where there is none)."""
    times = frame_times(scene, rendering.fps)
    shows = {role: np.zeros(len(times), dtype=bool) for role in ("key", "other", "marker")}
    moment, box, visibility = np.full(len(times), FILLER), np.zeros((len(times), 4)), np.zeros(len(times))
    number = 0
    for thing in scene.things:
        state = thing_states(scene, thing, times)
        present, own = state["present"], thing_box(thing, state, rendering)
        box[present], visibility[present] = own[present], visible_share(own, rendering)[present]
        if thing.role in shows:
            shows[thing.role] |= present & state["shown"] & (visibility > VISIBLE)
            moment[present] = number
            number += 1
    return {
        "video_id": np.full(len(times), scene.video_id),
        "frame": np.arange(len(times)),
        "informative": shows["key"],
        "key": shows["key"] | shows["other"],
        "marker": shows["marker"],
        "moment": moment,
        "novelty_pixels": pixel_change,
        **{name: box[:, column] for column, name in enumerate(("x0", "y0", "x1", "y1"))},
        "visibility": visibility,
    }


def video_facts(scene: Scene, truth: dict[str, Any]) -> dict[str, Any]:
    """Truth about the whole video: how many moments of each role it holds, and shares of its frames."""
    roles = [thing.role for thing in scene.things]
    return {
        "moments": {role: roles.count(role) for role in ("key", "other", "marker", "lookalike")},
        "informative_share": float(truth["informative"].mean()),
        "filler_share": float((truth["moment"] == FILLER).mean()),
    }
