"""One grammar for every address: what it reads, what it fills in, what it refuses."""

import pytest

from saccade.cards.address import (
    COUNTERPART,
    NEED,
    OF_POINT,
    OF_VARIANT,
    RUN,
    RUNS,
    SYSTEM,
    VARIANT_ON_DATA,
    Address,
    parse_address,
)
from saccade.records import SaccadeError

OWN = Address("demo", "dots", "2", "toy", "wide", seed="3")


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("demo/dots@2/toy/wide/seed3", RUN),
        ("dots@2/toy/wide", VARIANT_ON_DATA),
        ("*/toy/w?de/seed[012]", RUNS),
        ("dots/toy/wide", RUNS),
        ("dots@2/toy/wide/base", NEED),
        ("wide/few", OF_VARIANT),
        ("toy/wide", SYSTEM),
    ],
)
def test_an_address_is_written_as_it_was_read(text, shape):
    assert str(parse_address(text, shape)) == text


@pytest.mark.parametrize(
    ("text", "shape", "whole"),
    [
        ("base", NEED, "demo/dots@2/toy/wide/base/seed3"),
        ("plain/base", NEED, "demo/dots@2/toy/plain/base/seed3"),
        ("toi/plain/base", NEED, "demo/dots@2/toi/plain/base/seed3"),
        ("dots/toy/plain/base", NEED, "demo/dots/toy/plain/base/seed3"),
        ("more@5/toy/plain/base", NEED, "demo/more@5/toy/plain/base/seed3"),
        ("few", COUNTERPART, "demo/dots@2/toy/wide/few/seed3"),
        ("toi/plain/few", COUNTERPART, "demo/dots@2/toi/plain/few/seed3"),
        ("few", OF_POINT, "demo/dots@2/toy/wide/few/seed3"),
        ("plain", OF_VARIANT, "demo/dots@2/toy/plain/seed3"),
        ("plain", SYSTEM, "demo/dots@2/toy/plain/seed3"),
    ],
)
def test_what_is_left_out_is_the_speakers_own(text, shape, whole):
    assert str(parse_address(text, shape, OWN)) == whole


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("demo/dots/toy/wide", RUN),
        ("dots/toy/wide/3", RUNS),
        ("dots/toy", VARIANT_ON_DATA),
        ("dots//wide", VARIANT_ON_DATA),
        ("dots@/toy/wide", VARIANT_ON_DATA),
        ("dots/to@y/wide", VARIANT_ON_DATA),
        ("a/b/c/d/e", NEED),
        ("a/b/c", OF_POINT),
        ("", COUNTERPART),
    ],
)
def test_text_of_another_shape_is_told_the_right_one(text, shape):
    with pytest.raises(SaccadeError) as error:
        parse_address(text, shape, where="card.yml: needs: ")
    assert str(error.value) == f"card.yml: needs: '{text}' is not {shape}"
