"""The way through a video that decisions make, and what they learn from, on cases worked out by hand."""

import math

import pytest
import torch
from conftest import ROOT

from saccade.project import load_module

times = load_module(ROOT / "methods/mac/networks/times.py")
hallucinator = load_module(ROOT / "methods/mac/networks/hallucinator.py")
FULL, SCANNED, SKIPPED = "F", "p", "-"
LETTERS = {times.FULL: FULL, times.SCANNED: SCANNED, times.SKIPPED: SKIPPED}
CELLS = (2, 5, 5)


def networks(decisions=4, seed=0):
    torch.manual_seed(seed)
    sampler = times.TimeSampler(math.prod(CELLS), decisions, 6, 2)
    return hallucinator.Hallucinator(CELLS[0], 3).eval(), sampler.eval()


def follow(plans, frames):
    """The ways of videos whose decisions are given in the order in which they are made, and which frames were asked
    for."""
    asked = [[] for _ in plans]
    attention = torch.rand(len(plans), frames, *CELLS)
    left = [list(plan) for plan in plans]

    def see(rows, at):
        for row, frame in zip(rows.tolist(), at.tolist(), strict=True):
            asked[row].append(frame)
        return attention[rows, at]

    way = times.go(
        see,
        attention.shape[:2],
        *networks(),
        lambda scores, rows, at: torch.tensor([left[row].pop(0) for row in rows.tolist()]),
    )
    assert not any(left)
    return way, ["".join(LETTERS[fate] for fate in fates) for fates in way.fates.tolist()], asked


@torch.no_grad()
@pytest.mark.parametrize(
    ("decisions", "expected"),
    [
        ([0, 0, 0, 0, 0], "FFFFFF"),
        ([1, 1, 1, 1, 1], "Fppppp"),  # T_1 leaves no frame untouched
        ([2, 0, 3], "Fp-Fp-"),  # m costs a pre-scan and leaves m - 1 frames
        ([3, 0, 1], "Fp--Fp"),
        ([0, 0, 0, 0, 3], "FFFFFp"),  # what would be left behind the end is cut
        ([3, 3], "Fp--p-"),
    ],
)
def test_a_decision_costs_a_prescan_and_leaves_the_rest(decisions, expected):
    way, (found,), (asked,) = follow([decisions], 6)
    assert found == expected
    assert asked == [number for number, fate in enumerate(expected) if fate != SKIPPED]
    assert way.decisions[0][way.decisions[0] >= 0].tolist() == decisions
    assert way.similarity[0].isnan().tolist() == [
        number == 0 or fate == SKIPPED for number, fate in enumerate(expected)
    ]


@torch.no_grad()
def test_the_first_frame_is_full_even_alone():
    _, found, asked = follow([[], []], 1)
    assert found == ["F", "F"]
    assert asked == [[0], [0]]


@torch.no_grad()
def test_videos_go_their_own_ways():
    plans = [[3, 3], [0, 0, 0, 0, 0], [1, 2, 0, 1]]
    _, together, asked = follow(plans, 6)
    assert together == ["Fp--p-", "FFFFFF", "Fpp-Fp"]
    assert asked == [[0, 1, 4], [0, 1, 2, 3, 4, 5], [0, 1, 2, 4, 5]]


@torch.no_grad()
@pytest.mark.parametrize("seed", range(5))
def test_a_video_decides_alike_alone_and_beside_others(seed):
    """By the networks' own scores, whose states each video carries along, spread so that small differences decide."""
    dreaming, sampler = networks(seed=seed)
    attention = torch.rand(6, 9, *CELLS)

    def way(some):
        return times.go(
            lambda rows, at: some[rows, at],
            some.shape[:2],
            dreaming,
            sampler,
            lambda scores, *_: (300 * scores).sin().argmax(1),
        )

    together = way(attention)
    assert len(set(together.fates.flatten().tolist())) > 1
    for number in range(len(attention)):
        alone = way(attention[[number]])
        assert alone.decisions[0].equal(together.decisions[number])
        torch.testing.assert_close(alone.similarity[0], together.similarity[number], equal_nan=True)


@torch.no_grad()
def test_states_are_held_where_nothing_is_looked_at():
    """A frame that nobody looks at changes nothing behind it."""
    attention = torch.rand(1, 6, *CELLS)
    other = attention.clone()
    other[:, 2:4] = torch.rand(1, 2, *CELLS)

    def found(some):
        left = [3, 1, 1]
        scores = []

        def decide(given, rows, at):
            scores.append(given)
            return torch.tensor([left.pop(0)])

        times.go(lambda rows, at: some[rows, at], (1, 6), *networks(), decide)
        return torch.cat(scores)

    assert found(attention).equal(found(other))


def test_spans_are_cut_at_the_end():
    decisions = torch.tensor([[-1, 3, -1, -1, 0, 1], [-1, 1, 1, 1, 1, 3]])
    assert times.spans(decisions).tolist() == [[0, 3, 0, 0, 1, 1], [0, 1, 1, 1, 1, 1]]


def test_usage_is_counted_frame_by_frame():
    """Two decisions 0 and one 2, which holds for two frames: each fate has half of the frames."""
    vectors = torch.eye(3)[[0, 0, 2]]
    assert times.usage_loss(vectors, torch.tensor([1, 1, 2])) == pytest.approx(
        math.sqrt((1 / 2 - 1 / 3) ** 2 * 2 + (1 / 3) ** 2)
    )
    assert times.usage_loss(torch.eye(3), torch.tensor([1, 1, 1])) == pytest.approx(0, abs=1e-7)


def test_the_papers_efficiency_loss_pushes_and_the_codes_does_not():
    """Two videos of a full first frame each and three decisions in all: one full, two not."""
    scores = torch.tensor([[9.0, 0, 0], [0, 9, 0], [0, 0, 9]], requires_grad=True)
    vectors = times.relaxed(scores, 5.0, torch.Generator().manual_seed(1))
    chosen = vectors.argmax(1)
    full, scanned = 5.0, 0.5
    seen = int((chosen == 0).sum())
    paper = times.efficiency_loss(vectors, 2, full, scanned)
    assert paper.item() == pytest.approx(full + (seen * full + (3 - seen) * scanned) / 2)
    code = times.inert_efficiency_loss(vectors, 2, full, scanned)
    assert code.item() == pytest.approx(full + (seen * full + (3 - seen) * (1 + scanned)) / 2)
    (inert,) = torch.autograd.grad(code, scores, retain_graph=True)
    (pushes,) = torch.autograd.grad(paper, scores)
    assert inert.abs().max() < 1e-6
    assert (pushes[:, 0] > 0.01).all()  # less likely full


def test_decisions_are_drawn_as_likely_as_they_are():
    """Gumbel noise and an argmax draw from the softmax, at any temperature."""
    scores = torch.tensor([[1.0, 0.0, -1.0]]).expand(20000, 3)
    drawn = times.relaxed(scores, 0.5, torch.Generator().manual_seed(0))
    assert drawn.sum(1).tolist() == pytest.approx([1.0] * len(drawn), abs=1e-5)
    torch.testing.assert_close(drawn.mean(0), scores[0].softmax(0), atol=0.012, rtol=0)
