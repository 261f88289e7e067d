"""What becomes of a dataset's raw/ whatever happens on the way, through the command line."""

import hashlib
import io
import shutil
import tarfile
import zipfile
from collections import namedtuple

import pytest
from acquire.loopback import Loopback
from conftest import edit

from saccade.__main__ import main
from saccade.acquire.ledger import Ledger
from saccade.acquire.locks import lock
from saccade.files import read_json

CARD = """
dataset: dots
title: Dots
source: https://example.org/dots
licence: CC0
terms: Be kind.
heads:
  noun: {{kind: single, classes: [a, b]}}
obtained: automatic
expects: [videos]
files:
  parts.txt: {{sources: [{{url: "{at}/parts.txt", state: alive, seen: "2026", by: us}}]}}
  lists.zip:
    bytes: {size}
    sha256: {sha256}
    sources:
      - {{url: "{at}/gone/lists.zip", state: alive, seen: "2026", by: us}}
      - {{url: "{at}/lists.zip", state: alive, seen: "2026", by: us}}
    unpack: lists
  large.zip:
    on_request: true
    unpack: videos
    sources: [{{url: "{at}/large.zip", state: alive, seen: "2026", by: us}}]
listed:
  - {{file: parts.txt, names: "train/{{name}}", unpack: videos/train, about: two archives}}
"""


def zipped(**members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def tarred(**members: bytes) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for name, data in members.items():
            about = tarfile.TarInfo(name)
            about.size = len(data)
            archive.addfile(about, io.BytesIO(data))
    return file.getvalue()


FILES = {
    "lists.zip": zipped(**{"train list.txt": b"x\n", "it's [one] #1.txt": b"y\n"}),
    "large.zip": zipped(big=b"0" * 999),
    "part 0.tar.gz": tarred(**{"a.mp4": b"first"}),
    "part_1.tar.gz": tarred(**{"b.mp4": b"second"}),
}
WHOLE = {
    "lists/lists/train list.txt",
    "lists/lists/it's [one] #1.txt",
    "videos/train/part 0/a.mp4",
    "videos/train/part_1/b.mp4",
}


@pytest.fixture
def site():
    with Loopback(dict(FILES)) as server:
        server.files["parts.txt"] = f"{server.address}/part 0.tar.gz\n{server.address}/part_1.tar.gz\n".encode()
        yield server


@pytest.fixture
def dots(project, site, monkeypatch):
    data = FILES["lists.zip"]
    card = CARD.format(at=site.address, size=len(data), sha256=hashlib.sha256(data).hexdigest())
    (project / "data/dots/card.yml").write_text(card)
    monkeypatch.chdir(project)
    return project / "data/dots"


def below(raw, *without):
    return {
        path.relative_to(raw).as_posix()
        for path in raw.rglob("*")
        if path.is_file() and not path.name.startswith(".") and path.relative_to(raw).parts[0] not in without
    }


def test_everything_is_announced_fetched_and_unpacked_once(dots, site, capsys):
    assert main(["acquire", "dots"]) == 0
    said = capsys.readouterr().out
    order = [
        "licence: CC0",
        "terms: Be kind.",
        "into: ",
        "to fetch: lists.zip",
        "to fetch: train/part 0.tar.gz",
        "in all",
    ]
    places = [said.index(words) for words in order]
    assert places == sorted(places) and "next: saccade prepare dots" in said
    raw = dots / "raw"
    assert below(raw, "downloads", "acquired.json") == WHOLE
    entry = read_json(raw / "acquired.json")["train/part 0.tar.gz"]
    assert entry["sha256"] == hashlib.sha256(FILES["part 0.tar.gz"]).hexdigest()
    assert entry["unpacked"] == {"into": "videos/train/part 0", "files": 1, "bytes": 5}
    assert (dots / "acquired.json").is_file() and not any("large" in asked.path for asked in site.asked)
    site.asked.clear()
    (raw / "downloads/lists.zip").unlink()  # what is unpacked needn't be there
    assert main(["acquire", "dots"]) == 0 and site.asked == []
    assert "in all: 0 files (0 bytes) to fetch, 0 files to unpack" in capsys.readouterr().out


def test_a_dry_run_tells_and_changes_nothing(dots, site, capsys):
    assert main(["acquire", "dots", "--dry-run"]) == 0
    assert "to fetch: what parts.txt names (two archives)" in capsys.readouterr().out
    assert not (dots / "raw").exists() and not any(asked.sent for asked in site.asked)


def test_only_what_is_named_comes(dots):
    assert main(["acquire", "dots", "--only", "large.zip", "--only", "*part_1*"]) == 0
    assert below(dots / "raw", "downloads", "acquired.json") == {"videos/large/big", "videos/train/part_1/b.mp4"}


def test_archives_can_go_as_soon_as_they_are_unpacked(dots):
    assert main(["acquire", "dots", "--remove-archives"]) == 0
    assert below(dots / "raw", "acquired.json") == WHOLE | {"downloads/parts.txt"}
    assert main(["acquire", "dots", "--remove-archives"]) == 0


class KilledError(BaseException):
    """As if the process ended here."""


@pytest.mark.parametrize("after", range(12))
def test_stopped_between_any_two_steps_it_goes_on_and_ends_alike(dots, site, monkeypatch, after):
    """Each file fetched, noted, unpacked and noted again is a step."""
    from saccade.steps import acquire

    count = 0

    def counted(step):
        def run(*arguments, **more):
            nonlocal count
            if count == after:
                raise KilledError
            done = step(*arguments, **more)
            count += 1
            if count == after + 1:
                count = after
                raise KilledError
            return done

        return run

    with monkeypatch.context() as patch:
        for owner, name in ((acquire, "unpack"), (Ledger, "record"), (Ledger, "record_unpacked"), (acquire, "verify")):
            patch.setattr(owner, name, counted(getattr(owner, name)))
        try:
            main(["acquire", "dots", "--parallel", "1"])
            stopped = False
        except KilledError:
            stopped = True
    assert stopped == (after < 10)
    site.asked.clear()
    assert main(["acquire", "dots"]) == 0
    assert below(dots / "raw", "downloads", "acquired.json") == WHOLE
    assert set(read_json(dots / "raw/acquired.json")) == {
        "parts.txt",
        "lists.zip",
        "train/part 0.tar.gz",
        "train/part_1.tar.gz",
    }


def test_a_file_that_is_not_what_was_published_is_not_kept(dots, site, capsys):
    site.files["lists.zip"] = FILES["lists.zip"][:-1] + b"!"
    assert main(["acquire", "dots"]) == 1
    said = capsys.readouterr().err
    assert "its sha256 is" in said and "404" in said and "lists.zip" in said
    assert not (dots / "raw/downloads/lists.zip").exists() and not (dots / "raw/lists").exists()


def test_a_file_that_changed_since_it_was_first_seen_is_refused_until_the_user_agrees(dots, site, capsys):
    assert main(["acquire", "dots"]) == 0
    (dots / "raw/downloads/parts.txt").unlink()
    site.files["parts.txt"] += b"\n"
    assert main(["acquire", "dots"]) == 1
    assert "--accept-changed" in capsys.readouterr().err
    assert main(["acquire", "dots", "--accept-changed", "*"]) == 0


def test_a_damaged_archive_names_itself_and_leaves_nothing(dots, site, capsys):
    site.files["part_1.tar.gz"] = FILES["part_1.tar.gz"][:-20]
    assert main(["acquire", "dots"]) == 1
    said = capsys.readouterr().err
    assert "part_1.tar.gz" in said and "saccade acquire dots" in said
    assert below(dots / "raw", "downloads", "acquired.json") == WHOLE - {"videos/train/part_1/b.mp4"}
    assert not (dots / "acquired.json").exists()
    site.files["part_1.tar.gz"] = FILES["part_1.tar.gz"]
    (dots / "raw/downloads/train/part_1.tar.gz").unlink()
    assert main(["acquire", "dots"]) == 0


def test_files_that_the_user_has_are_linked_and_verified(dots, site, tmp_path, capsys):
    own = tmp_path / "mine"
    own.mkdir()
    (own / "lists.zip").write_bytes(FILES["lists.zip"])
    (own / "part_1.tar.gz").write_bytes(FILES["part_1.tar.gz"])
    assert main(["acquire", "dots", "--archives", str(own)]) == 0
    assert (dots / "raw/downloads/lists.zip").readlink() == own / "lists.zip"
    assert below(dots / "raw", "downloads", "acquired.json") == WHOLE
    assert {asked.path for asked in site.asked} == {"parts.txt", "part 0.tar.gz"}
    assert main(["acquire", "dots", "--archives", str(tmp_path)]) == 1
    assert "it holds none of the files of dots" in capsys.readouterr().err


def test_unpacked_videos_that_the_user_has_are_used_where_they_are(dots, site, tmp_path, capsys):
    own = tmp_path / "mine/train"
    own.mkdir(parents=True)
    assert main(["acquire", "dots", "--videos", str(own.parent)]) == 1
    assert "it holds no video" in capsys.readouterr().err
    (own / "a.mp4").write_bytes(b"first")
    assert main(["acquire", "dots", "--videos", str(own.parent)]) == 0
    assert (dots / "raw/videos").readlink() == own.parent and len(list(own.iterdir())) == 1
    assert "your own folder" in capsys.readouterr().out
    assert not any("part " in asked.path or "part_" in asked.path for asked in site.asked)


def test_what_only_the_user_can_bring_is_named_with_its_place_and_then_verified(dots, capsys):
    card = dots / "card.yml"
    edit(card, "obtained: automatic", "obtained: manual\nacquire: Ask for an account at the page.")
    card.write_text(card.read_text().partition("listed:")[0].replace("  parts.txt", "  # parts.txt"))
    assert main(["acquire", "dots"]) == 1
    said = capsys.readouterr().err
    assert "Ask for an account" in said and str(dots / "raw/downloads/lists.zip") in said and "sha256" in said
    (dots / "raw/downloads").mkdir(exist_ok=True)
    (dots / "raw/downloads/lists.zip").write_bytes(b"something else")
    assert main(["acquire", "dots"]) == 1
    assert "isn't the file that is wanted: it has 14 bytes" in capsys.readouterr().err
    (dots / "raw/downloads/lists.zip").write_bytes(FILES["lists.zip"])
    assert main(["acquire", "dots"]) == 0
    assert (dots / "raw/lists/lists/train list.txt").is_file()


def test_the_disk_is_asked_before(dots, site, monkeypatch, capsys):
    usage = namedtuple("Usage", "total used free")(10**10, 10**10, 10**9 + 100)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    assert main(["acquire", "dots"]) == 1
    said = capsys.readouterr().err
    assert "are needed" in said and "make" in said and "a link to a folder on a larger disk" in said
    assert {asked.path for asked in site.asked if asked.method == "GET" and asked.sent} == {"parts.txt"}


def test_a_second_run_at_the_same_time_says_so(dots, site, capsys):
    (dots / "raw").mkdir()
    with lock(dots / "raw"):
        assert main(["acquire", "dots"]) == 1
    assert "another process" in capsys.readouterr().err and site.asked == []


def test_what_fails_stops_nothing_else(dots, site, capsys):
    del site.files["part 0.tar.gz"]
    site.files["lists.zip"] = FILES["lists.zip"][:-1] + b"!"
    assert main(["acquire", "dots", "--remove-archives"]) == 1
    said = capsys.readouterr().err
    assert "part 0.tar.gz" in said and "lists.zip" in said
    assert below(dots / "raw", "downloads", "acquired.json") == {"videos/train/part_1/b.mp4"}


def test_archives_that_were_unpacked_before_can_go_later(dots):
    assert main(["acquire", "dots"]) == 0
    assert main(["acquire", "dots", "--remove-archives"]) == 0
    assert below(dots / "raw", "acquired.json") == WHOLE | {"downloads/parts.txt"}


def test_the_content_of_an_archive_that_changed_is_made_anew_and_the_old_one_kept_aside(dots, capsys):
    assert main(["acquire", "dots"]) == 0
    new = tarred(**{"c.mp4": b"other bytes, other length"})
    (dots / "raw/downloads/train/part_1.tar.gz").write_bytes(new)
    assert main(["acquire", "dots"]) == 1
    assert "run again with --accept-changed train/part_1.tar.gz" in capsys.readouterr().err
    assert main(["acquire", "dots", "--accept-changed", "train/part_1*"]) == 0
    assert [path.name for path in (dots / "raw/videos/train/part_1").iterdir()] == ["c.mp4"]
    assert [path.name for path in dots.glob("raw/.before-*/part_1/*")] == ["b.mp4"]


def test_a_folder_that_lost_a_file_is_named(dots, capsys):
    assert main(["acquire", "dots"]) == 0
    (dots / "raw/lists/lists/train list.txt").unlink()
    assert main(["acquire", "dots"]) == 0
    assert "lists holds 1 of the 2 files that came out of lists.zip; remove the folder" in capsys.readouterr().out


def test_a_part_of_a_dataset_is_not_called_the_whole(dots, capsys):
    assert main(["acquire", "dots", "--only", "*part_1*"]) == 0
    said = capsys.readouterr().out
    assert "not here: lists.zip, train/part 0.tar.gz" in said and "dots is here" not in said
    assert not (dots / "acquired.json").exists()


def test_links_that_lead_nowhere_are_named(dots, capsys, tmp_path):
    (dots / "raw").symlink_to(tmp_path / "unplugged")
    assert main(["acquire", "dots"]) == 1
    assert "which isn't there; make that folder, or the link anew" in capsys.readouterr().err
    (dots / "raw").unlink()
    (dots / "raw/lists").mkdir(parents=True)
    (dots / "raw/lists/lists").symlink_to(tmp_path / "unplugged")
    assert main(["acquire", "dots"]) == 1
    assert "is there and no folder" in capsys.readouterr().err
