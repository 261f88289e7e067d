"""How the authors' code names what it saves, written down from its networks and not from our import of them.

ActivityNet: torchvision's MobileNetV2 (`glancer`) and ResNet-50 (`focuser`, which also holds pi twice), GRU and
classifier (`fc`), pi (`policy`), and all of it once more (`model_state_dict`). Something-Something: TSM's MobileNetV2,
whose blocks are flat, and a ResNet-50 as the list of its children; a convolution behind a shift lies in a wrapper.
"""

import re
from typing import Any

import numpy as np
from published_files import state
from torch import Tensor, nn
from torchvision.models import mobilenet_v2, resnet50

# settings that no weight depends on, for a quick run
SMALL = {"num_frames": 2, "resize": 224, "crop": 224, "device": "cpu"}
SHIFTED = (3, 5, 6, 8, 9, 10, 12, 13, 15, 16)  # blocks of the MobileNetV2 that add what they are given


def classes(variant: str) -> int:
    """ActivityNet's, or Something-Something's."""
    return 174 if "tsm" in variant else 200


def layout(variant: str, classes: int) -> dict[str, Any]:
    found = _something(classes) if "tsm" in variant else _activitynet(classes)
    optimizer = {
        "state": {0: {"momentum_buffer": _tensor(32, 3, 3, 3)}},
        "param_groups": [{"lr": 0.005, "params": [0]}],
    }
    whole = {
        f"{name}.{key}": tensor
        for part, name in {"glancer": "glancer", "focuser": "focuser", "fc": "classifier"}.items()
        for key, tensor in found[part].items()
    }
    metrics = {"acc": _tensor(1), "best_acc": np.float64(75.0)}  # as they were computed: either may be either
    return {"epoch": 9, "model_state_dict": whole, **found, **metrics, "optimizer": optimizer}


def _activitynet(classes: int) -> dict[str, Any]:
    policy = _policy(
        nn.Sequential(nn.Conv2d(1280, 32, 1, bias=False), nn.ReLU(), nn.Flatten(), nn.Linear(1568, 1024)), 49
    )
    focuser = state("net.", resnet50(num_classes=classes))
    for copy in ("policy", "policy_old"):
        focuser |= {f"policy.{copy}.{name}": tensor for name, tensor in policy.items()}
    return {
        "glancer": state("net.", mobilenet_v2(num_classes=classes)),
        "focuser": focuser,
        "fc": state("gru.", nn.GRU(3328, 1024)) | state("fc.", nn.Linear(1024, classes)),
        "scaler": {"scale": 65536.0, "growth_factor": 2.0, "_growth_tracker": 12},
        "policy": policy,
    }


def _something(classes: int) -> dict[str, Any]:
    encoder = nn.Sequential(
        nn.Conv2d(8 * 1280, 64, 1, bias=False),
        nn.BatchNorm2d(64),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(3136, 1024),
        nn.BatchNorm1d(1024),
    )
    return {
        "glancer": _flat_mobilenet() | state("net.classifier.", nn.Linear(1280, classes)),
        "focuser": _listed_resnet(),
        "fc": state("", nn.Linear(2048, classes)),
        "policy": _policy(encoder, 2),
    }


def _policy(encoder: nn.Module, actions: int) -> dict[str, Tensor]:
    parts = {"state_encoder.": encoder, "gru.": nn.GRU(1024, 1024)}
    parts |= {"actor.0.": nn.Linear(1024, actions), "critic.0.": nn.Linear(1024, 1)}
    return {name: tensor for prefix, part in parts.items() for name, tensor in state(prefix, part).items()}


def _flat_mobilenet() -> dict[str, Tensor]:
    """The blocks' layers numbered through, activations included."""
    features = mobilenet_v2().features
    found = state("net.features.0.", features[0])
    for number, block in enumerate(features[1:-1], 1):
        layers = [layer for layer in block.modules() if isinstance(layer, nn.Conv2d | nn.BatchNorm2d | nn.ReLU6)]
        for place, layer in enumerate(layers):
            wrapper = "net." if number in SHIFTED and place == 0 else ""
            found |= state(f"net.features.{number}.conv.{place}.{wrapper}", layer)
    return found | state("net.features.18.", features[18])


def _listed_resnet() -> dict[str, Tensor]:
    listed = state("net.base_model.", nn.Sequential(*list(resnet50().children())[:-1]))
    return {re.sub(r"(?<=\.)conv1\.", "conv1.net.", name): tensor for name, tensor in listed.items()}


def _tensor(*shape: int) -> Tensor:
    return nn.Parameter(Tensor(*shape)).detach()
