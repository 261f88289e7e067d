"""Tables of realised speed-up and what is said of them, from made-up readings."""

import fake_latency
import fake_results
import pandas as pd
import pytest
from fake_latency import RUN, a_runtime, an_entry, before_runtimes

from saccade.report import speed_tables, speed_words
from saccade.results.speed import SPEED_COLUMNS, _short, equal_time, read_not_timed, read_parts, read_speed

VALUES = pd.DataFrame({"variant": ["tiny", "tiny"], "point": ["uniform4", "uniform8"], "value": [0.4, 0.5]})
GPU = "Invented GPU"


def several(**more):
    """A point that is fastest in onnxruntime, its counterpart in openvino."""
    runtimes = {
        "eager": a_runtime(8, 16),
        "onnxruntime": a_runtime(4, 8, "onnxruntime"),
        "openvino": a_runtime(5, 6, "openvino"),
        "fastest": a_runtime(4, 6, "onnxruntime", "openvino"),
    }
    return an_entry(runtimes | more)


def same(name="openvino", own=4, against=8):
    """A point that shares its fastest runtime with its counterpart."""
    return an_entry({"eager": a_runtime(8, 16), name: a_runtime(own, against, name)})


@pytest.fixture
def tree(tmp_path):
    grid = fake_latency.expect(fake_results.make_grid(seeds=1))
    fake_results.write_tree(tmp_path, grid)

    def write(**points):
        fake_results.write(tmp_path / "results" / RUN / "latency.json", {"run": RUN, "points": points})
        return grid, tmp_path, "tsn", "motion-digits"

    return write


def shown(given):
    return speed_tables.speed(read_speed(*given)).text().to_dict("records")


def advice(given):
    return speed_words.advice(read_speed(*given), read_not_timed(*given))


def not_timed(given, points=1):
    return speed_words.not_timed(read_not_timed(*given), points)


def test_nothing_timed_gives_no_rows_and_says_nothing(tmp_path):
    grid = fake_results.make_grid(seeds=1)
    fake_results.write_tree(tmp_path, grid)
    given = (grid, tmp_path, "tsn", "motion-digits")
    found = read_speed(*given)
    assert list(found) == SPEED_COLUMNS and not len(speed_tables.speed(found))
    assert not len(speed_tables.speed_readings(found)) and not len(speed_tables.speed_parts(read_parts(*given)))
    quickest = {"noun": equal_time(found, pd.DataFrame(columns=["variant", "point", "value"]))}
    assert not len(speed_tables.equal_time(quickest)) and not len(speed_tables.equal_time_by_runtime(quickest))
    assert advice(given) == not_timed(given) == ""


def test_the_speed_up_stands_beside_the_cost_ratio(tree):
    (row,) = shown(tree(uniform4=an_entry()))
    assert row == {
        **{"Point": "uniform 4", "Counterpart": "uniform8", "Runtime": "eager", "MACs": "2.00×"},
        **{"Single stream": "1.50× (75 %) [1.40, 1.60]", "Offline, 16": "1.50× (75 %) [1.40, 1.60]"},
        **{"A/A": "1.00", "Processor": "1.65×", "ms per video": "6.00 → 4.00", "Doubts": "none"},
    }


def test_each_in_its_fastest_leads_the_runtimes_of_its_point(tree):
    rows = shown(tree(uniform4=several(), uniform8=same()))
    assert [(row["Point"], row["Runtime"], row["ms per video"]) for row in rows] == [
        ("uniform 4", "fastest of each: onnxruntime against openvino", "6.00 → 4.00"),
        ("uniform 4", "eager", "16.0 → 8.00"),
        ("uniform 4", "onnxruntime", "8.00 → 4.00"),
        ("uniform 4", "openvino", "6.00 → 5.00"),
        ("uniform 8", "openvino, fastest for both", "8.00 → 4.00"),
        ("uniform 8", "eager", "16.0 → 8.00"),
    ]
    assert list(speed_tables.speed(read_speed(*tree(uniform8=same()))).data.beside) == [0, 1]


def test_variants_and_devices_are_named_where_there_are_several(tree):
    entry = same("compile")
    entry["runtimes"]["compile"] = a_runtime(1, 2, "compile", device=GPU)
    rows = shown(tree(uniform4=entry))
    assert [(row["Device"], row["Runtime"]) for row in rows] == [("cpu", "eager"), (GPU, "compile")]
    assert rows[1]["Processor"] == "–" and "Variant" not in rows[0]


def test_what_to_doubt_is_said(tree):
    entry = an_entry({"eager": a_runtime(4, 6, aa=1.05, alone=False)}, videos=20)
    (row,) = shown(tree(uniform4=entry))
    assert row["Single stream"] == "1.50× † (75 %) [1.40, 1.60]" and row["Offline, 16"] == "1.50× (75 %) [1.40, 1.60]"
    assert row["A/A"] == "1.00 to 1.05" and row["Doubts"] == "not alone, few videos, marked"
    assert advice(tree(uniform4=entry)).endswith(
        "With care: of the 3 readings behind this, 3 not alone on the machine, 1 marked † (A/A)."
    )


@pytest.mark.parametrize("changed", [{"code": "0ld"}, {"settings": {"threads": 2}}])
def test_times_made_with_other_code_or_settings_are_stale(tree, changed):
    given = tree(uniform4=an_entry() | changed)
    assert shown(given)[0]["Doubts"] == "stale"
    assert "With care: of the 3 readings behind this, 3 stale (made with other code or settings)." in advice(given)


def test_every_reading_has_both_clocks_and_percentiles(tree):
    table = speed_tables.speed_readings(read_speed(*tree(uniform4=an_entry({"eager": a_runtime(4, 6, aa=1.05)}))))
    first, second, third = table.text().to_dict("records")
    assert first == {
        **{"Point": "uniform 4", "Runtime": "eager", "Scenario": "single stream", "n": "768"},
        **{"Speed-up": "1.50× † [1.40, 1.60]", "A/A": "1.05", "Again": "3"},
        **{"Point ms": "4.00 [4.00, 6.00, 12.0]", "Counterpart ms": "6.00 [6.00, 9.00, 18.0]"},
        **{"Processor": "1.65×", "Its A/A": "1.01", "Processor ms": "6.00 → 4.00"},
    }
    assert (second["Scenario"], second["Point ms"][:4]) == ("single stream, with decoding", "14.0")
    assert (third["Scenario"], third["n"]) == ("offline, 16 at once", "48")
    assert table.data["ms.p95"][0] == 8


def test_the_parts_say_where_time_is_saved(tree):
    table = speed_tables.speed_parts(read_parts(*tree(uniform4=several()))).text()
    assert list(table["Runtime"].unique()) == ["fastest of each", "eager", "onnxruntime", "openvino"]
    eager = table[table["Runtime"] == "eager"]
    assert list(eager["Part"]) == ["decode", "model.extra", "model.net", "sum"]
    assert list(eager["Saved ms"]) == ["+2.00", "+1.00", "+8.00", "+11.00"]


def test_a_counterpart_elsewhere_is_named_in_full():
    run = {"method": "tsn", "variant": "tiny"}
    assert _short(run, {"run": "demo/d/tsn/big/seed0", "point": "p"}) == "big/p"
    assert _short(run, {"run": "demo/d/tsm/tiny/seed0", "point": "p"}) == "tsm/tiny/p"


def test_the_best_under_each_limit(tree):
    found = read_speed(*tree(uniform4=an_entry()))  # uniform4 takes 4 ms, its counterpart uniform8 6 ms
    table = equal_time(found, VALUES).query("runtime == 'eager'")
    assert list(zip(table.limit_ms, table.point, table.ms, strict=True)) == [
        (5.0, "uniform4", 4.0),
        (10.0, "uniform8", 6.0),
    ]
    worse = equal_time(found, VALUES.assign(value=[0.5, 0.4]))
    assert set(worse.point) == {"uniform4"}
    tables = {"noun": equal_time(found, VALUES)}
    text = speed_tables.equal_time(tables).text()
    assert list(text["Under"]) == ["5 ms", "10 ms"] and list(text["Best %"]) == ["40.0", "50.0"]
    assert not len(speed_tables.equal_time_by_runtime(tables))  # there is but one


def test_equal_time_in_each_runtime_and_with_every_point_in_its_fastest(tree):
    entry = several(bf16=a_runtime(0.1, 0.1, "bf16"))
    tables = {"noun": equal_time(read_speed(*tree(uniform4=entry)), VALUES)}
    best = speed_tables.equal_time(tables).text()
    assert list(zip(best["Under"], best["Point"], best["Runtime"], strict=True)) == [
        ("5 ms", "uniform4", "onnxruntime"),
        ("10 ms", "uniform8", "openvino"),
    ]
    by_runtime = speed_tables.equal_time_by_runtime(tables).text().to_dict("records")
    assert by_runtime[1] == {
        **{"Head": "noun", "Under": "10 ms", "eager": "40.0 tiny/uniform4 [8.00 ms]"},
        **{"onnxruntime": "50.0 tiny/uniform8 [8.00 ms]", "openvino": "50.0 tiny/uniform8 [6.00 ms]"},
    }
    assert by_runtime[0]["eager"] == "–"  # nothing is as fast


def test_a_points_own_time_wins_over_one_as_counterpart_and_other_methods_points_are_not_its_own(tree):
    faster = an_entry({"eager": a_runtime(3, 9)}, against="uniform4")  # here uniform4 takes 9 ms
    times = equal_time(read_speed(*tree(uniform4=an_entry(), uniform8=faster)), VALUES)
    assert dict(zip(times.point, times.ms, strict=True)) == {"uniform8": 3}
    slow = an_entry({"eager": a_runtime(8, 1)}, against="uniform8", run="demo/motion-digits/tsm/tiny/seed0")
    times = equal_time(read_speed(*tree(uniform4=slow)), VALUES)
    assert dict(zip(times.point, times.ms, strict=True)) == {"uniform4": 8}


def test_where_only_the_default_was_timed_the_sentence_says_how_to_time_the_others(tree):
    assert advice(tree(uniform4=an_entry())) == (
        f"Only eager was timed on cpu: `python -m saccade measure {RUN} --runtime all` times the others. In eager, "
        "uniform 4 answers 1.50 times as fast as its counterpart, 75 % of what the multiply-adds say (1.14 with "
        "decoding; 1.50 offline)."
    )
    absent = {name: f"{name} needs x" for name in ("compile", "onnxruntime", "openvino", "bf16")}
    assert advice(tree(uniform4=an_entry(absent=absent))).startswith("Only eager was timed on cpu. In eager")


def test_the_runtime_in_which_most_points_are_fastest_is_picked(tree):
    given = tree(uniform4=several(), uniform8=same(), oracle8=same(own=2))
    assert advice(given) == (
        "Pick openvino for one video at a time on cpu: 2 of 3 points are fastest in it, 2.00 to 4.00 times as fast as "
        "in eager; onnxruntime for uniform 4. The same for 16 videos at once: 2 of 3 points are fastest in it, 2.00 to "
        "4.00 times as fast as in eager; onnxruntime for uniform 4. With each in its fastest exact form, a point "
        "answers 1.50 to 4.00 times as fast as its counterpart, 75 to 200 % of what the multiply-adds say (1.14 to "
        "1.50 with decoding; 1.50 to 4.00 offline)."
    )


def test_nobody_is_sent_away_from_the_default_for_less_than_readings_tell_apart(tree):
    said = advice(tree(uniform4=same(own=7.9)))
    assert said.startswith("Stay with eager for one video at a time on cpu: the one timed point is fastest in it. The")


def test_many_videos_at_once_may_want_another_runtime(tree):
    entry = same()
    entry["runtimes"]["onnxruntime"] = a_runtime(6, 12, "onnxruntime")
    for side in ("own", "against"):
        entry["runtimes"]["onnxruntime"]["readings"][2]["seconds"][side]["mean"] /= 10
    said = advice(tree(uniform4=entry))
    assert "Pick onnxruntime for 16 videos at once: the one timed point is fastest in it, 13.33 times as" in said


def test_a_runtime_that_is_not_exact_is_never_picked(tree):
    given = tree(uniform4=same() | {"runtimes": same()["runtimes"] | {"bf16": a_runtime(1, 2, "bf16", otherwise=2)}})
    assert shown(given)[-1]["Doubts"] == "not exact (2 decided otherwise)"
    said = advice(given)
    assert said.startswith("Pick openvino ") and said.endswith(
        "bf16 isn't exact and no equal of these: 8.00 times as fast as eager, but up to 2 of 64 videos were decided "
        "otherwise, and probabilities are off by up to 0.01."
    )


def test_points_that_were_timed_in_fewer_runtimes_are_named(tree):
    said = advice(tree(uniform4=same(), uniform8=an_entry()))
    assert "the one timed point is fastest in it" in said
    assert f"Only eager was timed on cpu for uniform 8: `python -m saccade measure {RUN} --runtime all` times" in said
    apart = several()
    del apart["runtimes"]["fastest"]
    assert "Of uniform 4 and the counterpart each was timed in its fastest, but not in turns." in advice(
        tree(uniform4=apart)
    )


def test_what_was_not_timed_and_why(tree):
    entry = an_entry(absent={"bf16": "bf16 runs on a GPU only", "openvino": "differs by 0.2 from eager"})
    given = tree(uniform4=entry, uniform8=an_entry(absent={"bf16": "bf16 runs on a GPU only"}))
    assert not_timed(given, 2) == (
        "Not timed: bf16 runs on a GPU only. uniform 4: openvino: differs by 0.2 from eager."
    )


def test_a_refused_pair_of_runtimes_and_a_reason_that_names_its_runtime(tree):
    entry = an_entry(absent={"fastest": "not the same", "openvino": f"{RUN}: run by openvino, it isn't the same"})
    assert not_timed(tree(uniform4=entry)) == (
        f"Not timed: each in its fastest: not the same. {RUN}: run by openvino, it isn't the same."
    )


def test_times_of_before_there_were_runtimes_are_not_shown_and_the_page_says_so(tree):
    given = tree(uniform4=before_runtimes())
    assert shown(given) == [] and advice(given) == ""
    assert not len(read_parts(*given))
    assert not_timed(given) == (
        "Not timed: times of an earlier version of Saccade can't be read; "
        f"`python -m saccade measure {RUN}` takes them anew."
    )
