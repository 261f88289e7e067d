import pytest

from saccade.report import captions


@pytest.mark.parametrize("budget", ["demo", "study", "paper", "mine"])
def test_captions_name_the_budget(budget):
    assert captions.about({"budget": budget}, "headline", "d")["caption"].startswith(f"Budget {budget} (")


def test_counts_without_data_belong_to_no_budget():
    assert "demo" not in captions.about({"budget": "demo"}, "cost_cells")["caption"]


def test_every_kind_has_a_title_and_a_caption():
    assert captions.TITLES.keys() == captions.CAPTIONS.keys()


def test_no_title_brings_a_mark_of_its_own():
    """Pages put a full stop after it."""
    assert [title for title in captions.TITLES.values() if title[-1] in ".?!:"] == []
