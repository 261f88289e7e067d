import torch

from saccade.nn.seeding import seed_of, seeded


def drawn(name: str) -> torch.Tensor:
    with seeded(name):
        return torch.rand(3)


def test_a_part_draws_the_same_whatever_was_built_before_it():
    torch.manual_seed(0)
    first = drawn("head")
    drawn("backbone")
    torch.rand(7)
    assert torch.equal(drawn("head"), first)


def test_names_and_seeds_draw_other_numbers():
    torch.manual_seed(0)
    head, backbone = drawn("head"), drawn("backbone")
    torch.manual_seed(1)
    assert not torch.equal(head, backbone) and not torch.equal(head, drawn("head"))
    assert len({seed_of(seed, name) for seed in range(3) for name in ("a", "b")}) == 6
    assert seed_of(0, "head") == 5948522848898280794  # on every machine


def test_what_is_drawn_outside_goes_on_as_if_nothing_had_been_drawn_inside():
    torch.manual_seed(0)
    expected = torch.rand(4)
    torch.manual_seed(0)
    start = torch.rand(2)
    drawn("head")
    assert torch.equal(torch.cat([start, torch.rand(2)]), expected) and torch.initial_seed() == 0


def test_a_part_inside_a_part_has_its_own_numbers():
    torch.manual_seed(0)
    with seeded("outer"):
        inner, after = drawn("head"), torch.rand(3)
    assert not torch.equal(inner, drawn("head")) and torch.equal(after, drawn("outer"))
