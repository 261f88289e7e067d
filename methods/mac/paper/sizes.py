"""What SAN19 and a GRU cost by the sizes of their layers, as the authors' counter counts and as we do. No torch.

The authors' rule (tools/complexity.py of their code): convolutions by multiply-adds and one add for each bias,
batch normalisation 2 an element, ReLU 1, pooling 1 an element that it is given; a GRU by its weights, its biases and 7
for each hidden unit of a layer. Nothing for attention's differences, its softmax and its sum over neighbours, nor for
shortcuts, classifiers, resizing and spectrograms. Ours counts all products, those of attention too, and no adds.
"""

from collections.abc import Iterator
from dataclasses import dataclass

STEM = 64
# channels, blocks and footprint of each stage
STAGES = ((64, 3, 3), (256, 3, 7), (512, 4, 7), (1024, 6, 7), (2048, 3, 7))
FEATURES, HIDDEN = STAGES[-1][0], 1024
GIGA = 1e9
FRAME, LOW, CROP, SOUND = 224, 112, 64, 256  # sides in pixels
CHANNELS, CELLS = 32, 7 * 7  # of the attention map that is read
LAYERS = {"epic-kitchens-55": 2, "ucf101": 1}  # of each GRU; the paper says 2, Table IV prints the cost of 1


@dataclass(frozen=True)
class Cost:
    """products: multiply-adds of convolutions and weights; attention: those of the sum over neighbours; adds: what
    only the authors' rule counts."""

    products: int = 0
    attention: int = 0
    adds: int = 0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.products + other.products, self.attention + other.attention, self.adds + other.adds)

    @property
    def printed(self) -> int:
        """By the authors' rule."""
        return self.products + self.adds

    @property
    def ours(self) -> int:
        return self.products + self.attention


def san19(size: int, in_channels: int = 3) -> Iterator[tuple[str, Cost]]:
    """(layer, what it costs) of one picture of `size` x `size`, in the order in which layers run: `stem`, of each stage
    `convN`, its blocks `layerN.i` and `bnN`, then `avgpool`."""
    cells, channels = size * size, STEM
    yield "stem", convolution(in_channels, STEM, cells, bias=False) + activated(STEM * cells)
    for number, (width, blocks, footprint) in enumerate(STAGES):
        pooled = Cost(adds=channels * cells)
        size //= 2
        cells = size * size
        yield f"conv{number}", pooled + convolution(channels, width, cells, bias=False)
        for block in range(blocks):
            yield f"layer{number}.{block}", attention_block(width, footprint**2, cells)
        yield f"bn{number}", activated(width * cells)
        channels = width
    yield "avgpool", Cost(adds=channels * cells)


def attention_block(width: int, neighbours: int, cells: int) -> Cost:
    """Query, key, value, the map of positions, the weights of every neighbour, and the way back to `width` channels."""
    relation, value, weights, pairs = width // 16, width // 4, width // 32, neighbours * cells
    parts = (
        *(convolution(width, one, cells) for one in (relation, relation, value)),
        convolution(2, 2, cells),
        activated((relation + 2) * pairs),
        convolution(relation + 2, relation, pairs, bias=False),
        activated(relation * pairs),
        convolution(relation, weights, pairs),
        activated(width * cells),
        activated(value * cells),
        convolution(value, width, cells),
    )
    return sum(parts, Cost(attention=value * pairs))


def convolution(inputs: int, outputs: int, cells: int, bias: bool = True) -> Cost:
    """Of 1 x 1."""
    return Cost(products=inputs * outputs * cells, adds=outputs * cells if bias else 0)


def activated(elements: int) -> Cost:
    """Batch normalisation and ReLU."""
    return Cost(adds=3 * elements)


def whole_san19(size: int, in_channels: int = 3) -> Cost:
    """One picture, all layers."""
    return sum((cost for _, cost in san19(size, in_channels)), Cost())


def hallucinator(channels: int, hidden: int, cells: int) -> Cost:
    """A step: an encoder, the cell's gates, and a decoder, of 3 x 3 cells each; the encoder and the decoder have a
    normalisation and a ReLU, the cell has a ReLU."""
    coded = convolution(9 * channels, hidden, cells) + activated(hidden * cells)
    gates = convolution(9 * 2 * hidden, 4 * hidden, cells) + Cost(adds=hidden * cells)
    return coded + gates + convolution(9 * hidden, channels, cells) + activated(channels * cells)


def gru(inputs: int, layers: int) -> Cost:
    """A step of a GRU of HIDDEN units."""
    widths = [inputs] + [HIDDEN] * (layers - 1)
    return Cost(
        products=sum(3 * HIDDEN * (width + HIDDEN) for width in widths), adds=layers * (2 * 3 * HIDDEN + 7 * HIDDEN)
    )


def listed_until(size: int, stage: int, block: int) -> int:
    """What the authors' code sums up to a block: over its modules as they are listed, where a stage's normalisation
    comes before its blocks, and the one ReLU and the one pooling between stages come last."""
    total, cells, channels = 0, size * size, STEM
    for name, cost in san19(size):
        total += cost.printed
        if name == f"layer{stage}.{block}":
            break
    for number in range(stage + 1):
        total -= 2 * channels * cells  # ReLU and pooling of what the stage is given
        cells, channels = cells // 4, STAGES[number][0]
    return total + 2 * channels * cells


# ---- a frame with a temporal sampler, in GMACs by the authors' rule


def full_frame(crops: int, data: str, one_head: bool) -> float:
    """Seen in full, by the authors' rule: networks, heads, and what looks ahead and decides."""
    sound = hears(data)
    heads = read(crops, sound)
    parts = whole_san19(LOW).printed + crops * whole_san19(CROP).printed + ahead()
    parts += whole_san19(SOUND, 1).printed if sound else 0
    return (
        parts + sum(gru(FEATURES * size, LAYERS[data]).printed for size in (heads[-1:] if one_head else heads))
    ) / GIGA


def prescanned() -> float:
    """Pre-scanned only, by the authors' rule."""
    return (listed_until(LOW, 3, 0) + ahead()) / GIGA


def ahead() -> int:
    """The hallucinator and the temporal sampler, a frame."""
    return hallucinator(CHANNELS, CHANNELS, CELLS).printed + gru(2 * CHANNELS * CELLS + 1, 2).printed


def read(crops: int, sound: bool) -> list[int]:
    """How many networks' features each recurrent head reads: global, local, all."""
    return [1 + sound, sound + crops, 1 + sound + crops] if crops else [1 + sound]


def hears(data: str) -> bool:
    return data != "ucf101"


def by_equal_use(crops: int, most: int, data: str, one_head: bool) -> float:
    """The speed-up of (S_k, T_M) over S_k where a share of 1 / (M + 1) of the frames stands under each decision: under
    m, one of m frames is pre-scanned and the others are skipped."""
    share = 1 / (most + 1)
    scanned = share * sum(1 / m for m in range(1, most + 1))
    alone = full_frame(crops, data, False) - ahead() / GIGA
    return alone / (share * full_frame(crops, data, one_head) + scanned * prescanned())
