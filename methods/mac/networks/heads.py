"""The heads of Mac et al.: from the features of frames to the scores of classes."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

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

    def forward(self, features: Tensor, numbers: Tensor | None = None) -> Logits:
        """`numbers` (B,): how many of its T frames each video has, from the first on; None: all."""
        if numbers is None:
            states, _ = self.rnn(features)
            return self.score(self.dropout(states.relu()).mean(1))
        packed = pack_padded_sequence(features, numbers.cpu(), batch_first=True, enforce_sorted=False)
        states, _ = pad_packed_sequence(self.rnn(packed)[0], batch_first=True)  # zeros behind a video's last frame
        return self.score(self.dropout(states.relu()).sum(1) / numbers[:, None])

    def where(self, features: Tensor, seen: Tensor) -> Logits:
        """Of the frames that were seen in full: `seen` (B, T) is 1 there and 0 elsewhere, and may carry a gradient. At
        the others the state is held (Sec. III-D)."""
        state = features.new_zeros(self.rnn.num_layers, len(features), self.rnn.hidden_size)
        total = features.new_zeros(len(features), self.rnn.hidden_size)
        for frame, weight in zip(features.unbind(1), seen.unbind(1), strict=True):
            found, new = self.step(frame, state)
            state = torch.lerp(state.to(new), new, weight.to(new)[None, :, None].expand_as(new))
            total = total + found * weight[:, None]
        return self.score(total / seen.sum(1, keepdim=True))

    def step(self, features: Tensor, state: Tensor | None) -> tuple[Tensor, Tensor]:
        """A frame further: its features (B, D) and the state (layers, B, hidden), None at first, to what `score` reads
        the mean of, (B, hidden), and the new state."""
        states, state = self.rnn(features[:, None], state)
        return self.dropout(states[:, 0].relu()), state

    def score(self, mean: Tensor) -> Logits:
        """Of the mean over the frames (B, hidden): {head: (B, K)}."""
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
