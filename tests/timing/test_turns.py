"""Taking turns and the A/A mark, on clocks that are made up."""

import pytest
import torch
from torch import nn

from saccade.timing import machine, turns
from saccade.timing.turns import ELAPSED, PROCESSOR, TURNS, alternate, reading, until_quiet


class FakeClocks:
    """Both stand still but for what a call says it takes: elapsed, and half of that of the processor."""

    def __init__(self):
        self.now, self.calls = 0.0, []
        self.both = {ELAPSED: lambda: self.now, PROCESSOR: lambda: self.now / 2}

    def takes(self, name, seconds):
        self.calls.append(name)
        self.now += seconds


def test_turns_are_taken_call_by_call_and_each_is_timed_by_both_clocks():
    clocks = FakeClocks()
    found = alternate(lambda: clocks.takes("own", 1.0), lambda: clocks.takes("against", 3.0), 2, clocks.both)
    assert clocks.calls == ["own", "against"] * 4
    elapsed = {"own": [1.0, 1.0], "against": [3.0, 3.0], "own again": [1.0, 1.0], "against again": [3.0, 3.0]}
    assert found[ELAPSED] == elapsed
    assert found[PROCESSOR] == {turn: [seconds / 2 for seconds in taken] for turn, taken in elapsed.items()}


@pytest.mark.parametrize("first", [0, 1])
def test_a_side_whose_calls_get_faster_and_faster_is_still_itself(first):
    clocks, spent = FakeClocks(), iter([8.0, 8.0, 6.0, 6.0, 4.0, 4.0, 2.0, 2.0])
    taken = alternate(*2 * [lambda: clocks.takes("call", next(spent))], 2, clocks.both, first)
    assert reading([[taken]], [1])["aa"] == 1.0
    assert sorted(taken[ELAPSED]["own"]) == ([2.0, 8.0], [4.0, 6.0])[first]


def test_a_gpu_has_no_processor_time_that_says_anything():
    assert set(turns.clocks_of(torch.device("cpu"))) == {ELAPSED, PROCESSOR}
    assert set(turns.clocks_of(torch.device("cuda"))) == {ELAPSED}


def sample(own, against, again=None, own_again=None):
    taken = {
        "own": [own],
        "own again": [own if own_again is None else own_again],
        "against": [against],
        "against again": [against if again is None else again],
    }
    return {ELAPSED: taken}


def test_seconds_per_video_are_a_distribution_over_videos():
    found = reading([[sample(1.0, 4.0), sample(3.0, 4.0), sample(8.0, 4.0)]], [1, 1, 1])
    assert found["seconds"]["own"] == pytest.approx({"mean": 4.0, "p50": 3.0, "p90": 7.0, "p95": 7.5, "p99": 7.9})
    assert found["speedup"] == 1.0 and found["aa"] == 1.0 and not found["marked"]


def test_a_batch_shares_its_time_evenly_also_where_the_last_is_smaller():
    found = reading([[sample(4.0, 8.0), sample(1.0, 2.0)]], [4, 1])
    assert found["seconds"]["own"]["mean"] == 1.0 and found["seconds"]["against"]["mean"] == 2.0
    assert found["speedup"] == 2.0


def test_one_slow_call_decides_nothing():
    slow = {"own": [1.0, 50.0], "own again": [1.0, 1.0], "against": [2.0, 2.0], "against again": [2.0, 2.0]}
    found = reading([[{ELAPSED: slow}]], [1])
    assert found["speedup"] == 2.0 and found["n"] == 4


def test_processor_time_stands_beside_elapsed_time_and_decides_nothing():
    clocks = FakeClocks()
    taken = alternate(lambda: clocks.takes("own", 1.0), lambda: clocks.takes("against", 3.0), 1, clocks.both)
    taken[PROCESSOR]["against again"] = [0.5]
    found = reading([[taken]], [1])
    assert found["speedup"] == 3.0 and found["aa"] == 1.0 and not found["marked"]
    assert found["processor"]["speedup"] == 2.0 and found["processor"]["aa"] == 3.0
    assert found["processor"]["seconds"]["own"]["mean"] == 0.5
    assert reading([[sample(1.0, 2.0)]], [1])["processor"] is None


def test_each_process_says_its_own_ratio():
    found = reading([[sample(1.0, 2.0)], [sample(1.0, 3.0)], [sample(1.0, 4.0)]], [1])
    assert found["by_process"] == [2.0, 3.0, 4.0] and found["speedup"] == 3.0


@pytest.mark.parametrize(("again", "marked"), [(1.0, False), (0.98, False), (1.02, False), (0.96, True), (1.04, True)])
def test_a_reading_that_disagrees_with_itself_by_more_than_three_percent_is_marked(again, marked):
    found = reading([[sample(0.5, 1.0, again)]], [1])
    assert found["aa"] == pytest.approx(1 / again) and found["marked"] is marked


def test_the_process_that_disagrees_most_with_itself_decides_the_mark():
    found = reading([[sample(0.5, 1.0)], [sample(0.5, 1.0, 1.1)], [sample(0.5, 1.0, 0.99)]], [1])
    assert found["aa"] == pytest.approx(1 / 1.1) and found["marked"]


def test_a_side_that_is_its_own_equal_does_not_hide_that_the_other_is_not():
    found = reading([[sample(0.5, 1.0, own_again=0.4)]], [1])
    assert found["aa"] == pytest.approx(1.25) and found["marked"]


def taking(*passes):
    """Gives, of each kind that is asked for, what the next of the passes says; notes what it was asked for."""
    asked = []

    def take(kinds):
        asked.append(list(kinds))
        return {kind: [passes[min(len(asked), len(passes)) - 1][kind]] for kind in kinds}

    return take, asked


def test_what_is_quiet_is_read_once():
    take, asked = taking({"ready": sample(1.0, 2.0, 2.05), "decoded": sample(1.0, 2.0)})
    found = until_quiet(take, ["ready", "decoded"])
    assert asked == [["ready", "decoded"]] and found["ready"] == ([sample(1.0, 2.0, 2.05)], 0)


@pytest.mark.parametrize("loud", [sample(1.0, 2.0, 3.0), sample(1.0, 2.0, own_again=1.5)])
def test_only_what_disagrees_with_itself_is_taken_again_and_nothing_is_dropped(loud):
    quiet = {"ready": sample(1.0, 2.0), "decoded": sample(1.0, 2.0)}
    take, asked = taking({"ready": loud, "decoded": sample(1.0, 2.0)}, quiet)
    found = until_quiet(take, ["ready", "decoded"])
    (samples, repeats), (_, never) = found["ready"], found["decoded"]
    assert asked == [["ready", "decoded"], ["ready"], ["ready"]] and (repeats, never) == (2, 0)
    assert samples[0][ELAPSED] == {turn: [*loud[ELAPSED][turn], *2 * sample(1.0, 2.0)[ELAPSED][turn]] for turn in TURNS}
    told = reading([samples], [1], repeats)
    assert told["n"] == 6 and told["repeats"] == 2 and told["speedup"] == 2.0 and not told["marked"]


def test_what_stays_loud_is_taken_again_so_often_and_then_marked():
    """The speed-up has no say: a pass in which it is larger is neither kept nor left out."""
    take, asked = taking({"ready": sample(1.0, 2.0, 3.0)}, {"ready": sample(1.0, 8.0, 12.0)})
    ((samples, repeats),) = until_quiet(take, ["ready"]).values()
    assert len(asked) == 1 + turns.REPEATS == 4 and repeats == turns.REPEATS
    assert reading([samples], [1], repeats)["marked"] and samples[0][ELAPSED]["against"] == [2.0, 8.0, 8.0, 8.0]


def test_scenarios_have_mlperfs_names():
    assert (turns.scenario(1), turns.scenario(16)) == ("single stream", "offline")


class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Linear(4, 4), nn.ReLU())
        self.heads = nn.ModuleDict({"a": nn.Linear(4, 2), "b": nn.Linear(4, 2)})

    def forward(self, x):
        x = self.stem(self.stem(x))
        return {name: head(x) for name, head in self.heads.items()}


def test_parts_are_the_top_level_modules_and_hooks_go_away():
    model = Two()
    found = turns.by_module(model, lambda: model(torch.ones(1, 4)), torch.device("cpu"))
    assert set(found) == {"stem", "heads"} and all(seconds > 0 for seconds in found.values())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


def test_parts_inside_parts_count_once(monkeypatch):
    ticks = iter(range(100))
    monkeypatch.setattr(turns.time, "perf_counter", lambda: float(next(ticks)))
    found = turns.by_module(Two(), lambda: None, torch.device("cpu"))
    assert found == {}
    model = Two()
    # stem twice, then two heads: four spans, each from one tick to the next
    assert turns.by_module(model, lambda: model(torch.ones(1, 4)), torch.device("cpu")) == {"stem": 2.0, "heads": 2.0}


@pytest.mark.parametrize(("others", "alone"), [(0.05, True), (0.5, False)])
def test_what_others_did_meanwhile_says_whether_the_clock_was_alone(monkeypatch, others, alone):
    state = {"wall": 0.0, "busy": 100.0, "own": 0.0}
    monkeypatch.setattr(machine.time, "perf_counter", lambda: state["wall"])
    monkeypatch.setattr(machine.time, "process_time", lambda: state["own"])
    monkeypatch.setattr(machine, "_busy_s", lambda: state["busy"])
    watch = machine.Watch()
    state |= {"wall": 10.0, "own": 9.0, "busy": 100.0 + 9.0 + 10 * others}
    found = watch.read()
    assert found["others_cores"] == pytest.approx(others) and found["alone"] is alone


@pytest.mark.parametrize(("load", "alone"), [(0.2, True), (3.0, False)])
def test_where_that_cannot_be_read_the_load_average_says_it(monkeypatch, load, alone):
    monkeypatch.setattr(machine, "_busy_s", lambda: None)
    monkeypatch.setattr(machine.os, "getloadavg", lambda: (load, load, load))
    found = machine.Watch().read()
    assert found["others_cores"] is None and found["alone"] is alone
