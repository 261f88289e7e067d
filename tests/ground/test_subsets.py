"""What a subset's name means, and which classes it has."""

import pytest

from saccade.records import Head, SaccadeError
from saccade.subsets import Subset, split_subset, with_subset

NAMES = tuple(f"class {number}" for number in range(40))
HEADS = {"verb": Head("verb", "single", NAMES), "noun": Head("noun", "single", ("a", "b"))}


def classes(number: int, names=NAMES, dataset: str = "dots") -> tuple[str, ...]:
    return Subset(number, None).heads(dataset, {"verb": Head("verb", "single", tuple(names))})["verb"].classes


@pytest.mark.parametrize(
    ("edition", "own", "subset"),
    [
        ("c10", "", Subset(10, None)),
        ("v5", "", Subset(None, 5)),
        ("2-c10v20", "2", Subset(10, 20)),
        ("near-small-c4", "near-small", Subset(4, None)),
        ("c4-v8", "c4", Subset(None, 8)),  # whose own edition no card has
        *(
            (edition, edition, None)
            for edition in ("", "2", "near-small", "foveal-b", "v5c10", "c", "cv", "xc4", "-c4")
        ),
    ],
)
def test_an_editions_name_ends_in_its_subset(edition, own, subset):
    assert split_subset(edition) == (own, subset)
    assert with_subset(own, subset) == edition


@pytest.mark.parametrize(
    ("edition", "message"),
    [
        ("c1", "'c1': a head tells two classes or more apart"),
        ("2-c0v5", "'2-c0v5': a head tells two classes or more apart"),
        ("c4v0", "'c4v0': v0 leaves no video"),
        ("c04v010", "'c04v010': write it without zeros before its numbers, c4v10"),
    ],
)
def test_a_subset_of_next_to_nothing_is_refused(edition, message):
    with pytest.raises(SaccadeError, match=message):
        split_subset(edition)


def test_the_first_head_alone_loses_classes_and_keeps_their_order():
    heads = Subset(10, 3).heads("dots", HEADS)
    assert list(heads) == ["verb", "noun"] and heads["noun"] == HEADS["noun"]
    assert heads["verb"].num_classes == 10
    assert list(heads["verb"].classes) == sorted(heads["verb"].classes, key=NAMES.index)
    assert Subset(None, 3).heads("dots", HEADS) == HEADS


def test_classes_are_nested_and_depend_on_nothing_but_names():
    """A class that is added pushes at most one out; another dataset has another draw."""
    assert set(classes(10)) < set(classes(20)) < set(classes(39)) < set(classes(40)) == set(NAMES)
    assert set(classes(10, reversed(NAMES))) == set(classes(10))
    for number in range(20):
        assert len(set(classes(10)) - set(classes(10, [*NAMES, f"new {number}"]))) <= 1
    assert set(classes(10)) != set(classes(10, dataset="bars"))


def test_more_classes_than_there_are_is_refused_and_unknown_ones_stay_unknown():
    with pytest.raises(SaccadeError, match="dots: c41 asks for more classes than head 'verb' has: 40"):
        classes(41)
    assert classes(41, ()) == ()
