"""However a connection ends, what has come is kept, and the file is whole in the end or not there."""

import hashlib
import resource
import shutil
import socket
import time
from collections import namedtuple

import pytest
from acquire.fetching import CONTENT, OTHER, QUICK, get, names
from acquire.loopback import Loopback

from saccade.acquire import web_sources
from saccade.acquire.checksums import Wanted
from saccade.acquire.download import fetch, fetch_all
from saccade.acquire.download_bar import DownloadBar
from saccade.acquire.transfer import Hosts
from saccade.acquire.web_sources import CutError, Patience, UnreachedError
from saccade.records import SaccadeError

SHA256 = {"sha256": hashlib.sha256(CONTENT).hexdigest()}
HALF = len(CONTENT) // 2


@pytest.fixture
def site():
    with Loopback({"a.zip": CONTENT, "b.zip": CONTENT}) as server:
        yield server


def wanted(site, *paths, **more) -> Wanted:
    return Wanted("a.zip", tuple(map(site.url, paths or ["a.zip"])), **more)


def cut_for_good(site, folder, path="a.zip", **more):
    """A first run, which ends with half of the file."""
    site.fault(path, times=1, cut_after=HALF)
    site.fault(path, times=1, status=404)
    with pytest.raises(SaccadeError, match="404"):
        get(wanted(site, path, **more), folder)
    assert names(folder) == ["a.zip.part", "a.zip.part.json"]
    site.asked.clear()


def test_a_file_comes_in_one_piece(site, tmp_path):
    fetched = get(wanted(site), tmp_path)
    assert (tmp_path / "a.zip").read_bytes() == CONTENT
    assert (fetched.bytes, fetched.sha256, fetched.url) == (len(CONTENT), SHA256["sha256"], site.url("a.zip"))
    assert names(tmp_path) == ["a.zip"]


@pytest.mark.parametrize("fault", [{"cut_after": HALF}, {"hang_after": HALF}], ids=["cut", "silent"])
def test_after_a_cut_only_the_rest_is_asked_for(site, tmp_path, fault):
    site.fault("a.zip", times=1, **fault)
    assert get(wanted(site), tmp_path).sha256 == SHA256["sha256"]
    start = int(site.asked[1].range.removeprefix("bytes=").removesuffix("-"))
    assert 0 < start <= HALF and site.asked[1].sent == len(CONTENT) - start


def test_more_cuts_than_tries_are_borne_while_bytes_come(site, tmp_path):
    for _ in range(QUICK.tries + 2):
        site.fault("a.zip", times=1, cut_after=10_000)
    assert get(wanted(site), tmp_path).sha256 == SHA256["sha256"]


def test_a_server_that_brings_nothing_new_is_given_up(site, tmp_path):
    site.fault("a.zip", ignores_range=True, cut_after=10_000)
    with pytest.raises(SaccadeError, match="connection cut, with 10 kB of 307 kB here .3 tries"):
        get(wanted(site), tmp_path)
    assert len(site.asked) == QUICK.tries


def test_a_busy_server_is_asked_again_when_it_says(site, tmp_path):
    site.fault("a.zip", times=1, status=503, retry_after="1")
    started = time.monotonic()
    assert get(wanted(site), tmp_path).bytes == len(CONTENT)
    assert time.monotonic() - started >= 1


@pytest.mark.parametrize("asked_for", ["3600", "Fri, 31 Dec 2100 23:59:59 GMT"])
def test_nobody_waits_longer_than_he_wants(site, tmp_path, asked_for):
    site.fault("a.zip", times=1, status=503, retry_after=asked_for)
    with DownloadBar() as bar:
        assert fetch(wanted(site), tmp_path, bar, patience=Patience(longest_wait_s=0.01)).bytes == len(CONTENT)


@pytest.mark.parametrize("status", [429, 500])
def test_a_busy_server_is_given_up_after_so_many_tries(site, tmp_path, status):
    site.fault("a.zip", status=status, retry_after="no number")
    with pytest.raises(SaccadeError, match=f"{status} .*3 tries"):
        get(wanted(site), tmp_path)
    assert len(site.asked) == QUICK.tries


@pytest.fixture
def nobody():
    """An address of this machine at which nothing listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}"


@pytest.mark.parametrize(("sources", "tries"), [(["{}/a.zip"], 5), (["{}/a.zip", "ftp://files.invalid/a.zip"], 3)])
def test_a_server_that_isnt_there_is_tried_longer_where_no_other_has_the_file(tmp_path, nobody, sources, tries):
    with pytest.raises(SaccadeError, match=f"Connection refused .{tries} tries"):
        get(Wanted("a.zip", tuple(each.format(nobody) for each in sources)), tmp_path)


def test_a_name_that_nobody_knows_is_no_server_that_is_busy(tmp_path):
    with pytest.raises(SaccadeError, match="files.invalid/a.zip: .*5 tries"):
        get(Wanted("a.zip", ("https://files.invalid/a.zip",)), tmp_path)


def test_a_router_that_starts_anew_ends_nothing(site, tmp_path, capsys):
    """Nobody is there for longer than a busy server would be waited for; then somebody is."""
    real, asked = web_sources.ask, iter([CutError("cut"), *[UnreachedError("no route")] * 4, None])

    def ask(*arguments):
        if error := next(asked, None):
            raise error
        return real(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(web_sources, "ask", ask)
        assert get(wanted(site), tmp_path).bytes == len(CONTENT)
    assert capsys.readouterr().out.count("no route; again") == 4


def test_a_server_that_answered_in_this_run_is_waited_for_though_others_have_the_file(nobody):
    hosts = Hosts()
    assert hosts.tries(nobody, QUICK, others=True) == QUICK.tries
    hosts.answers(nobody)
    assert hosts.tries(nobody, QUICK, others=True) == QUICK.unreached_tries


def test_where_one_file_waited_in_vain_the_next_ones_try_once(tmp_path, nobody):
    with pytest.raises(SaccadeError) as error:
        fetch_all([Wanted(name, (f"{nobody}/{name}",)) for name in "abc"], tmp_path, 1, patience=QUICK)
    said = str(error.value)
    assert said.count("(5 tries)") == 1 and said.count("(1 try)") == 2


def test_who_is_waited_for_in_all_about_twenty_minutes():
    patience = Patience()
    waits, seconds = patience.waits(patience.unreached_tries), 0.0
    for _ in range(patience.unreached_tries - 1):
        waits = waits.increment(error=CutError("cut"))
        seconds += patience.seconds(waits, CutError("cut"))
    assert 1100 < seconds < 1300


def test_a_missing_file_is_asked_for_once(site, tmp_path):
    with pytest.raises(SaccadeError, match="404 Not Found"):
        get(wanted(site, "c.zip"), tmp_path)
    assert len(site.asked) == 1 and names(tmp_path) == []


def test_the_next_run_asks_only_for_the_rest(site, tmp_path):
    cut_for_good(site, tmp_path)
    assert get(wanted(site), tmp_path).sha256 == SHA256["sha256"]
    assert [asked.sent for asked in site.asked] == [len(CONTENT) - HALF]


def test_the_rest_of_a_file_that_changed_is_not_joined(site, tmp_path, capsys):
    cut_for_good(site, tmp_path)
    site.files = {"a.zip": OTHER}
    get(wanted(site), tmp_path)
    assert (tmp_path / "a.zip").read_bytes() == OTHER
    assert capsys.readouterr().out.count("from the beginning") == 1


def test_a_file_that_changes_between_two_answers_is_not_joined(site, tmp_path):
    """The server goes on with bytes of another one: it doesn't look at If-Range."""
    cut_for_good(site, tmp_path)
    site.files = {"a.zip": OTHER}
    site.fault("a.zip", times=1, ignores_if_range=True)
    get(wanted(site), tmp_path)
    assert (tmp_path / "a.zip").read_bytes() == OTHER
    assert [asked.status for asked in site.asked] == [206, 200]


def test_a_part_of_another_address_is_not_continued_without_a_checksum(site, tmp_path):
    cut_for_good(site, tmp_path)
    get(wanted(site, "b.zip"), tmp_path)
    assert [asked.sent for asked in site.asked] == [len(CONTENT)]


def test_another_source_goes_on_where_a_checksum_decides(site, tmp_path):
    cut_for_good(site, tmp_path, hashes=SHA256)
    get(wanted(site, "b.zip", hashes=SHA256), tmp_path)
    assert [(asked.path, asked.sent) for asked in site.asked] == [("b.zip", len(CONTENT) - HALF)]


def test_a_part_without_a_sign_is_continued_only_where_a_checksum_decides(site, tmp_path):
    for hashes, sent in (({}, len(CONTENT)), (SHA256, len(CONTENT) - HALF)):
        site.fault("a.zip", times=1, cut_after=HALF, without_sign=True)
        get(wanted(site, hashes=hashes), tmp_path)
        assert site.asked[-1].sent == sent


def test_a_server_that_cannot_resume_begins_again_and_it_is_said_once(site, tmp_path, capsys):
    cut_for_good(site, tmp_path)
    site.fault("a.zip", times=1, cut_after=HALF, ignores_range=True)
    site.fault("a.zip", ignores_range=True)
    assert get(wanted(site), tmp_path).sha256 == SHA256["sha256"]
    assert [asked.sent for asked in site.asked] == [HALF, len(CONTENT)]
    assert capsys.readouterr().out.count("doesn't resume") == 1


def test_a_damaged_part_comes_once_more_from_the_beginning(site, tmp_path):
    cut_for_good(site, tmp_path, hashes=SHA256)
    (tmp_path / "a.zip.part").write_bytes(bytes(HALF))
    assert get(wanted(site, hashes=SHA256), tmp_path).sha256 == SHA256["sha256"]
    assert [asked.sent for asked in site.asked] == [len(CONTENT) - HALF, len(CONTENT)]


@pytest.mark.parametrize("side", ["{", "[]", '{"url": 1, "size": 2}', '{"url": "x", "bytes": 7}', None])
def test_a_part_of_which_nothing_sensible_is_known_is_begun_anew(site, tmp_path, side):
    cut_for_good(site, tmp_path, hashes=SHA256)
    (tmp_path / "a.zip.part.json").unlink() if side is None else (tmp_path / "a.zip.part.json").write_text(side)
    assert get(wanted(site, hashes=SHA256), tmp_path).sha256 == SHA256["sha256"]
    assert [asked.range for asked in site.asked] == [None] and names(tmp_path) == ["a.zip"]


def test_a_part_that_is_whole_needs_no_server(site, tmp_path):
    """The run was killed before it renamed the file."""
    cut_for_good(site, tmp_path)
    (tmp_path / "a.zip.part").write_bytes(CONTENT)
    get(wanted(site), tmp_path)
    assert not site.asked and names(tmp_path) == ["a.zip"]


def test_a_length_that_is_too_great_is_never_believed(site, tmp_path):
    site.fault("a.zip", longer=10)
    with pytest.raises(SaccadeError, match="connection cut"):
        get(wanted(site), tmp_path)
    assert not (tmp_path / "a.zip").exists()


def test_chunks_need_no_length(site, tmp_path):
    site.fault("a.zip", chunked=True, times=1)
    assert get(wanted(site), tmp_path).bytes == len(CONTENT)


def test_chunks_that_end_too_early_are_a_cut(site, tmp_path):
    site.fault("a.zip", chunked=True, times=1, cut_after=HALF)
    assert get(wanted(site), tmp_path).bytes == len(CONTENT)
    assert len(site.asked) == 2


def test_a_body_whose_end_is_not_sent_needs_a_card_that_knows_it(site, tmp_path):
    site.fault("a.zip", without_length=True)
    with pytest.raises(SaccadeError, match="doesn't say where the file ends"):
        get(wanted(site), tmp_path)
    assert get(wanted(site, bytes=len(CONTENT)), tmp_path).bytes == len(CONTENT)


def test_an_empty_answer_is_no_file(site, tmp_path):
    site.files = {"a.zip": b""}
    with pytest.raises(SaccadeError, match="empty"):
        get(wanted(site), tmp_path)
    assert names(tmp_path) == []


def test_a_disk_without_room_is_known_before_anything_is_written(site, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: namedtuple("usage", "free")(100_000))
    with pytest.raises(SaccadeError, match="307 kB are still to come, and .* room for 100 kB; make room for 207"):
        get(wanted(site), tmp_path)
    assert names(tmp_path) == []


def test_a_disk_that_takes_no_more_keeps_the_part(site, tmp_path):
    """As a full one does, files refuse to grow beyond a limit here."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (HALF, hard))
    try:
        with pytest.raises(SaccadeError, match="cannot write .*File too large.*what has come so far is kept"):
            get(wanted(site), tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    kept = (tmp_path / "a.zip.part").stat().st_size
    assert kept > 0 and get(wanted(site), tmp_path).sha256 == SHA256["sha256"]
    assert site.asked[-1].sent == len(CONTENT) - kept
