"""The heads of Mac et al.: from the features of frames to the scores of classes."""

from collections.abc import Sequence

from torch import Tensor, nn

from saccade.records import Head

Logits = dict[str, Tensor]
DEVIATION = 0.001  # of a classifier's first weights (official code)


class FeatureClassifier(nn.Module):
    """The head of phase 1, of SAN19-base and of TBN: a layer of `fc_features` (none where 0), ReLU, dropout and a
    classifier per label space on every segment, whose scores are averaged (official code). Features (B, T, D) to {head:
    (B, K)}."""

    def __init__(self, num_features: int, heads: Sequence[Head], dropout: float, fc_features: int) -> None:
        super().__init__()
        self.fc1 = nn.Sequential(nn.Linear(num_features, fc_features), nn.ReLU()) if fc_features else nn.Identity()
        if fc_features:
            nn.init.normal_(self.fc1[0].weight, std=DEVIATION)
            nn.init.zeros_(self.fc1[0].bias)
        self.dropout = nn.Dropout(dropout)
        self.classifiers = classifiers(fc_features or num_features, heads)

    def forward(self, features: Tensor) -> Logits:
        features = self.dropout(self.fc1(features))
        return {name: classify(features.mean(1)) for name, classify in self.classifiers.items()}


class RecurrentHead(nn.Module):
    """A GRU over the frames, ReLU, dropout, a classifier per label space; the mean of the frames' scores (Sec. IV-A;
    official code). Features (B, T, D) to {head: (B, K)}.

    A classifier is linear, so it scores the mean of the states: the same as the mean of T scores, at a T-th of its
    price.
    """

    def __init__(
        self, num_features: int, heads: Sequence[Head], dropout: float, hidden_size: int, num_layers: int
    ) -> None:
        super().__init__()
        self.rnn = nn.GRU(num_features, hidden_size, num_layers, batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.classifiers = classifiers(hidden_size, heads)

    def forward(self, features: Tensor) -> Logits:
        states, _ = self.rnn(features)
        mean = self.dropout(states.relu()).mean(1)
        return {name: classify(mean) for name, classify in self.classifiers.items()}


def classifiers(num_features: int, heads: Sequence[Head]) -> nn.ModuleDict:
    made = nn.ModuleDict({head.name: nn.Linear(num_features, head.num_classes) for head in heads})
    for classify in made.values():
        nn.init.normal_(classify.weight, std=DEVIATION)
        nn.init.zeros_(classify.bias)
    return made


def mean_logits(answers: Sequence[Logits]) -> Logits:
    """The unweighted mean of several heads' scores (official code)."""
    return {name: sum(answer[name] for answer in answers) / len(answers) for name in answers[0]}
