"""From the features of frames to the scores of classes."""

from collections.abc import Sequence

from torch import Tensor, nn

from saccade.records import Head


class FrameAverage(nn.Module):
    """Scores each frame by itself and averages the scores: features (B, T, D) to {head: logits (B, K)}.

    The mean is taken before the softmax (Wang et al., TSN, ECCV 2016, Sec. 3.1, average pooling for G).
    """

    def __init__(self, num_features: int, heads: Sequence[Head], dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.classifiers = nn.ModuleDict({head.name: nn.Linear(num_features, head.num_classes) for head in heads})

    def forward(self, features: Tensor) -> dict[str, Tensor]:
        features = self.dropout(features)
        return {head: classify(features).mean(1) for head, classify in self.classifiers.items()}


class RecurrentClassifier(nn.Module):
    """A one-layer GRU that reads the frames in order: features (B, T, D) to {head: logits (B, T, K)}. The logits at
    step t know the frames 1 to t.

    The logits of the last step are a video's answer; the others are the answer to a video that is still under way.
    Classifier f_C of Wang et al., AdaFocus, ICCV 2021, Sec. 3.1: a hidden state of 1024 that starts at zero, dropout, a
    linear layer at every step (as in its code).
    """

    def __init__(self, num_features: int, heads: Sequence[Head], dropout: float, hidden_size: int = 1024) -> None:
        super().__init__()
        self.gru = nn.GRU(num_features, hidden_size, batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.classifiers = nn.ModuleDict({head.name: nn.Linear(hidden_size, head.num_classes) for head in heads})

    def forward(self, features: Tensor) -> dict[str, Tensor]:
        return self.classify(self.states(features))

    def states(self, features: Tensor, before: Tensor | None = None) -> Tensor:
        """(B, T, hidden_size): the states after each frame. They start from the state (B, hidden_size) before the first
        frame, zeros where none is given."""
        states: Tensor = self.gru(features, None if before is None else before[None].contiguous())[0]
        return states

    def classify(self, states: Tensor) -> dict[str, Tensor]:
        states = self.dropout(states)
        return {head: classify(states) for head, classify in self.classifiers.items()}


def probabilities(logits: dict[str, Tensor], heads: Sequence[Head]) -> dict[str, Tensor]:
    """{head: (B, K)}: a distribution over the classes where a head has one label, independent probabilities where it
    has any number."""
    kinds = {head.name: head.kind for head in heads}
    return {head: value.softmax(1) if kinds[head] == "single" else value.sigmoid() for head, value in logits.items()}
