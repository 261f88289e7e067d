"""What an edition's name means, and that each means one thing."""

import pytest

from saccade.editions import Edition, named_like_one, parse_edition
from saccade.records import SaccadeError
from saccade.reencoding import GOP, Reencoding
from saccade.subsets import Subset


@pytest.mark.parametrize(
    ("name", "edition"),
    [
        ("", Edition()),
        ("2", Edition("2")),
        ("short256", Edition("", Reencoding(256, GOP))),
        ("2-short256gop8", Edition("2", Reencoding(256, 8))),
        ("short256-c10v20", Edition("", Reencoding(256, GOP), Subset(10, 20))),
        ("near-small-short32gop1-v3", Edition("near-small", Reencoding(32, 1), Subset(None, 3))),
        *((name, Edition(name)) for name in ("short", "shorts", "short256gop", "shot256", "gop12", "xshort256")),
        ("v3-short256", Edition("v3", Reencoding(256))),  # whose own edition no card has
    ],
)
def test_a_name_says_edition_encoding_and_subset_in_this_order(name, edition):
    assert parse_edition(name) == edition and str(edition) == name


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("short255", "'short255': H.264 has even sizes, and the short side must be one from 16 to 4320"),
        ("2-short8", "one from 16 to 4320"),
        ("short99998", "one from 16 to 4320"),
        ("short256gop0", "gop1 makes every frame a key frame"),
        (f"2-short256gop{GOP}-v9", f"'2-short256gop{GOP}': it has one name, '2-short256' .gop{GOP} where none is said"),
        ("short0256gop08", "it has one name, 'short256gop8'"),
    ],
)
def test_what_cannot_be_or_has_another_name_is_refused(name, message):
    with pytest.raises(SaccadeError, match=message):
        parse_edition(name)


def test_what_means_something_names_no_edition_of_a_card():
    assert all(map(named_like_one, ("short256", "2-short8gop3", "c4", "2-v5")))
    assert not any(map(named_like_one, ("2", "mean", "near", "short", "fold-1")))
