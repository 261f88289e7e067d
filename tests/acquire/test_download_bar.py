"""The bar counts what there is to come and what has, whatever was in vain."""

import hashlib
import re

import pytest
from acquire.fetching import CONTENT, OTHER, QUICK
from acquire.loopback import Loopback

from saccade.acquire.checksums import Wanted
from saccade.acquire.download import fetch_all
from saccade.records import SaccadeError, size_words

MD5 = {"md5": hashlib.md5(CONTENT).hexdigest()}


def ends(text: str) -> str:
    """`<done>/<total>` of the bar as it was drawn last."""
    return re.findall(r"([\d.]+k?B?/[\d.]+k?)", text)[-1]


@pytest.fixture
def site():
    with Loopback({"a": CONTENT, "b": CONTENT, "wrong": OTHER}) as server:
        yield server


@pytest.mark.parametrize(
    "bytes, sizes", [(len(CONTENT), {}), (None, {"a": len(CONTENT)}), (None, {"a": 5}), (None, {})]
)
def test_sizes_are_corrected_by_what_the_server_says(site, tmp_path, capsys, bytes, sizes):
    fetch_all([Wanted(name, (site.url(name),), bytes) for name in "ab"], tmp_path, sizes=sizes, patience=QUICK)
    assert ends(capsys.readouterr().err) == "614k/614k"


def test_what_came_in_vain_counts_no_more(site, tmp_path, capsys):
    site.fault("a", ignores_range=True, times=1, cut_after=200_000)
    site.fault("a", ignores_range=True, times=1)
    wanted = [Wanted("a", (site.url("a"),)), Wanted("b", (site.url("wrong"), site.url("b")), hashes=MD5)]
    fetch_all(wanted, tmp_path, patience=QUICK)
    assert ends(capsys.readouterr().err) == "614k/614k"


def test_what_was_here_before_counts(site, tmp_path, capsys):
    site.fault("a", times=1, cut_after=200_000)
    site.fault("a", times=1, status=404)
    with pytest.raises(SaccadeError):
        fetch_all([Wanted("a", (site.url("a"),))], tmp_path, patience=QUICK)
    capsys.readouterr()
    fetch_all([Wanted("a", (site.url("a"),))], tmp_path, patience=QUICK)
    assert ends(capsys.readouterr().err) == "307k/307k"


def test_sizes_in_words():
    assert [size_words(count) for count in (0, 999, 6_960_400_115)] == ["0 bytes", "999 bytes", "6.96 GB"]
