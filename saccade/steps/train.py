"""The step that trains one phase: build the model, load what it needs, hand it to the method's phase, keep what it
trained."""

import functools
import time
from typing import Any

import torch

from saccade import products
from saccade.engine import released, weights
from saccade.engine.checkpoint import Checkpoint
from saccade.engine.device import choose_device, place, seed_everything
from saccade.engine.features import Features
from saccade.engine.phase_run import PhaseRun
from saccade.files import sha256
from saccade.nn.convolution import quicken
from saccade.nn.seeding import seed_of
from saccade.project import load_module, provenance
from saccade.records import COVERAGE_FILE, INDEX_FILE, LOG_ENDS, Task, provenance_name
from saccade.video.index import read_index
from saccade.video.loader import VideoDataset


def train(task: Task) -> None:
    """Trains `task.phase` and writes `<phase>.safetensors`, `<phase>.json`, `<phase>.log.jsonl` and the provenance.

    Killed at any moment and run again it goes on where it last saved its state, to the same result.
    """
    started = time.perf_counter()
    index, truth = read_index(task.root / task.prepared, task.root, task.heads)
    model, generator = start(task)
    device = choose_device(task.settings.device)
    log = task.folder / (task.phase + LOG_ENDS)
    checkpoint = Checkpoint(task.checkpoint, _identity(task, device), task.settings.checkpoint_minutes, [generator])
    run = PhaseRun(
        settings=task.settings,
        heads=task.heads,
        model=quicken(place(model, device)),
        train=VideoDataset(
            index,
            task.root,
            task.heads,
            task.settings,
            "train",
            train=True,
            seed=task.seed,
            truth=truth,
            cache_mb=task.settings.cache_mb,
        ),
        val=VideoDataset(index, task.root, task.heads, task.settings, "val", train=False, seed=task.seed, truth=truth),
        device=device,
        generator=generator,
        log=log,
        settle=lambda module: weights.settle_rest(module, task.trains),
        checkpoint=checkpoint,
        features=_features(task),
    )
    with checkpoint.stoppable():
        getattr(load_module(task.root / task.method / "phases.py"), task.phase)(run)
    data = products.read(task.root / task.prepared / COVERAGE_FILE).get("decoder", "")
    _keep(task, model, {"result": run.result}, started, device=str(device), data=data, resumed=checkpoint.resumed)
    checkpoint.remove()


def start(task: Task) -> tuple[torch.nn.Module, torch.Generator]:
    """The model as the phase finds it, on the CPU: built, with what it needs loaded, the rest frozen; and the generator
    that the phase draws from.

    Parts of the model are seeded by their names and training by the phase's, so that no setting which the phase doesn't
    read moves a random number of it.
    """
    seed_everything(task.seed, task.settings.threads)
    model = load_module(task.root / task.method / "model.py").build(task.settings, task.heads)
    weights.load(model, task.loads, whole=False, heads=task.heads)
    weights.freeze_rest(model, task.trains)
    return model, seed_everything(seed_of(task.seed, f"phase {task.phase}"), task.settings.threads)


def import_weights(task: Task) -> None:
    """Brings the published weights of a `released` variant in as the phase `import`, which nothing was trained for
    here."""
    started = time.perf_counter()
    seed_everything(task.seed, task.settings.threads)
    model = load_module(task.root / task.method / "model.py").build(task.settings, task.heads)
    weights.load(model, task.loads, whole=False, heads=task.heads)
    rename = functools.partial(
        load_module(task.root / task.method / "phases.py").import_released, task.settings, task.heads
    )
    assert task.released is not None, f"{task.run} has no released weights"
    file, drops, expected = task.root / task.released["file"], task.released["drops"], task.released["sha256"]
    found = released.load(model, file, rename, task.trains, drops, expected, task.heads)
    _keep(task, model, {"result": {}, "released": found | {"asked": task.released}}, started, device="cpu")


def _keep(task: Task, model: torch.nn.Module, facts: dict[str, Any], started: float, **where: Any) -> None:
    """Writes where and how the phase's tensors were made, which vouches for its log, then the tensors and last the JSON
    that vouches for them: the phase's product."""
    asked = {
        "run": task.run,
        "phase": task.phase,
        "settings": task.values,
        "code": task.code,
        "trains": list(task.trains),
    }
    asked["classes"] = {head.name: list(head.classes) for head in task.heads}
    where |= {"threads": task.settings.threads, "seconds": round(time.perf_counter() - started, 1)}
    where["weights"] = [str(product) for product in task.weights]
    where |= {"features": [str(product) for product in task.features.values()]} if task.features else {}
    log, record = task.folder / (task.phase + LOG_ENDS), task.folder / provenance_name(task.phase)
    logged = {log.name: sha256(log)} if log.is_file() else {}
    products.write(record, provenance(task.root, **where), logged)
    weights.save(task.folder / f"{task.phase}.json", model, task.trains, asked | facts, {record.name: ""})


def _features(task: Task) -> dict[str, Features]:
    """What the phase trains on beside clips, by phase; raises SaccadeError where it is missing, or of other
    weights or data than there are now."""
    found = {}
    for phase, product in task.features.items():
        found[phase] = Features(task.root / product)
        found[phase].need_made_of(task.root, task.root / task.prepared / INDEX_FILE)
    return found


def _identity(task: Task, device: torch.device) -> dict[str, Any]:
    """What decides how the training goes on. Another version of torch may round otherwise, so it starts afresh."""
    features = [products.read(task.root / product)["sha256"] for product in task.features.values()]
    return (
        task.identity
        | ({"features": features} if features else {})
        | {
            "data": sha256(task.root / task.prepared / INDEX_FILE),
            "weights": [products.read(task.root / product)["sha256"] for product in task.weights],
            "machine": {"torch": torch.__version__, "device": device.type, "threads": task.settings.threads},
        }
    )
