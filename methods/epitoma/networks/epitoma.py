"""VideoEpitoma (Fig. 1): LightNet and selector, HeavyNet and classifier."""

from torch import Tensor, nn

from saccade.nn.backbones import backbone
from saccade.nn.heads import FrameAverage
from saccade.nn.seeding import seeded
from saccade.records import Head

from ..settings import Settings
from .attention import SelfAttention
from .heavy import heavy_net
from .selector import Selector

Logits = dict[str, Tensor]


class TimestepClassifier(nn.Module):
    """Features of timesteps (B, T, D) to {head: logits (B, K)}: self-attention, a pool over timesteps, a perceptron of
    two layers. Layer normalisation in it, ours, doesn't ask how many timesteps training or testing took."""

    def __init__(self, features: int, heads: tuple[Head, ...], settings: Settings) -> None:
        super().__init__()
        self.pooling = settings.pooling
        self.attention = SelfAttention(features)
        self.hidden = nn.Sequential(
            nn.Linear(features, settings.hidden), nn.LayerNorm(settings.hidden), nn.ReLU(), nn.Dropout(settings.dropout)
        )
        self.classifiers = nn.ModuleDict({head.name: nn.Linear(settings.hidden, head.num_classes) for head in heads})

    def forward(self, features: Tensor, there: Tensor | None = None) -> Logits:
        """`there`: (B, T) bool, which timesteps there are, at least one in each video."""
        video = pooled(self.attention(features, there), there, self.pooling)
        hidden = self.hidden(video)
        return {head: layer(hidden) for head, layer in self.classifiers.items()}


def pooled(features: Tensor, there: Tensor | None, pooling: str) -> Tensor:
    """(B, T, D) to (B, D), over the timesteps that are there."""
    if there is None:
        return features.amax(1) if pooling == "max" else features.mean(1)
    if pooling == "max":
        return features.masked_fill(~there[..., None], float("-inf")).amax(1)
    return features.masked_fill(~there[..., None], 0.0).sum(1) / there.sum(1, keepdim=True)


class Epitoma(nn.Module):
    """`light` and `heavy` with the classifiers of their fine-tuning; `selector`, and `selector_classifier`, of LightNet
    features, with which it is trained alone; `classifier`, of HeavyNet features."""

    def __init__(self, settings: Settings, heads: tuple[Head, ...]) -> None:
        super().__init__()
        self.settings, self.heads_known = settings, heads
        with seeded("light"):
            self.light, light_features = backbone(
                settings.light, width=settings.light_width, weights=settings.light_weights
            )
        with seeded("light_classifier"):
            self.light_classifier = FrameAverage(light_features, heads, settings.dropout)
        with seeded("selector"):
            self.selector = Selector(light_features, settings)
        with seeded("selector_classifier"):
            self.selector_classifier = TimestepClassifier(light_features, heads, settings)
        with seeded("heavy"):
            self.heavy = heavy_net(settings)
        with seeded("heavy_classifier"):
            self.heavy_classifier = FrameAverage(self.heavy.num_features, heads, settings.dropout)
        with seeded("classifier"):
            self.classifier = TimestepClassifier(self.heavy.num_features, heads, settings)
