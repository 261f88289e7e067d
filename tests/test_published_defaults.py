"""A published default never changes: a setting at its default is no part of what re-runs a job (`saccade/settings.py`),
so results made with the old one would pass for those of the new one."""

import dataclasses

import pytest
import yaml
from conftest import ROOT

from saccade.project import names, settings_class
from saccade.settings import Shared

PUBLISHED = yaml.safe_load((ROOT / "tests/published_defaults.yml").read_text())


def defaults_of(place: str) -> dict:
    """What `settings.py` there gives its fields: of a method those of its own, and shared ones that it gives another
    default than `Shared` does."""
    kind, _, name = place.partition("/")
    if not name:
        return shared_defaults()
    _, defaults = settings_class(ROOT / kind / name)
    shared = {} if kind == "data" else shared_defaults()
    return {key: value for key, value in defaults.items() if key not in shared or value != shared[key]}


def shared_defaults() -> dict:
    fields = [(item.name, item.default, item.default_factory) for item in dataclasses.fields(Shared)]
    given = {name: value for name, value, _ in fields if value is not dataclasses.MISSING}
    return given | {name: make() for name, _, make in fields if make is not dataclasses.MISSING}


@pytest.mark.parametrize("place", PUBLISHED)
def test_a_published_default_never_changes(place):
    now = defaults_of(place)
    for key, value in PUBLISHED[place].items():
        assert key in now, f"{place}: `{key}` was published; take it out of tests/published_defaults.yml if it is gone"
        assert now[key] == value, (
            f"{place}: the default of `{key}` was published as {value!r} and is now {now[key]!r}. Runs made with the "
            "old one would pass for runs of the new one: put the old default back, and say the new value in the cards"
        )


@pytest.mark.parametrize("place", PUBLISHED)
def test_every_default_is_on_record(place):
    new = {key: value for key, value in defaults_of(place).items() if key not in PUBLISHED[place]}
    assert not new, f"add to `{place}` in tests/published_defaults.yml:\n{yaml.safe_dump(new, default_flow_style=None)}"


def test_no_method_or_dataset_is_forgotten():
    with_settings = [
        f"{kind}/{name}"
        for kind in ("methods", "data")
        for name in names(ROOT, kind)
        if (ROOT / kind / name / "settings.py").is_file()
    ]
    left = {place: defaults_of(place) for place in with_settings if place not in PUBLISHED}
    assert not left, f"add to tests/published_defaults.yml:\n{yaml.safe_dump(left)}"
    assert sorted(PUBLISHED) == sorted(["shared", *with_settings])


def test_a_shared_default_that_a_method_changes_is_on_its_record(tmp_path, monkeypatch):
    folder = tmp_path / "methods/other"
    folder.mkdir(parents=True)
    (folder / "settings.py").write_text(
        "from dataclasses import dataclass\n"
        "from saccade.settings import Shared\n\n\n"
        "@dataclass(frozen=True, kw_only=True)\n"
        "class Settings(Shared):\n    nesterov: bool = True\n    width: int = 4\n"
    )
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    assert defaults_of("methods/other") == {"nesterov": True, "width": 4}
