"""No weights of this paper were published; what comes in their place is a file of ours, as `train` leaves it."""

from pathlib import Path

from torch import Tensor

from saccade.engine.weights import covered
from saccade.plan.layers import resolve
from saccade.plan.phases import phases_of
from saccade.plan.runs import Run
from saccade.project import load_module
from saccade.records import Head

FOLDER = Path(__file__).parents[1]
# settings that no weight depends on, for a quick run
SMALL = {"num_frames": 4, "resize": 64, "crop": 64, "device": "cpu"}


def classes(variant: str) -> int:
    """Kinetics-400's."""
    return 400


def layout(variant: str, classes: int) -> dict[str, Tensor]:
    run = Run("paper", "motion-digits", "", "tcnn", "tcnn", 0)
    heads = (Head("label", "single", tuple(map(str, range(classes)))),)
    state = load_module(FOLDER / "model.py").build(resolve(FOLDER.parents[1], run).typed, heads).state_dict()
    (train,) = phases_of(FOLDER.parents[1], run)
    return {name: state[name] for name in covered(state, train.trains)}
