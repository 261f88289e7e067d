"""What a card says of its publisher's files, and what is said where it can't be meant so."""

import pytest
from conftest import edit

from saccade.acquire.offer import offered
from saccade.cards.dataset import load_dataset
from saccade.plan.availability import why_raw_lacking
from saccade.records import SaccadeError

FILES = """
obtained: automatic
files:
  parts.txt:
    sources:
      - {url: "https://example.org/parts.txt", state: dead, seen: "2020", by: me}
      - {url: "https://example.net/parts.txt", state: alive, seen: "2026", by: me}
  originals.zip:
    bytes: 7
    on_request: true
    sources: [{url: "https://example.org/o.zip", state: alive, seen: "2026", by: me}]
  rows.csv: {md5: d41d8cd98f00b204e9800998ecf8427e}
listed:
  - {file: parts.txt, names: "train/{name}", unpack: videos/train, about: two archives}
  - file: rows.csv
    url: "https://example.org/{path}"
    names: "{path}"
    where: {path: "rgb/*", version: "55"}
    md5: sum
    unpack: frames
    about: a folder each
"""


@pytest.fixture
def dots(project):
    file = project / "data/dots/card.yml"
    file.write_text(file.read_text() + FILES)
    return project


def lists(project):
    downloads = project / "data/dots/raw/downloads"
    downloads.mkdir(parents=True)
    (downloads / "parts.txt").write_text(
        "https://example.org/a b/part_0.tar.gz\r\n\nhttps://example.org/part_1.tar.gz\n"
    )
    md5 = "0" * 32
    rows = (
        f"sum,path,version\n{md5},rgb/P01/P01_01.tar,55\n{md5},flow/P01/P01_01.tar,55\n{md5},rgb/P01/P01_02.tar,100\n"
    )
    (downloads / "rows.csv").write_text(rows)


def test_dead_addresses_are_kept_and_not_asked(dots):
    parts = load_dataset(dots, "dots").files[0]
    assert [source.state for source in parts.sources] == ["dead", "alive"]
    assert parts.urls == ("https://example.net/parts.txt",)


def test_what_lists_name_is_offered_once_they_are_there(dots):
    assert [file.name for file in offered(load_dataset(dots, "dots"))] == ["parts.txt", "rows.csv"]
    lists(dots)
    found = offered(load_dataset(dots, "dots"))
    names = ["parts.txt", "rows.csv", "train/part_0.tar.gz", "train/part_1.tar.gz", "rgb/P01/P01_01.tar"]
    assert [file.name for file in found] == names
    assert found[2].urls == ("https://example.org/a%20b/part_0.tar.gz",) and found[2].unpack == "videos/train"
    assert found[4].urls == ("https://example.org/rgb/P01/P01_01.tar",) and found[4].hashes == {"md5": "0" * 32}


def test_only_what_is_named_comes_with_the_lists_and_on_request_what_is_large(dots):
    lists(dots)
    dataset = load_dataset(dots, "dots")
    chosen = [file.name for file in offered(dataset, ["*_1.tar.gz", "originals.zip"])]
    assert chosen == ["parts.txt", "originals.zip", "rows.csv", "train/part_1.tar.gz"]
    with pytest.raises(SaccadeError, match=r"dots offers no file 'orignals.zip'; did you mean 'originals.zip'"):
        offered(dataset, ["orignals.zip"])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("parts.txt:\n", "../parts.txt:\n", r"files.../parts.txt: '../parts.txt' must be a path below raw/"),
        ("https://example.net", "ftp://example.net", "'ftp://example.net/parts.txt' is no address"),
        ("d41d8cd9", "D41D8CD9", "files.rows.csv.md5: 'D41D8CD98f00b204e9800998ecf8427e' is not 32 digits"),
        ("file: rows.csv", "file: row.csv", r"listed\[1\].file: unknown file 'row.csv'; did you mean 'rows.csv'"),
        ("state: dead", "state: gone", "'gone' is not one of alive, dead, unverified"),
    ],
)
def test_what_cannot_be_meant_is_named(dots, old, new, message):
    edit(dots / "data/dots/card.yml", old, new)
    with pytest.raises(SaccadeError, match=message):
        load_dataset(dots, "dots")


def test_lists_that_are_not_what_was_published_are_named_with_their_line(dots):
    lists(dots)
    rows = dots / "data/dots/raw/downloads/rows.csv"
    edit(rows, "rgb/P01/P01_01.tar", "rgb/../../P01_01.tar")
    with pytest.raises(SaccadeError, match=r"rows.csv: line 2: 'rgb/../../P01_01.tar' can't be a file's name here"):
        offered(load_dataset(dots, "dots"))
    rows.write_text("path\nrgb/P01/P01_01.tar\n")
    with pytest.raises(SaccadeError, match="rows.csv: the list has no column version, sum"):
        offered(load_dataset(dots, "dots"))


def test_what_raw_lacks_says_the_command_that_brings_it(dots):
    assert why_raw_lacking(load_dataset(dots, "dots")) == (
        "data/dots/raw lacks videos.zip; `saccade acquire dots` fetches it"
    )
