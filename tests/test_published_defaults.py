"""A published default never changes: a setting at its default is no part of what re-runs a job (`saccade/settings.py`),
so results made with the old one would pass for those of the new one."""

import dataclasses

import pytest
import yaml
from conftest import ROOT

from saccade.project import names, settings_class
from saccade.settings import Shared

PUBLISHED = yaml.safe_load((ROOT / "tests/published_defaults.yml").read_text())
SHARED = {item.name for item in dataclasses.fields(Shared)}


def defaults_of(place: str) -> dict:
    """What `settings.py` there gives its fields: of a method those of its own, the shared ones for any of them."""
    kind, _, name = place.partition("/")
    _, defaults = settings_class(ROOT / (f"{kind}/{name}" if name else "methods/tsn"))
    return {key: value for key, value in defaults.items() if kind == "data" or (key in SHARED) == (not name)}


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
