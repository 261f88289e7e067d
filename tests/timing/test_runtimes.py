"""Other runtimes than PyTorch's layers: every method gives the same in them, what doesn't fit is refused or left alone,
and nothing is exported twice."""

import copy
import dataclasses

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import ROOT
from small_models import Run, clip, finished, one, run_of, smallest
from torch import nn
from torchvision.models.resnet import BasicBlock

from saccade import products
from saccade.__main__ import main
from saccade.cost.count import count
from saccade.nn.shift import TemporalShift
from saccade.plan.layers import resolve
from saccade.project import load_module, names
from saccade.records import RUNTIMES, SaccadeError, provenance_name
from saccade.timing import exported, optimise, runtimes
from saccade.timing.parts import Part

CPU = torch.device("cpu")


def need(runtime):
    if why := runtimes.why_absent(runtime, CPU):
        pytest.skip(why)


@pytest.fixture(params=["onnxruntime", "openvino"])
def runtime(request):
    """The runtimes that read exported parts; they read the same ones."""
    need(request.param)
    return request.param


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    return tmp_path_factory.mktemp("exported")


def in_runtime(model, runtime, folder, *examples, code="code"):
    """A copy of the model with the parts that predicting calls in the runtime, and their paths. `examples`: functions
    of a model."""
    quick = copy.deepcopy(model)
    paths = {path for each in examples for path in runtimes.use(quick, runtime, lambda e=each: e(quick), code, folder)}
    return quick, sorted(paths)


def put(model):
    """{path: part} of the parts that another runtime computes."""
    return {path: module.forward for path, module in model.named_modules() if isinstance(module.forward, Part)}


def hold_equal(run: Run, runtime: str, folder, points=()):
    """A method's answers at its variant's settings, or at those of the points, for batches of several sizes."""
    model, settings = finished(run)
    model = copy.deepcopy(model)
    optimise.optimise(model, packed=False)
    predict = load_module(ROOT / "methods" / run.method / "model.py").predict
    asked = [resolve(ROOT, run, point=point).typed for point in points] or [settings]
    examples = [lambda quick, s=s: optimise.infer(predict, quick, one(clip(s, 1), 0), s) for s in asked]
    quick, paths = in_runtime(model, runtime, folder, *examples)
    for given in asked:
        for batch in (one(clip(given, 3), 1), clip(given, 3), clip(given, 8, seed=1)):
            expected, found = (optimise.infer(predict, each, batch, given) for each in (model, quick))
            for head, probabilities in expected.probabilities.items():
                torch.testing.assert_close(found.probabilities[head], probabilities, rtol=0, atol=1e-4)
            assert torch.equal(found.macs, expected.macs) and found.decisions == expected.decisions
    return model, quick, paths, predict, asked


@pytest.mark.slow
@pytest.mark.parametrize("name", names(ROOT, "methods"))
def test_every_method_predicts_the_same_for_the_same_declared_multiply_adds(name, runtime, kept):
    _, quick, paths, *_ = hold_equal(smallest(name), runtime, kept)
    assert paths and set(put(quick)) == set(paths)


@pytest.mark.slow
def test_every_number_of_bins_is_one_exported_form(runtime, kept):
    """Of ATFR's late stages, which see one to all maps of a video, in groups of any size."""
    run = run_of("atfr", "x3d-tiny-atfr")
    _, quick, paths, *_ = hold_equal(run, runtime, kept, ["moments", "single"])
    late = put(quick)["late"]
    bins = {kind[1][0][2] for kind in late.known}
    assert paths == ["early", "late"] and {1, 2, 3, 4, 8} <= bins and len(late.forms) == 1


@pytest.mark.slow
def test_two_pathways_take_as_many_forms_as_their_code_takes_branches(runtime, kept):
    _, quick, _, *_ = hold_equal(run_of("atfr", "slowfast-tiny-atfr"), runtime, kept, ["moments", "single"])
    late = put(quick)["late"]
    assert 1 < len(late.forms) < len(late.known)


@pytest.mark.slow
def test_any_number_of_patches_is_skipped(runtime, kept):
    run = run_of("adafocus", "tiny-40-plus")
    model, quick, paths, predict, (settings,) = hold_equal(run, runtime, kept, ["keep0.5"])
    assert {"global_cnn", "local_cnn", "policies.where", "policies.skip"} == set(paths)
    for keep in (0.0, 0.3, 1.0):
        given = dataclasses.replace(settings, keep=keep)
        expected, found = (optimise.infer(predict, each, clip(given, 3), given) for each in (model, quick))
        assert found.decisions == expected.decisions and torch.equal(found.macs, expected.macs)


@pytest.mark.slow
def test_networks_whose_frames_see_their_neighbours_are_parts(runtime, kept):
    _, quick, paths, *_ = hold_equal(run_of("adafocus", "tiny-tsm"), runtime, kept)
    assert {"global_cnn", "local_cnn"} <= set(paths)
    assert all(isinstance(quick.get_submodule(path), TemporalShift) for path in ("global_cnn", "local_cnn"))


class Chooses(nn.Module):
    """Can't be exported as a whole: what it computes depends on what it sees."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())
        self.bright, self.dark = (nn.Sequential(nn.Conv2d(4, 2, 1), nn.ReLU()) for _ in range(2))
        self.head = nn.Linear(2, 2)

    def forward(self, x):
        x = self.stem(x)
        return self.head((self.bright if x.mean() > 0.5 else self.dark)(x).mean((2, 3)))


@pytest.fixture
def chooses():
    torch.manual_seed(0)
    return Chooses().eval().requires_grad_(False)


def test_what_a_model_decides_stays_python_and_the_parts_are_those_between(chooses, runtime, kept):
    bright, dark = torch.full((1, 3, 8, 8), 9.0), torch.full((1, 3, 8, 8), -9.0)
    with torch.inference_mode():
        assert {bool(chooses.stem(x).mean() > 0.5) for x in (bright, dark)} == {True, False}
        quick, paths = in_runtime(chooses, runtime, kept, lambda model: model(bright), lambda model: model(dark))
        for x in (bright, dark, bright.expand(5, -1, -1, -1)):
            torch.testing.assert_close(quick(x), chooses(x))
    assert paths == ["bright", "dark", "stem"]
    seen = count(quick.stem, bright.to("meta"))  # what it costs is asked on the meta device, of PyTorch's own layers
    assert seen.macs == 4 * 27 * 36


@pytest.mark.slow
def test_a_part_is_exported_once_and_anew_when_its_weights_changed_or_its_file_is_damaged(
    chooses, runtime, tmp_path, monkeypatch
):
    made, real = [], exported._export
    monkeypatch.setattr(exported, "_export", lambda *args: (made.append(1), real(*args)))
    x = torch.randn(2, 3, 8, 8)
    net = nn.Sequential(chooses.stem, nn.Flatten()).eval()
    in_runtime(net, runtime, tmp_path, lambda model: model(x))
    assert len(made) == 1
    in_runtime(net, runtime, tmp_path, lambda model: model(x[:1]))
    assert len(made) == 1
    in_runtime(net, runtime, tmp_path, lambda model: model(x), code="edited")
    assert len(made) == 2
    net[0][0].weight += 1
    in_runtime(net, runtime, tmp_path, lambda model: model(x))
    assert len(made) == 3
    for file in tmp_path.glob("*.onnx"):
        file.write_bytes(file.read_bytes()[:-100])
    quick, _ = in_runtime(net, runtime, tmp_path, lambda model: model(x))
    assert len(made) == 4
    with torch.inference_mode():
        torch.testing.assert_close(quick(x), net(x))


def test_all_that_a_module_is_enters_its_fingerprint():
    module = nn.Sequential(nn.Conv2d(3, 2, 3))
    seen = [exported.fingerprint(module)]
    module.register_buffer("unsaved", torch.zeros(2), persistent=False)
    seen.append(exported.fingerprint(module))
    for change in (
        lambda: module.unsaved.add_(1),
        lambda: module[0].bias.data.add_(1),
        lambda: vars(module).update(a=1),
    ):
        change()
        seen.append(exported.fingerprint(module))
    assert len(set(seen)) == len(seen) and seen[-1] == exported.fingerprint(module)


def test_what_was_no_part_of_the_example_stays_python(runtime, kept):
    """Nothing at all, and a module that is called otherwise."""

    class Often(nn.Module):
        def __init__(self):
            super().__init__()
            self.convolve = nn.Sequential(nn.Conv2d(3, 2, 3))

        def forward(self, x, times=1):
            return self.convolve(x) * (times or 1)

    model, x = Often().eval().requires_grad_(False), torch.randn(2, 3, 8, 8)
    with torch.inference_mode():
        quick, paths = in_runtime(model, runtime, kept, lambda model: model(x))
        assert paths == [""]
        for args in ((x,), (x[:0],), (x, 2), (x, None)):
            torch.testing.assert_close(quick(*args), model(*args))


def test_a_model_without_convolutions_is_told_so(runtime, kept):
    model = nn.Sequential(nn.Linear(3, 2)).eval()
    with pytest.raises(SaccadeError, match="; no module with convolutions inside is called with nothing but tensors$"):
        in_runtime(model, runtime, kept, lambda model: model(torch.randn(1, 3)))


def test_what_a_compiler_says_is_told(chooses, tmp_path, monkeypatch):
    def broken(module, args, only_these):
        def run(tensors):
            raise RuntimeError("Python.h: No such file\nand more")

        return run

    monkeypatch.setattr(runtimes.shutil, "which", lambda name: name)
    monkeypatch.setattr(runtimes, "compiled", broken)
    with pytest.raises(SaccadeError, match=r"compile; .*: RuntimeError: Python.h: No such file$"):
        in_runtime(chooses.stem, "compile", tmp_path, lambda model: model(torch.randn(1, 3, 8, 8)))


class Counts(nn.Module):
    """Gives something else at every call, which no exported form does."""

    def __init__(self):
        super().__init__()
        self.convolve, self.calls = nn.Conv2d(3, 2, 3), 0

    def forward(self, x):
        self.calls += 1
        return self.convolve(x) * self.calls


def test_a_part_that_gives_something_else_is_refused(runtime, kept):
    model = Counts().eval()
    with pytest.raises(SaccadeError, match=rf"the model isn't the same in {runtime}: its outputs differ .* eager$"):
        in_runtime(model, runtime, kept, lambda model: model(torch.randn(2, 3, 8, 8)))


def test_a_network_whose_hooks_belong_to_another_module_is_no_part_by_itself(runtime, kept):
    """Of an exported block the number of frames that its shift goes by would be that of the example for ever."""

    class Decides(TemporalShift):
        def forward(self, clip):
            return super().forward(-clip if clip.mean() > 100 else clip)

    shifted = Decides(nn.Sequential(BasicBlock(8, 8))).eval()
    with pytest.raises(SaccadeError, match="no part of the model can be put into"):
        in_runtime(shifted, runtime, kept, lambda model: model(torch.randn(1, 2, 8, 6, 6)))


@pytest.mark.slow
def test_torch_compile_makes_a_form_for_each_of_two_shapes_and_one_for_all_others(chooses, tmp_path):
    need("compile")
    model = chooses.stem
    x = torch.randn(9, 3, 8, 8)
    wrapped = nn.Sequential(model).eval()
    quick, _ = in_runtime(wrapped, "compile", tmp_path, lambda model: model(x[:1]))
    with torch.inference_mode():
        for videos in (1, 2, 3, 5, 9):
            torch.testing.assert_close(quick(x[:videos]), wrapped(x[:videos]))
    (part,) = put(quick).values()
    assert len(part.forms) == 3 and len(part.known) == 5


def test_eager_and_bf16_change_nothing_of_the_model(chooses, tmp_path):
    assert runtimes.use(chooses, "eager", lambda: None, "", tmp_path) == [] and not put(chooses)
    assert "GPU" in runtimes.why_absent("bf16", CPU)
    assert runtimes.why_absent("eager", CPU) is None
    with pytest.raises(SaccadeError, match="bf16 runs on a GPU only"):
        runtimes.use(chooses, "bf16", lambda: None, "", tmp_path)


@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])
def test_a_gpu_has_compile_and_bf16_and_a_cpu_says_what_it_lacks(runtime, monkeypatch):
    cuda = torch.device("cuda")
    assert "CPU" in runtimes.why_absent(runtime, cuda)
    assert {runtimes.why_absent(name, cuda) for name in ("eager", "compile", "bf16")} == {None}
    monkeypatch.setitem(runtimes.PACKAGES, runtime, ("no_such_package",))
    assert f"pip install -c constraints.txt -e '.[{runtime}]'" in runtimes.why_absent(runtime, CPU)
    monkeypatch.setattr(runtimes.shutil, "which", lambda name: None)
    monkeypatch.setenv("CXX", "no-such-compiler")
    assert "no-such-compiler isn't on the path" in runtimes.why_absent("compile", CPU)


# ---- the doors

K1 = "demo/dots@a/toy/k1/seed0"


@pytest.fixture
def at_toy(toy, monkeypatch):
    monkeypatch.chdir(toy)
    return toy


def test_what_is_not_here_is_one_line_with_the_way_to_get_it(at_toy, capsys, monkeypatch):
    monkeypatch.setitem(runtimes.PACKAGES, "openvino", ("no_such_package",))
    assert main(["predict", K1, "--runtime", "openvino"]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "no_such_package" in said and "pip install" in said
    assert main(["predict", K1, "--runtime", "openvina"]) == 1
    said = capsys.readouterr().err
    assert "did you mean 'openvino'?" in said and all(name in said for name in RUNTIMES)
    assert main(["predict", K1, "--runtime", "bf16"]) == 1
    assert "bf16 isn't exact" in capsys.readouterr().err


def test_predictions_in_a_runtime_are_those_of_eager_and_say_so(at_toy, runtime):
    folder = at_toy / "results" / K1
    before = products.read_parquet(folder / "predictions.parquet")
    cost, plain = products.read(folder / "cost.json"), products.read(folder / provenance_name("predict"))
    assert main(["predict", K1, "--runtime", runtime]) == 0
    after = products.read_parquet(folder / "predictions.parquet")
    scores = [column for column in before if column.endswith(".scores")]
    pd.testing.assert_frame_equal(after.drop(columns=scores), before.drop(columns=scores))
    for column in scores:
        np.testing.assert_allclose(np.stack(after[column]), np.stack(before[column]), rtol=0, atol=1e-4)
    assert products.read(folder / "cost.json") == cost
    told = products.read(folder / provenance_name("predict"))
    assert (told["runtime"], "runtime" in plain) == (runtime, False) and told["settings"] == plain["settings"]
    assert list((folder / "exported").glob("*.onnx"))


def test_predictions_that_a_runtime_would_change_are_not_written(at_toy, runtime, monkeypatch):
    file = at_toy / "results" / K1 / "predictions.parquet"
    before, real = file.read_bytes(), runtimes.OPEN[runtime]

    def wrong(path):
        run = real(path)
        return lambda tensors: [value + 1 for value in run(tensors)]

    monkeypatch.setitem(runtimes.OPEN, runtime, wrong)
    assert main(["predict", K1, "--runtime", runtime]) == 1
    assert file.read_bytes() == before
