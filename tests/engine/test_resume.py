"""A training that was killed goes on as if nothing had happened. `tests/kills.py` does the killing; here also its
parts."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from torch import nn

from saccade.engine import loop
from saccade.engine.checkpoint import Checkpoint
from saccade.engine.device import place, seed_everything
from saccade.engine.optimizer import make_optimizer
from saccade.records import SaccadeError
from saccade.settings import Recipe

CPU = torch.device("cpu")


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="the harness forks")
def test_killed_at_any_moment_it_ends_with_the_same_bytes():
    done = subprocess.run(
        [sys.executable, Path(__file__).parents[1] / "kills.py", "--kills", "30"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    rounds = [found["saved after every batch"], found["saved after every epoch"], found["at renamings"]]
    assert [one["differences"] for one in rounds] == [one["left lying"] for one in rounds] == [0, 0, 0], found
    assert sum(one["SIGKILL"] for one in rounds[:2]) >= 30 and rounds[2]["renamings killed at"] >= 20
    assert sum(one["taken up"] for one in rounds[:2]) > 0, "no kill came late enough to take anything up"


def parts() -> dict:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Dropout(0.5), nn.Flatten(), nn.LazyLinear(2))
    model(torch.zeros(1, 3, 6, 6))
    model = model.to(memory_format=torch.channels_last)
    return {"model": model, "optimizer": torch.optim.Adam(model.parameters(), lr=0.01)}


def steps(model, optimizer, generator, number: int) -> None:
    for _ in range(number):
        optimizer.zero_grad()
        model(torch.randn(4, 3, 6, 6, generator=generator)).square().mean().backward()
        optimizer.step()


def test_weights_optimizer_and_every_random_generator_come_back(tmp_path):
    seed_everything(0, threads=1)
    own, generator = parts(), torch.Generator().manual_seed(5)
    steps(**own, generator=generator, number=3)
    Checkpoint(tmp_path / "a.safetensors", {"code": "x"}, generators=[generator]).save({"epoch": 3}, **own)
    steps(**own, generator=generator, number=3)

    torch.manual_seed(99)
    other, again = parts(), torch.Generator()
    checkpoint = Checkpoint(tmp_path / "a.safetensors", {"code": "x"}, generators=[again])
    assert checkpoint.resume(**other) == {"epoch": 3} and checkpoint.resumed == 1
    steps(**other, generator=again, number=3)
    for name, tensor in own["model"].state_dict().items():
        assert torch.equal(tensor, other["model"].state_dict()[name]), name
    moments = [[state["exp_avg"] for state in one["optimizer"].state.values()] for one in (own, other)]
    assert all(torch.equal(a, b) and a.stride() == b.stride() for a, b in zip(*moments, strict=True))


def test_facts_keep_their_types(tmp_path):
    facts = {
        "lines": [{"epoch": 1, "loss": 0.1 + 0.2}],
        "best": {"w": torch.arange(6).reshape(2, 3).t()},
        "pair": (1, None),
        "by": {3: "c"},
    }
    Checkpoint(tmp_path / "a.safetensors").save(facts)
    found = Checkpoint(tmp_path / "a.safetensors").resume()
    tensor, expected = found["best"].pop("w"), facts["best"].pop("w")
    assert torch.equal(tensor, expected) and tensor.stride() == expected.stride()
    assert found == facts
    with pytest.raises(TypeError, match="not set"):
        Checkpoint(tmp_path / "a.safetensors").save({"seen": {1, 2}})


def test_a_state_of_other_settings_or_a_damaged_one_is_not_taken_up(tmp_path, capsys):
    file = tmp_path / "a.safetensors"
    Checkpoint(file, {"code": "x", "settings": "lr 1"}).save({"epoch": 3})
    assert Checkpoint(file, {"code": "x", "settings": "lr 2"}).resume() is None
    assert "made with other settings" in capsys.readouterr().err
    file.write_bytes(file.read_bytes()[:50])
    assert Checkpoint(file, {"code": "x", "settings": "lr 1"}).resume() is None
    assert "can't be read" in capsys.readouterr().err


def test_no_flipped_bit_of_a_state_is_taken_up(tmp_path, capsys):
    file, model = tmp_path / "a.safetensors", nn.Linear(3, 2)
    Checkpoint(file, {"code": "x"}).save({"epoch": 3, "best": torch.ones(2, dtype=torch.bool)}, model=model)
    whole, before = file.read_bytes(), {name: tensor.clone() for name, tensor in model.state_dict().items()}
    for at in range(0, len(whole), 29):
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << at % 8]) + whole[at + 1 :])
        facts = Checkpoint(file, {"code": "x"}).resume(model=model)
        assert (facts is None) == ("starting afresh" in capsys.readouterr().err)
        assert facts is None or facts["epoch"] == 3  # blanks that fill the header up
        assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())


def test_keep_saves_when_it_is_due(tmp_path):
    rare, eager = Checkpoint(tmp_path / "rare", minutes=10), Checkpoint(tmp_path / "eager", minutes=0)
    rare.keep({"batch": 1})
    eager.keep({"batch": 1})
    assert not rare.file.exists() and eager.file.exists()
    eager.remove()
    assert not eager.file.exists()


@pytest.mark.parametrize(("number", "expected"), [(signal.SIGTERM, SystemExit), (signal.SIGINT, KeyboardInterrupt)])
def test_asked_to_stop_it_saves_first_however_often_it_is_asked(tmp_path, number, expected):
    checkpoint = Checkpoint(tmp_path / "a")
    with checkpoint.stoppable(), pytest.raises(expected):
        for again in (number, signal.SIGTERM, number):
            os.kill(os.getpid(), again)
        assert not checkpoint.file.exists()  # it goes on until its state can be saved
        checkpoint.keep({"batch": 7})
    assert Checkpoint(tmp_path / "a").resume() == {"batch": 7}


def test_ctrl_c_again_stops_at_once(tmp_path, monkeypatch):
    checkpoint = Checkpoint(tmp_path / "a")
    with checkpoint.stoppable(), pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGTERM)
        later = time.monotonic() + 2
        monkeypatch.setattr(time, "monotonic", lambda: later)
        os.kill(os.getpid(), signal.SIGINT)
        pytest.fail("it went on")
    assert not checkpoint.file.exists()


@pytest.mark.parametrize("fault", ["loss", "gradient"])
def test_what_is_not_finite_names_the_batch_and_keeps_the_last_good_state(tmp_path, fault):
    seed_everything(0, threads=1)
    model = nn.Linear(1, 1)
    recipe = Recipe(epochs=3, batch_size=1, lr=0.1)

    def loss(module, batch):
        value = module(batch["x"]).mean()
        # the root's slope at 0 is infinite
        return (value * 0).sqrt() if batch["bad"] and fault == "gradient" else value, {}

    def train(epoch, start):
        bad = [False, epoch == 1]
        x = [float("inf") if one and fault == "loss" else 1.0 for one in bad]
        return [{"x": torch.tensor([[x[k]]]), "bad": bad[k], "video_id": [f"v{epoch}{k}"]} for k in (0, 1)][start:]

    checkpoint = Checkpoint(tmp_path / "train.safetensors", minutes=0)
    message = rf"{fault}.* epoch 2, batch 2 \(videos v11 .* last good state stays in .*train.safetensors"
    with pytest.raises(SaccadeError, match=message):
        loop.fit(
            model, loss, recipe, train, lambda: [], steps=2, device=CPU, log=tmp_path / "log", checkpoint=checkpoint
        )
    optimizer, scaler = make_optimizer(model, recipe), torch.amp.GradScaler("cpu", enabled=False)
    facts = Checkpoint(tmp_path / "train.safetensors").resume(model=model, optimizer=optimizer, scaler=scaler)
    assert (facts["epoch"], facts["batch"]) == (1, 1) and torch.isfinite(model.weight).all()


def test_a_val_loss_that_is_not_finite_stops_the_training(tmp_path):
    batch = {"x": torch.ones(1, 1), "video_id": ["v"], "labels": {}}

    def loss(module, batch):
        return module(batch["x"]).mean() if module.training else torch.tensor(float("nan")), {}

    with pytest.raises(SaccadeError, match="val.loss is nan after epoch 1"):
        recipe = Recipe(epochs=1, batch_size=1, lr=0.1)
        loop.fit(
            nn.Linear(1, 1),
            loss,
            recipe,
            lambda *_: [batch],
            lambda: [batch],
            steps=1,
            device=CPU,
            log=tmp_path / "log",
        )


def test_a_state_that_no_longer_fits_the_code_says_what_to_remove(tmp_path):
    Checkpoint(tmp_path / "a").save({}, model=nn.Linear(2, 2))
    with pytest.raises(SaccadeError, match=r"a no longer fits the code \(.*\); remove it to start afresh"):
        Checkpoint(tmp_path / "a").resume(model=nn.Linear(3, 2))
    with pytest.raises(SaccadeError, match="remove it to start afresh"):
        Checkpoint(tmp_path / "a").resume(policy=nn.Linear(2, 2))


def test_a_process_stops_if_its_parent_is_no_longer_the_one_named():
    """As when Snakemake died before the process had come so far as to look."""
    watch = "import os, sys, time; from saccade import __main__ as cli; cli.main(['list']); time.sleep(60)"
    environment = os.environ | {"SACCADE_STOPS_WITH": str(os.getppid())}  # not the child's parent
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", watch], env=environment, cwd=root, stdout=subprocess.DEVNULL, timeout=50
    )
    assert done.returncode == 143


class Interrupted(Checkpoint):
    """Ends the process's work, as a kill would, at the fourth batch."""

    calls = 0

    def keep(self, facts, **parts):
        super().keep(facts, **parts)
        self.calls += 1
        if self.calls == 4:
            raise InterruptedError


GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")


@pytest.mark.parametrize(
    ("name", "amp"),
    [("cpu", "off"), ("cpu", "bf16"), *(pytest.param("cuda", amp, marks=GPU) for amp in ("off", "bf16", "fp16"))],
)
def test_taken_up_on_any_device_and_precision_it_ends_with_the_same_weights(tmp_path, name, amp):
    where = torch.device(name)
    recipe = Recipe(
        epochs=3,
        batch_size=4,
        lr=0.05,
        optimizer="adam",
        clip_norm=1.0,
        amp=amp,
        selection="best",
        lr_every="epoch" if amp == "bf16" else "batch",
    )

    def batch(epoch, number):
        generator = torch.Generator().manual_seed(10 * epoch + number)
        x = torch.randn(4, 3, 8, 8, generator=generator)
        return {"x": x, "labels": {"noun": (x.mean((1, 2, 3)) > 0).long()}, "video_id": list("abcd")}

    def loss(model, one):
        logits = model(one["x"])
        return nn.functional.cross_entropy(logits, one["labels"]["noun"]), {"noun": logits}

    def trained(checkpoint):
        seed_everything(0, threads=1)
        model = nn.Sequential(
            nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(0.3), nn.Flatten(), nn.Linear(288, 2)
        )
        place(model, where)
        data: dict = {
            "train": lambda epoch, start: [batch(epoch, k) for k in range(start, 3)],
            "val": lambda: [batch(99, 0)],
        }
        loop.fit(model, loss, recipe, **data, steps=3, device=where, log=tmp_path / "log", checkpoint=checkpoint)
        return model.state_dict()

    expected = trained(Checkpoint())
    with pytest.raises(InterruptedError):
        trained(Interrupted(tmp_path / "state", minutes=0))
    found = trained(again := Checkpoint(tmp_path / "state", minutes=0))
    assert again.resumed == 1
    assert all(torch.equal(expected[key], found[key]) for key in expected)


@GPU
def test_fp32_on_a_gpu_is_fp32():
    """TF32 keeps 10 of 23 bits: its error would be a hundred times larger."""
    seed_everything(0, threads=1)
    x, layer = torch.randn(2, 64, 16, 16), nn.Conv2d(64, 64, 3)
    exact = nn.functional.conv2d(x.double(), layer.weight.double(), layer.bias.double())
    found = layer.cuda()(x.cuda()).cpu()
    assert (found - exact).abs().max() < 1e-5
