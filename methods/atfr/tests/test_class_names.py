"""The names of Kinetics-400's classes, in the order of published classifiers."""

import pytest
from conftest import ROOT

NAMES = (ROOT / "methods/atfr/paper/kinetics400.txt").read_text(encoding="utf-8").splitlines()


def test_they_are_torchvisions():
    video = pytest.importorskip("torchvision.models.video")
    assert video.R3D_18_Weights.DEFAULT.meta["categories"] == NAMES


def test_they_are_in_the_order_that_pytorchvideo_publishes():
    """Numbers of some classes in its kinetics_classnames.json, which is alphabetical."""
    known = {"bench pressing": 19, "changing wheel": 53, "cutting nails": 81, "deadlifting": 88, "eating carrots": 111}
    known |= {"eating ice cream": 115, "marching": 192, "sharpening knives": 290, "throwing discus": 358}
    assert {name: NAMES.index(name) for name in known} == known and sorted(NAMES) == NAMES
