"""Operating points that look at the same clips on demand are predicted together: a video is opened once, and what one
point computed of it the next one finds in the clip's `memory`. What that may not change is checked on a sample."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from saccade.engine.device import to_device
from saccade.engine.inference import need_declared_frames, predict_points
from saccade.engine.ties import is_tie, same_decisions
from saccade.records import Prediction, SaccadeError, canonical
from saccade.video.batches import collate
from saccade.video.loader import VideoDataset

if TYPE_CHECKING:
    import pandas as pd

SAMPLE = (0, -2, -1)  # the videos of a split, sorted by id, that every point is asked about alone, too
CLOSE = 1e-4  # how far scores may then be from those found together


def groups_of(points: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    """The points, those together whose clips on demand are the same."""
    groups: dict[str, dict[str, Any]] = {}
    for point, settings in points.items():
        names = [*_of_input(settings), "eval_batch_size", "workers"]
        same = canonical({name: getattr(settings, name) for name in names}) if settings.on_demand else point
        groups.setdefault(same, {})[point] = settings
    return groups.values()


def _of_input(settings: Any) -> list[str]:
    """The names of the section `Input`. It is found by its name: code that mentions the class would be other code, and
    runs made anew, with each new setting (`saccade.code_hash`)."""
    section = next(part for part in type(settings).__mro__ if part.__name__ == "Input")
    return [field.name for field in dataclasses.fields(section)]


def predict_together(
    model: nn.Module,
    method_predict: Callable[..., Prediction],
    dataset: VideoDataset,
    points: Mapping[str, Any],
    device: torch.device,
) -> dict[str, "pd.DataFrame"]:
    """{point: table as of `predict_point`} of one of `groups_of`, with a progress bar. Raises SaccadeError where a
    video of the sample gets something else from a point that is asked alone, of a clip of this video without memory:
    other multiply-adds, decoded frames, decisions or scores."""
    if len(points) == 1:
        label = next(iter(points))
        return predict_points(model, method_predict, dataset, points, device, label)
    ids = dataset.index["video_id"].tolist()
    sample = {ids[place]: place % len(ids) for place in SAMPLE if -len(ids) <= place}

    def clip_of(place: int) -> dict[str, Any]:
        return to_device(collate([dataset[place]]), device)

    def check(batch: dict[str, Any], together: dict[str, Prediction]) -> None:
        for number, video in enumerate(batch["video_id"]):
            if video in sample:
                for point, found in together.items():
                    answer = partial(method_predict, model, settings=points[point])
                    _need_same(f"video {video} at {point}", answer, partial(clip_of, sample[video]), found, number)

    return predict_points(model, method_predict, dataset, points, device, f"{len(points)} points", check)


def _need_same(
    who: str,
    answer: Callable[[dict[str, Any]], Prediction],
    fresh: Callable[[], dict[str, Any]],
    together: Prediction,
    number: int,
) -> None:
    """Unless the video's decision is a tie. answer: of a clip; fresh: what gives one of this video alone."""
    clip = fresh()
    alone = answer(clip)
    need_declared_frames(clip, alone)
    if not same_decisions(*(found.decisions[at : at + 1] for found, at in ((alone, 0), (together, number)))):
        if is_tie(answer, fresh()):
            return
        raise SaccadeError(f"{who}: it is decided otherwise with the clip's `memory` than without it")
    for what, one, other in (
        ("multiply-adds", alone.macs, together.macs),
        ("decoded frames", alone.decoded_frames, together.decoded_frames),
        ("frames looked at", alone.frames, together.frames),
    ):
        if int(one[0]) != int(other[number]):
            raise SaccadeError(
                f"{who}: predict declares {int(other[number])} {what} with the clip's `memory`, but {int(one[0])} "
                "without it; declare what the point costs by itself"
            )
    for head, scores in alone.probabilities.items():
        differ = float((scores[0].double() - together.probabilities[head][number].double()).abs().max())
        if not differ <= CLOSE:
            raise SaccadeError(
                f"{who}: scores of head '{head}' with the clip's `memory` differ from those without it by "
                f"{differ:.2g} (at most {CLOSE} is rounding)"
            )
