import json

import numpy as np
import pandas as pd
import pytest

from saccade.records import SaccadeError
from saccade.scoring import hit_rates

NOT_SEEN = [np.nan] * 4


def decided(*views):
    """A point's rows for one video v."""
    return pd.DataFrame({"video_id": ["v"], "decisions": [json.dumps(list(views))]})


def target(informative, boxes=None):
    return hit_rates.Target(
        np.array(informative, dtype=bool), None if boxes is None else np.array(boxes, dtype=np.float64)
    )


def rates(table, one, fixed=None):
    return {name: found.iloc[0].to_dict() for name, found in hit_rates.hit_rates_of(table, {"v": one}, fixed).items()}


def test_chosen_frames_by_hand():
    fixed = hit_rates.fit([target([0, 0, 0, 1])])
    found = rates(decided({"frames": [0, 0, 1]}), target([1, 0, 0, 0]), fixed)["hit.frames"]
    # 3 of 4 frames: evenly spread 0, 1, 3; elsewhere frame 3 informs, the others are equal, so 3, 0, 1
    assert found == pytest.approx({"value": 2 / 3, "random": 1 / 4, "even": 1 / 3, "fixed": 1 / 3})


def test_views_are_judged_together():
    assert rates(decided({"frames": [0]}, {"frames": [1]}), target([1, 0]))["hit.frames"]["value"] == 0.5


def test_the_best_fixed_times_carry_over_to_other_lengths():
    fixed = hit_rates.fit([target([0, 0, 0, 1]), target([0, 1, 0, 1])])
    assert fixed.times(8, 3).tolist() == [6, 7, 2]
    assert fixed.times(2, 4).tolist() == [1, 0, 1, 0]


def test_a_patch_by_hand():
    box = [0.1, 0.1, 0.3, 0.3]
    found = rates(decided({"frames": [0], "boxes": [[0.0, 0.0, 0.5, 0.5]]}), target([1], [box]))
    # of a patch of half the side, anywhere in [0, 0.5]: its centre 0.2 is held up to 0.2, the box from 0 to 0.1, along
    # each side
    assert found["hit.boxes"] == pytest.approx({"value": 1, "random": 0.16, "centre": 0}, abs=0.01)
    assert found["cover.boxes"]["value"] == 1
    assert found["cover.boxes"]["random"] == pytest.approx(0.2**2, abs=0.02)


def test_a_patch_that_holds_the_centre_need_not_cover_the_box():
    found = rates(decided({"frames": [0], "boxes": [[0.0, 0.0, 0.5, 0.5]]}), target([1], [[0.3, 0.1, 0.6, 0.3]]))
    assert (found["hit.boxes"]["value"], found["cover.boxes"]["value"]) == (1, 0)


def test_a_box_cut_by_the_frame_is_covered_where_its_visible_part_is():
    assert hit_rates.holds_box(np.array([0.0, 0.0, 0.2, 0.2]), np.array([-0.1, 0.0, 0.1, 0.1]))


def test_expected_chance_is_what_random_patches_reach():
    generator = np.random.default_rng(0)
    size, box = np.array([0.4, 0.3]), np.array([0.5, 0.05, 0.7, 0.2])
    corner = generator.uniform(0, 1, (20000, 2)) * (1 - size)
    patches = np.concatenate([corner, corner + size], axis=1)
    for name, holds in hit_rates.MEASURES.items():
        one = decided({"frames": [0], "boxes": [[0.0, 0.0, 0.4, 0.3]]})
        assert rates(one, target([1], [box]))[name]["random"] == pytest.approx(holds(patches, box).mean(), abs=0.02)


def test_the_best_fixed_place_is_where_targets_are_elsewhere():
    elsewhere = hit_rates.fit([target([1, 1], [[0.8, 0.1, 0.9, 0.2], [0.85, 0.1, 0.95, 0.2]])])
    found = rates(
        decided({"frames": [0], "boxes": [[0.0, 0.0, 0.3, 0.3]]}), target([1], [[0.8, 0.1, 1.0, 0.3]]), elsewhere
    )
    assert (found["hit.boxes"]["fixed"], found["hit.boxes"]["centre"], found["hit.boxes"]["value"]) == (1, 0, 0)


LEFT, RIGHT, MIDDLE = [0.0, 0.0, 0.5, 0.5], [0.5, 0.0, 1.0, 0.5], [0.25, 0.25, 0.75, 0.75]


@pytest.mark.parametrize("boxes", [[[LEFT, RIGHT]], [[RIGHT, LEFT, RIGHT]]])
def test_of_several_patches_in_a_frame_any_may_hold_the_target(boxes):
    found = rates(decided({"frames": [0], "boxes": boxes}), target([1], [[0.1, 0.1, 0.3, 0.3]]))
    assert (found["hit.boxes"]["value"], found["cover.boxes"]["value"]) == (1, 1)
    none = rates(decided({"frames": [0], "boxes": [[RIGHT, MIDDLE]]}), target([1], [[0.1, 0.1, 0.3, 0.3]]))
    assert (none["hit.boxes"]["value"], none["cover.boxes"]["value"]) == (0, 0)
    # the target in two halves is held by none of them
    halves = rates(decided({"frames": [0], "boxes": [[LEFT, RIGHT]]}), target([1], [[0.3, 0.1, 0.6, 0.3]]))
    assert (halves["hit.boxes"]["value"], halves["cover.boxes"]["value"]) == (1, 0)


def test_a_frame_counts_once_however_many_patches_it_has():
    boxes = [[0.1, 0.1, 0.3, 0.3], [0.6, 0.1, 0.9, 0.3], [0.1, 0.1, 0.3, 0.3], [0.1, 0.1, 0.3, 0.3]]
    shown = {"frames": [0, 1, 2, 3], "boxes": [[LEFT, LEFT, LEFT], [LEFT, MIDDLE], RIGHT, []]}
    found = rates(decided(shown), target([1, 1, 1, 1], boxes))
    assert found["hit.boxes"]["value"] == pytest.approx(1 / 3)  # the last frame has no patch
    listed = rates(decided({"frames": [0], "boxes": [[LEFT]]}), target([1], boxes[:1]))
    assert listed == rates(decided({"frames": [0], "boxes": [LEFT]}), target([1], boxes[:1]))


def test_chance_of_k_patches_is_that_one_of_k_throws_holds():
    box = [0.1, 0.1, 0.3, 0.3]  # of a patch of half the side p is 0.4 x 0.4, see above; of the others by the same
    one, three = (
        rates(decided({"frames": [0], "boxes": [[LEFT] * k]}), target([1], [box]))["hit.boxes"]["random"]
        for k in (1, 3)
    )
    assert three == pytest.approx(1 - (1 - one) ** 3) and three == pytest.approx(1 - 0.84**3, abs=0.02)
    small = rates(decided({"frames": [0], "boxes": [[[0, 0, 0.25, 0.25]]]}), target([1], [box]))["hit.boxes"]["random"]
    both = rates(decided({"frames": [0], "boxes": [[LEFT, [0, 0, 0.25, 0.25]]]}), target([1], [box]))
    assert both["hit.boxes"]["random"] == pytest.approx(1 - (1 - one) * (1 - small))
    # frames of other numbers of patches: each its own chance
    mixed = rates(decided({"frames": [0, 1], "boxes": [[LEFT] * 3, LEFT]}), target([1, 1], [box, box]))
    assert mixed["hit.boxes"]["random"] == pytest.approx((one + three) / 2)


def test_k_random_patches_reach_the_chance_that_is_told():
    generator = np.random.default_rng(0)
    sizes, box = np.array([[0.4, 0.3], [0.25, 0.5]]), np.array([0.5, 0.05, 0.7, 0.2])
    corners = generator.uniform(0, 1, (20000, 2, 2)) * (1 - sizes)
    patches = np.concatenate([corners, corners + sizes], axis=-1)
    one = decided({"frames": [0], "boxes": [[[0.0, 0.0, 0.4, 0.3], [0.5, 0.5, 0.75, 1.0]]]})
    for name, holds in hit_rates.MEASURES.items():
        reached = holds(patches, box).any(axis=1).mean()
        assert rates(one, target([1], [box]))[name]["random"] == pytest.approx(reached, abs=0.02)


def test_k_patches_in_the_middle_hold_what_the_largest_holds():
    boxes = [[[0.0, 0.0, 0.1, 0.1], [0.0, 0.0, 0.6, 0.6]], [[0.0, 0.0, 0.1, 0.1]]]
    found = rates(decided({"frames": [0, 1], "boxes": boxes}), target([1, 1], [[0.2, 0.2, 0.5, 0.5]] * 2))
    assert found["hit.boxes"]["centre"] == 0.5


def test_each_of_the_best_places_is_chosen_beside_those_before_it():
    """Elsewhere two targets in three are at the top left, one at the bottom right: a third patch gains nothing."""
    corners = [[0.0, 0.0, 0.1, 0.1], [0.05, 0.05, 0.15, 0.15], [0.85, 0.85, 0.95, 0.95]]
    elsewhere = hit_rates.fit([target([1, 1, 1], corners)])
    here = target([1, 1], [[0.8, 0.8, 1.0, 1.0], [0.05, 0.0, 0.1, 0.1]])

    def fixed(k):
        shown = {"frames": [0, 1], "boxes": [[MIDDLE[:2] + [0.45, 0.45]] * k] * 2}
        return rates(decided(shown), here, elsewhere)["hit.boxes"]["fixed"]

    assert (fixed(1), fixed(2), fixed(3)) == (0.5, 1, 1)


def test_patches_count_only_where_the_target_is_to_be_seen():
    boxes = [NOT_SEEN, [0.1, 0.1, 0.2, 0.2], [0.1, 0.1, 0.2, 0.2]]
    away, there = [0.5, 0.5, 1.0, 1.0], [0.0, 0.0, 0.5, 0.5]
    found = rates(decided({"frames": [0, 1, 2], "boxes": [away, there, None]}), target([0, 1, 1], boxes))
    assert (found["hit.boxes"]["value"], found["hit.frames"]["value"]) == (1, pytest.approx(2 / 3))


def test_a_video_with_nothing_to_judge_is_left_out_and_so_is_a_measure():
    assert rates(decided({"frames": [0]}), target([0, 0])) == {}
    assert rates(decided({}), target([1, 0])) == {}
    assert list(rates(decided({"frames": [0]}), target([1, 0], [NOT_SEEN] * 2))) == ["hit.frames"]


@pytest.mark.parametrize(
    ("decision", "message"),
    [
        ({"frames": [2]}, "names frame 2, but it has 2 frames"),
        ({"frames": [-1, 1]}, "names frame -1, but it has 2 frames"),
        ({"frames": [0, 1], "boxes": [None]}, "name 2 frames and 1 boxes"),
        ({"frames": [0], "boxes": [[0, 0, 40, 40]]}, "in fractions of the frame"),
        ({"frames": [0], "boxes": [[0.5, 0, 0.2, 1]]}, "x0 < x1"),
        ({"frames": [0], "boxes": [[[0, 0, 1, 1], [0.5, 0, 0.2, 1]]]}, "x0 < x1"),
        ({"frames": [0], "boxes": [[0.5, 0, 1]]}, "four numbers"),
        ({"frames": [0], "boxes": [[[0, 0, 1, 1], None]]}, "four numbers"),
    ],
)
def test_a_decision_that_breaks_the_contract_is_named(decision, message):
    with pytest.raises(SaccadeError, match=f"video v: .*{message}"):
        rates(decided(decision), target([1, 1], [NOT_SEEN] * 2))


def make_truth(**columns):
    box = {"x0": 10.0, "y0": 0.0, "x1": 30.0, "y1": 20.0}
    return pd.DataFrame(
        {"video_id": "v", "frame": [0, 1], "informative": [True, True], **box, "visibility": [1.0, 0.4], **columns}
    )


INDEX = pd.DataFrame({"video_id": ["v"], "frames": [2], "width": [100], "height": [50]})


def test_boxes_are_read_as_fractions_of_the_frame_and_only_where_visible():
    found = hit_rates.read_targets(make_truth(), INDEX)["v"]
    np.testing.assert_allclose(found.boxes, [[0.1, 0.0, 0.3, 0.4], NOT_SEEN])


def test_truth_of_other_frames_is_refused():
    with pytest.raises(SaccadeError, match="other frames of video v"):
        hit_rates.read_targets(make_truth(frame=[0, 2]), INDEX)
