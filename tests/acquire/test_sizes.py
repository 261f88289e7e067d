"""How much there is to fetch is known before, where a server says it."""

import pytest
from acquire.fetching import CONTENT, QUICK
from acquire.loopback import Loopback

from saccade.acquire.checksums import Wanted
from saccade.acquire.sizes import sizes


@pytest.fixture
def site():
    with Loopback({"a.zip": CONTENT, "page": b"<html>"}) as server:
        yield server


def size(site, *paths):
    return sizes([Wanted("a", tuple(map(site.url, paths)))], patience=QUICK)["a"]


def test_the_card_knows_best(site):
    assert sizes([Wanted("b", (site.url("a.zip"),), 7), Wanted("a", bytes=0)]) == {"b": 7, "a": 0}
    assert not site.asked


def test_the_server_is_asked_for_no_more_than_the_size(site):
    assert size(site, "a.zip") == len(CONTENT)
    assert [(asked.method, asked.sent) for asked in site.asked] == [("HEAD", 0)]


def test_a_server_that_takes_no_head_is_asked_for_one_byte(site):
    site.fault("a.zip", refuses_head=True)
    assert size(site, "a.zip") == len(CONTENT)
    assert site.sent("a.zip") == 1


def test_the_next_source_is_asked_where_one_is_dead(site):
    assert size(site, "dead.zip", "a.zip") == len(CONTENT)


def test_a_page_in_place_of_the_file_has_no_size_of_it(site):
    site.fault("a.zip", content_type="text/html")
    assert size(site, "a.zip") is None


@pytest.mark.parametrize("fault", [{"chunked": True}, {"status": 503}, {"status": 404}])
def test_none_where_no_server_says_it(site, fault):
    site.fault("a.zip", **fault, ignores_range=True)
    assert size(site, "a.zip") is None
    assert len(site.asked) == 2


def test_a_body_that_is_not_asked_for_is_not_waited_for(site):
    site.fault("a.zip", refuses_head=True, ignores_range=True, hang_after=0)
    assert size(site, "a.zip") == len(CONTENT)


def test_no_source_and_a_forbidden_one_have_none():
    assert sizes([Wanted("a"), Wanted("b", ("ftp://files.invalid/b",))]) == {"a": None, "b": None}
