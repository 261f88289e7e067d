"""Which files a published list names, and at which addresses."""

import pytest
from acquire.loopback import Loopback

from saccade.__main__ import main
from saccade.acquire.offer import offered
from saccade.cards.dataset import load_dataset

CARD = """
dataset: listing
title: Listing
source: https://example.org
licence: CC0
heads: {{label: {{kind: single, classes: [a, b]}}}}
obtained: automatic
files:
  list.txt: {{sources: [{{url: "{at}/list.txt", state: alive, seen: "2026", by: us}}]}}
listed:
  - {{file: list.txt, names: "train/{{name}}", about: some}}
"""
NAMES = (
    "pull ups.tar.gz",
    "massaging person's head.tar.gz",
    "curling (sport).tar.gz",
    "a+b.tar.gz",
    "c#1.tar.gz",
    "d [2] 9%.tar.gz",
)


@pytest.fixture
def listing(project, monkeypatch):
    """(write, files): `write` makes the list of these lines; `files` are those that are offered then."""
    (project / "data/listing/raw/downloads").mkdir(parents=True)
    (project / "data/listing/card.yml").write_text(CARD.format(at="https://example.org"))
    monkeypatch.chdir(project)

    def files(*lines):
        (project / "data/listing/raw/downloads/list.txt").write_text("\n".join(lines))
        return offered(load_dataset(project, "listing"))[1:]

    return files


@pytest.mark.parametrize(
    "line, url, name",
    [
        ("https://h/train/pull ups.tar.gz", "https://h/train/pull%20ups.tar.gz", "train/pull ups.tar.gz"),
        ("https://h/train/pull%20ups.tar.gz", "https://h/train/pull%20ups.tar.gz", "train/pull ups.tar.gz"),
        ("https://h/a+b.zip", "https://h/a%2Bb.zip", "train/a+b.zip"),
        ("https://h/#20 (it's).avi", "https://h/%2320%20%28it%27s%29.avi", "train/#20 (it's).avi"),
        ("https://h/9%.zip?id=1&x=a%2Fb", "https://h/9%25.zip?id=1&x=a%2Fb", "train/9%.zip"),
    ],
)
def test_an_address_is_quoted_once_and_a_name_not_at_all(listing, line, url, name):
    (file,) = listing(line)
    assert (file.urls, file.name) == ((url,), name)


def test_files_come_whatever_signs_their_names_hold(project, monkeypatch):
    monkeypatch.chdir(project)
    (project / "data/listing").mkdir()
    with Loopback({f"train/{name}": name.encode() for name in NAMES}) as site:
        site.files["list.txt"] = "".join(f"{site.address}/train/{name}\n" for name in NAMES).encode()
        (project / "data/listing/card.yml").write_text(CARD.format(at=site.address))
        assert main(["acquire", "listing"]) == 0
    downloads = project / "data/listing/raw/downloads/train"
    assert {path.name: path.read_text() for path in downloads.iterdir()} == {name: name for name in NAMES}
