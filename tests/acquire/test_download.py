"""The first source that gives the right file is taken, and one file that fails stops no other."""

import hashlib
import threading

import pytest
from acquire.fetching import CONTENT, OTHER, QUICK, get, names
from acquire.loopback import Loopback

from saccade.acquire.checksums import Fetched, Wanted
from saccade.acquire.download import fetch_all
from saccade.acquire.ledger import Ledger
from saccade.acquire.web_sources import Patience
from saccade.records import SaccadeError

MD5 = {"md5": hashlib.md5(CONTENT).hexdigest()}


@pytest.fixture
def site():
    with Loopback({"a.zip": CONTENT, "wrong.zip": OTHER, "short.zip": CONTENT[:-1]}) as server:
        yield server


def sources(site, *paths, name="a.zip", **more) -> Wanted:
    return Wanted(name, tuple(map(site.url, paths)), **more)


@pytest.mark.parametrize("first", ["dead.zip", "wrong.zip", "short.zip"])
def test_the_next_source_is_tried(site, tmp_path, first):
    fetched = get(sources(site, first, "a.zip", "never.zip", bytes=len(CONTENT), hashes=MD5), tmp_path)
    assert fetched.url == site.url("a.zip")
    assert [asked.path for asked in site.asked] == [first, "a.zip"] and names(tmp_path) == ["a.zip"]


def test_a_wrong_size_is_known_before_it_comes(site, tmp_path):
    with pytest.raises(SaccadeError, match="it has 307,199 bytes there, and 307,200 are right"):
        get(sources(site, "short.zip", bytes=len(CONTENT)), tmp_path)
    assert names(tmp_path) == []


def test_the_error_says_what_each_source_did_and_what_to_do_by_hand(site, tmp_path):
    with pytest.raises(SaccadeError) as error:
        get(sources(site, "dead.zip", "wrong.zip", hashes=MD5), tmp_path)
    said = str(error.value).splitlines()
    assert said[0] == "a.zip: none of its 2 sources gives it:"
    assert said[1] == f"  {site.url('dead.zip')}: 404 Not Found"
    wrong = hashlib.md5(OTHER).hexdigest()
    assert said[2] == f"  {site.url('wrong.zip')}: its md5 is {wrong}, and {MD5['md5']} is right"
    assert site.url("dead.zip") in said[3] and f"save it as {tmp_path / 'a.zip'} and run again" in said[3]
    assert said[4].startswith("The publisher may have changed the file")
    assert names(tmp_path) == []


@pytest.mark.parametrize("path", ["wrong.zip", "short.zip"])
def test_nobody_is_sent_to_a_browser_for_the_wrong_file(site, tmp_path, path):
    with pytest.raises(SaccadeError, match="correct its size and checksum in the dataset's card.yml") as error:
        get(sources(site, path, bytes=len(CONTENT), hashes=MD5), tmp_path)
    assert "browser" not in str(error.value)


def test_what_differs_from_the_file_first_seen_has_no_card_to_correct(site, tmp_path):
    Ledger(tmp_path).record(Fetched("a.zip", 1, "a" * 64))
    with pytest.raises(SaccadeError, match="--accept-changed a.zip$"):
        get(sources(site, "a.zip"), tmp_path, check=Ledger(tmp_path).check)


def test_a_file_without_sources_says_where_it_goes(tmp_path):
    with pytest.raises(SaccadeError, match=f"names no source; .* save it as {tmp_path}/a.zip"):
        get(Wanted("a.zip"), tmp_path)


@pytest.mark.parametrize("name", ["../a.zip", "/a.zip", "b/../../a.zip", ""])
def test_no_name_leaves_the_folder(site, tmp_path, name):
    with pytest.raises(SaccadeError, match="names no file below"):
        get(sources(site, "a.zip", name=name), tmp_path / "downloads")
    assert names(tmp_path) == []


@pytest.mark.parametrize("name", ["videos/train/P01/P01_01.MP4", "air drumming (it's #1) [x] 100%.tar.gz"])
def test_names_may_hold_folders_and_odd_letters(site, tmp_path, name):
    get(sources(site, "a.zip", name=name), tmp_path)
    assert names(tmp_path) == [name]


def test_an_address_may_hold_blanks_and_brackets(tmp_path):
    (tmp_path / "served/train").mkdir(parents=True)
    (tmp_path / "served/train/air drumming (it's) [x].zip").write_bytes(CONTENT)
    with Loopback(tmp_path / "served") as site:
        for url in (f"{site.address}/train/air drumming (it's) [x].zip", site.url("train/air drumming (it's) [x].zip")):
            assert get(Wanted("a.zip", (url,)), tmp_path).bytes == len(CONTENT)


def test_a_small_file_of_a_repository_is_known_as_git_knows_it(site, tmp_path):
    site.files = {"list.txt": b"hello\n"}
    wanted = sources(site, "list.txt", hashes={"git_blob": "ce013625030ba8dba906f756967f9e9ca394464a"})
    assert get(wanted, tmp_path).bytes == 6


def test_a_folder_that_cannot_be_written_is_named(site, tmp_path):
    (tmp_path / "downloads").touch()
    with pytest.raises(SaccadeError, match=f"a.zip: {tmp_path}/downloads: File exists"):
        get(sources(site, "a.zip"), tmp_path / "downloads")


def test_what_is_replaced_stays_until_the_new_file_is_right(site, tmp_path):
    (tmp_path / "a.zip").write_bytes(b"old")
    with pytest.raises(SaccadeError):
        get(sources(site, "wrong.zip", hashes=MD5), tmp_path)
    assert (tmp_path / "a.zip").read_bytes() == b"old"
    get(sources(site, "a.zip", hashes=MD5), tmp_path)
    assert (tmp_path / "a.zip").read_bytes() == CONTENT


def test_a_file_that_is_not_the_one_first_seen_is_refused_for_the_next_source(site, tmp_path):
    ledger = Ledger(tmp_path)
    ledger.record(get(sources(site, "a.zip"), tmp_path / "downloads"))
    fetched = get(sources(site, "wrong.zip", "a.zip"), tmp_path / "downloads", check=ledger.check)
    assert fetched.url == site.url("a.zip")
    with pytest.raises(SaccadeError, match="wrong.zip: a.zip has .* but what came from .*/a.zip on .*--accept-changed"):
        get(sources(site, "wrong.zip"), tmp_path / "downloads", check=ledger.check)
    assert (tmp_path / "downloads/a.zip").read_bytes() == CONTENT


def many(site, count: int, **more) -> list[Wanted]:
    site.files = {f"{number}.zip": bytes([number]) * 1000 for number in range(count)}
    return [sources(site, f"{number}.zip", name=f"{number}.zip", **more) for number in range(count)]


def test_several_come_at_once_and_are_given_in_order(site, tmp_path):
    wanted, done = many(site, 8), []
    site.fault("0.zip", times=2, status=503)
    fetched = fetch_all(wanted, tmp_path, 3, done=done.append, patience=QUICK)
    assert [one.name for one in fetched] == [one.name for one in wanted]
    assert sorted(done, key=lambda one: one.name) == fetched
    assert len(names(tmp_path)) == 8


def test_as_many_come_at_once_as_are_asked_for(site, tmp_path):
    wanted, now, most, content = many(site, 6), [], [], site.content
    both = threading.Barrier(2, timeout=10)

    def watched(path):
        now.append(path)
        most.append(len(now))
        both.wait()
        now.remove(path)
        both.wait()
        return content(path)

    site.content = watched
    fetch_all(wanted, tmp_path, 2, patience=Patience(silence_s=20))
    assert max(most) == 2


def test_one_that_fails_stops_no_other_and_all_are_told(site, tmp_path):
    wanted, done = many(site, 6), []
    site.fault("1.zip", times=1, hang_after=0)  # the error of the second comes first
    for number in (1, 4):
        site.fault(f"{number}.zip", status=404)
    with pytest.raises(SaccadeError, match="(?s)2 of 6 files .*\n1.zip: its source.*404.*\n4.zip: its source.*404"):
        fetch_all(wanted, tmp_path, 6, done=lambda fetched: done.append(fetched.name), patience=QUICK)
    assert sorted(done) == names(tmp_path) == ["0.zip", "2.zip", "3.zip", "5.zip"]


def test_many_errors_are_counted(site, tmp_path):
    wanted = many(site, 6)
    site.files = {}
    with pytest.raises(SaccadeError, match="(?s)6 of 6 files.*2.zip.* and 3 more$"):
        fetch_all(wanted, tmp_path, patience=QUICK)


def test_of_one_file_one_is_said(site, tmp_path):
    with pytest.raises(SaccadeError, match="^1 file couldn't be fetched:"):
        fetch_all([sources(site, "dead.zip")], tmp_path, patience=QUICK)


def test_what_nobody_foresaw_is_no_error_of_a_file(site, tmp_path):
    def check(name, bytes, sha256):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fetch_all(many(site, 3), tmp_path, check=check, patience=QUICK)


def test_each_file_is_said_with_its_size_when_it_is_there(site, tmp_path, capsys):
    fetch_all(many(site, 2), tmp_path, patience=QUICK)
    lines = capsys.readouterr().out.splitlines()
    assert sorted(line.partition(",")[0] for line in lines) == ["0.zip: 1 kB", "1.zip: 1 kB"]
    assert all(line.endswith("/s") for line in lines)
