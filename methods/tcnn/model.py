"""T-CNN with spatial attention (Zhou, Li, Wang and Li, 2022): where the network's own response maps peak, each frame is
magnified, once for the discriminative peaks and once for the others; the network reads the clip and both new videos.

A video costs as many passes as its answer needs, and what making the other videos takes.
"""

import torch

from saccade.cost.forward import forward_macs
from saccade.nn.heads import probabilities
from saccade.records import Head, Prediction, SaccadeError

from .networks.spatial import Clip, Seen, SpatialTCNN
from .settings import Settings
from .showing import maps_of as maps
from .showing import told

# What a network is built with: a point that set it otherwise would do nothing, or fail. By name, since the sections'
# types would be hashed with the code, and a new setting would predict everything anew
BUILT = (
    *("network", "kernels", "stem", "strides", "stem_pool", "frame_strides", "shortcut", "dilate", "dropout"),
    *("discriminative", "complementary", "original", "augments"),
    *("attention_size", "smoothing", "beta_dis", "beta_com"),
)
PRODUCTS = 5  # of matrices of G x G that a frame's resampling grid takes (networks/resampling.py)
__all__ = ["build", "maps", "predict"]


def build(settings: Settings, heads: tuple[Head, ...]) -> SpatialTCNN:
    return SpatialTCNN(settings, heads)


def predict(model: SpatialTCNN, clip: Clip, settings: Settings) -> Prediction:
    """By the classifier that the settings' `answer` names. Videos that it doesn't need aren't made or read. Raises
    SaccadeError where the settings ask for another network than this one."""
    if other := next((name for name in BUILT if getattr(settings, name) != getattr(model.settings, name)), None):
        raise SaccadeError(
            f"{other} is {getattr(settings, other)} here, and {getattr(model.settings, other)} in the network, which "
            "no point can change: make it a variant"
        )
    answer = settings.answered_by(settings.answer)
    wanted = settings.branches if answer == "total" else (answer,)
    seen = model.look(clip, settings, wanted)
    logits = model.answer(seen.features, answer)
    videos, frames = clip["rgb"].shape[:2]
    return Prediction(
        probabilities=probabilities(logits, model.heads_known),
        macs=torch.full((videos,), _macs(model, clip, seen, wanted, answer), dtype=torch.int64),
        frames=torch.full((videos,), frames, dtype=torch.int64),
        decisions=[
            {"frames": clip["indices"][number].tolist()} | told(clip, seen.attended, settings, number)
            for number in range(videos)
        ],
    )


def _macs(model: SpatialTCNN, clip: Clip, seen: Seen, wanted: tuple[str, ...], answer: str) -> int:
    """Of a video: the passes, what its attention takes, and the classifier."""
    frames, channels, height, width = clip["rgb"].shape[1:]
    others = len([name for name in wanted if name != "original"])
    passes = others + (seen.map_size is not None)
    macs = passes * forward_macs(model.backbone, (channels, frames, height, width))
    if seen.attended is not None:
        macs += others * frames * PRODUCTS * model.settings.attention_size**3
        if seen.attended.responses is not None and seen.map_size is not None:
            layer, (rows, columns) = model.mapped(), seen.map_size
            macs += frames * layer.in_features * (layer.out_features + rows * columns)  # a frame's scores, and its map
    return macs + sum(layer.in_features * layer.out_features for layer in model.classifiers[answer].values())  # type: ignore[operator, union-attr, misc]
