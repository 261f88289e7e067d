"""The pages people read name what exists: links, files and functions."""

import ast
import re
from functools import cache

import pytest
from conftest import ROOT

PAGES = ["README.md", "CONTRIBUTING.md", *sorted(f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md"))]
PAGES += sorted(str(page.relative_to(ROOT)) for page in ROOT.glob("methods/*/README.md"))
PAGES += sorted(str(page.relative_to(ROOT)) for page in ROOT.glob("data/*/README.md"))
PLACE = re.compile(r"`([\w./-]+\.py):(\w+)`")


@cache
def defined(file):
    """The functions and classes at the top of a module."""
    kinds = (ast.FunctionDef, ast.ClassDef)
    return {node.name for node in ast.parse((ROOT / file).read_text()).body if isinstance(node, kinds)}


def anchors(text):
    """What a link may name in a page: its headings, as GitHub writes them, and its `<a id>`."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings} | set(
        re.findall(r'<a id="([^"]+)">', text)
    )


def test_the_architecture_names_files_and_functions_that_exist():
    text = (ROOT / "docs/architecture.md").read_text()
    places = PLACE.findall(text)
    assert len(places) > 40
    for file, name in places:
        assert (ROOT / file).is_file(), f"docs/architecture.md names {file}, which isn't there"
        assert name in defined(file), f"docs/architecture.md names {file}:{name}, which isn't there"
    for file in re.findall(r"`((?:saccade|tests|methods|data)/[\w./-]+\.\w+)`", text):
        assert (ROOT / file).is_file(), f"docs/architecture.md names {file}, which isn't there"


def test_the_picture_of_the_rooms_shows_every_room():
    from test_house import LOWER, WITHOUT_TORCH

    picture = (ROOT / "docs/figures/rooms.svg").read_text()
    for room in [*LOWER[1:], "steps"]:
        assert f">{room}/<" in picture, room
    green = re.findall(r'fill="#e2f0dc" stroke="[^"]+"/>\s*<text[^>]*>(\w+)/<', picture)
    assert sorted(green) == sorted(set(WITHOUT_TORCH) - {"ground"})


@pytest.mark.parametrize("page", PAGES)
def test_a_page_links_to_what_exists(page):
    text = (ROOT / page).read_text()
    for link, anchor in re.findall(r"\]\(([^)#:\s]*)(?:#([^)\s]+))?\)", text):
        target = (ROOT / page).parent / link if link else ROOT / page
        assert target.exists(), f"{page}: {link}"
        assert not anchor or anchor in anchors(target.read_text()), f"{page}: {link}#{anchor}"
    for image in re.findall(r'<img src="([^":]+)"', text):
        assert (ROOT / page).parent.joinpath(image).is_file(), f"{page}: {image}"
    assert not re.search(r"[A-Z]+_(MINUTES|DEMO)", text), f"{page}: a blank that was never filled in"


@pytest.mark.parametrize("page", PAGES)
def test_a_page_names_modules_that_exist(page):
    text, beside = (ROOT / page).read_text(), (ROOT / page).parent
    for file in re.findall(r"`([\w-]+/[\w./-]+\.py)`", text):
        assert any((place / file).is_file() for place in (beside, ROOT, ROOT / "saccade")), f"{page}: {file}"
    for name in re.findall(r"`saccade\.(\w+(?:\.\w+)+)`", text):
        paths = [ROOT / "saccade" / each.replace(".", "/") for each in (name, name.rpartition(".")[0])]
        assert any(path.with_suffix(".py").is_file() for path in paths), f"{page}: saccade.{name}"


def test_the_glossary_is_in_order():
    words = re.findall(r"^- (?:<a id=\"[^\"]+\"></a>)?\*\*([^*]+)\*\*", (ROOT / "docs/glossary.md").read_text(), re.M)
    assert len(words) > 40 and words == sorted(words, key=str.lower)
