"""Labels of a user's own against the classes of published weights."""

import numpy as np

from saccade.records import Head
from saccade.scoring.class_names import class_numbers, match, matching, matching_words

CLASSES = ("bench pressing", "Bench-Pressing", "jogging", "tai chi", "walking the dog")
HEAD = Head("label", "single", CLASSES, of_weights=True)


def test_case_blanks_underscores_hyphens_and_the_unicode_form_do_not_matter():
    own = ["Tai_Chi", "  jogging ", "walking  THE-dog", "ｊｏｇｇｉｎｇ", "joging", ""]
    assert class_numbers(own, CLASSES) == [3, 2, 4, 2, -1, -1]


def test_a_name_spelled_exactly_alike_goes_first():
    assert class_numbers(["bench pressing", "Bench-Pressing", "BENCH PRESSING"], CLASSES) == [0, 1, 0]


def test_who_is_judged_and_what_is_said_of_the_others():
    own = ["jogging", "walking a dog", "zzz"]
    found, judged = match(HEAD, own, [(0,), (2,), (0,), (1,)])
    assert found == [(2,), (-1,), (2,), (-1,)] and judged.tolist() == [True, False, True, False]
    told = matching(HEAD, own, judged)
    assert told["unmatched"] == {"walking a dog": ["walking the dog"], "zzz": []}
    first, second, third = matching_words("label", told)
    assert first.startswith("2 of 4 videos were judged") and first.endswith("(jogging)")
    assert second.endswith("nearest: walking the dog") and third == "label 'zzz' is none of their classes"
    assert matching_words("label", matching(HEAD, own, np.zeros(4, bool)))[0].startswith("no video was judged, of 4")
