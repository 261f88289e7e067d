"""The variants that a method's card names for its contract, with random weights, and clips for them, for tests."""

import contextlib
import dataclasses
import tempfile
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from conftest import ROOT
from torch import nn

from saccade.cards.entries import Entry
from saccade.cards.method import IMPORT, Phase, load_method
from saccade.engine import device, phase_run, weights
from saccade.plan.features import features_of, features_settings
from saccade.plan.layers import heads_of, resolve
from saccade.plan.phases import phase_of, phases_of, weights_of
from saccade.plan.points import points_of
from saccade.plan.runs import Run
from saccade.project import load_module
from saccade.records import Head
from saccade.settings import FLOW_CHANNELS, Shared
from saccade.video import audio
from saccade.video.in_memory import FramesInMemory

SHARED = {field.name for field in dataclasses.fields(Shared)}
FRAMES, SIZE = 8, 48  # the most frames of a clip, and its side in pixels
ON_DEMAND = 64  # frames of a video whose clip is on demand
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
BATCHES = (2, 1)  # clips of a phase's batches: the last one of an epoch may be a single clip


def run_of(method: str, variant: str) -> Run:
    return Run("demo", "motion-digits", "", method, variant, 0)


def contract_runs(method: str) -> list[Run]:
    """The runs of the variants that the card's `contract` names."""
    return [run_of(method, variant) for variant in load_method(ROOT, method).contract]


def is_part(run: Run) -> bool:
    return load_method(ROOT, run.method).variants[run.variant].part


def smallest(method: str) -> Run:
    """That of the contract's variants with the fewest parameters, parts aside."""
    runs = [run for run in contract_runs(method) if not is_part(run)]
    return min(runs, key=lambda run: sum(p.numel() for p in built(run, on="meta")[0].parameters()))


def kinds_of_points(run: Run) -> list[Entry]:
    """One point of each line of the card that gives the variant points, but those that ask the model for the same as
    another one: frames that the loader chooses otherwise, other crops, more views."""
    kinds = {}
    for point in {point.family: point for point, _ in points_of(ROOT, run)}.values():
        settings = resolve(ROOT, run, point=point.name).typed
        own = {key: value for key, value in vars(settings).items() if key not in SHARED}
        seen = shape(settings), settings.snippet_frames, settings.on_demand, settings.truth
        kinds.setdefault(repr([own, seen]), point)
    return list(kinds.values())


def shape(settings: Any) -> tuple[int, int]:
    """How many frames a clip of the tests has, and how many it has to glance at."""
    return min(settings.num_frames, FRAMES), min(settings.glance_frames, FRAMES)


def trained_phases(run: Run) -> list[Phase]:
    """The run's own phases, published weights aside."""
    return [phase for phase in phases_of(ROOT, run) if phase.name != IMPORT]


def built(run: Run, on: str = "cpu", phase: str | None = None, seed: int = 0) -> tuple[nn.Module, Any]:
    """The run's network as it starts, in evaluation mode, and its settings (those of the phase)."""
    settings = resolve(ROOT, run, phase).typed
    torch.manual_seed(seed)
    with torch.device(on):
        model = load_module(ROOT / "methods" / run.method / "model.py").build(settings, heads_of(ROOT, run))
    return model.eval(), settings


@lru_cache(maxsize=1)  # tests of one run follow one another
@torch.inference_mode(False)
def finished(run: Run) -> tuple[nn.Module, Any]:
    """A network as if trained, and its settings: normalisations are random (a fresh network's last ones may be zero and
    hide what comes before them), and what phases without gradients store has been stored."""
    model, settings = built(run)
    for norm in model.modules():
        if isinstance(norm, NORMS):
            nn.init.uniform_(norm.weight, 0.5, 1.5)
            nn.init.uniform_(norm.bias, -0.5, 0.5)
    stores = [need for need in weights_of(ROOT, run) if only_stores(model, need.phase)]
    for need in stores:
        train(need.run, need.phase, model)
    if not stores:
        return model, settings
    other, _ = built(run)  # as the steps do: a model that learned computes its GRU otherwise than one that was loaded
    weights.put(other, model.state_dict())
    return other, settings


def only_stores(model: nn.Module, phase: Phase) -> bool:
    """Whether the phase fills what was built empty, as a calibration does, and nothing else."""
    state = model.state_dict()
    return not any(state[name].numel() for name in weights.covered(state, phase.trains))


def save_phases(run: Run, model: nn.Module, folder: Path) -> list[Path]:
    """The products of all phases that the model is made of, in the order of loading; what a later phase stores is empty
    in those before it, as it was when they ended."""
    source, state, products = built(run)[0], model.state_dict(), []
    start = source.state_dict()
    weights.put(source, {name: value for name, value in state.items() if value.shape == start[name].shape})
    for number, need in enumerate(weights_of(ROOT, run)):
        if only_stores(source, need.phase):
            weights.put(source, {name: state[name] for name in weights.covered(state, need.phase.trains)})
        products.append(folder / f"{number}.json")
        weights.save(products[-1], source, need.phase.trains, {})
    return products


def train(run: Run, phase: Phase, model: nn.Module, log: Path | None = None, seed: int = 0) -> None:
    """Trains the phase for two epochs of two batches of random clips, with the settings that the card gives it."""
    settings = resolve(ROOT, run, phase.name).typed
    settings = dataclasses.replace(
        settings, epochs=2, batch_size=BATCHES[0], warmup_epochs=0.0, selection="last", cache_mb=0
    )
    weights.freeze_rest(model, phase.trains)
    call_phase(run, phase, settings, model, device.seed_everything(seed, threads=1), BATCHES, log, seed)


def call_phase(
    run: Run,
    phase: Phase,
    settings: Any,
    model: nn.Module,
    generator: torch.Generator,
    batches: tuple[int, ...],
    log: Path | None = None,
    seed: int = 0,
    root: Path = ROOT,
) -> None:
    """Calls the phase's function on the model, with so many random clips in each batch of an epoch."""
    heads, videos = heads_of(root, run), Videos(sum(batches))
    phases = load_module(root / "methods" / run.method / "phases.py")
    with random_clips(settings, heads, batches, seed), tempfile.TemporaryDirectory() as folder:
        getattr(phases, phase.name)(
            phase_run.PhaseRun(
                settings=settings,
                heads=heads,
                model=model,
                train=videos,
                val=videos,
                device=torch.device("cpu"),
                generator=generator,
                log=log or Path(folder, f"{phase.name}.log.jsonl"),
                settle=lambda module: weights.settle_rest(module, phase.trains),
                features={
                    cached.phase.name: random_features(root, cached.run, cached.phase.name, max(batches))
                    for cached in features_of(root, run, phase)
                },
            )
        )


@lru_cache(maxsize=16)
def random_features(root: Path, run: Run, phase: str, videos: int) -> dict[str, dict[str, torch.Tensor]]:
    """{video_id: its features} of so many videos on demand, by the phase's network with random weights."""
    seen = clip(features_settings(root, run, phase_of(root, run, phase)), videos)
    return dict(zip(seen["video_id"], features_by(root, run, phase, seen), strict=True))


@torch.no_grad()
def features_by(root: Path, run: Run, phase: str, seen: dict[str, Any]) -> list[dict[str, torch.Tensor]]:
    """What the phase's network with random weights, always the same ones, makes of each video of the clip."""
    settings, folder = features_settings(root, run, phase_of(root, run, phase)), root / "methods" / run.method
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = load_module(folder / "model.py").build(settings, heads_of(root, run)).eval()
        found: list[dict[str, torch.Tensor]] = getattr(load_module(folder / "phases.py"), f"{phase}_features")(
            model, seen, settings
        )
    return found


@contextlib.contextmanager
def random_clips(settings: Any, heads: tuple[Head, ...], batches: tuple[int, ...], seed: int) -> Iterator[None]:
    """Inside, the phases' loops get noise in place of decoded videos: so many clips in each batch of an epoch."""

    def noise(dataset: Any, batch_size: int, *, epoch: int, **_: Any) -> Iterator[dict[str, Any]]:
        for number, videos in enumerate(batches):
            labels = {head.name: _labels(head, videos) for head in heads}
            yield clip(settings, videos, seed=100 * seed + 10 * epoch + number) | {"labels": labels}

    real, phase_run.batches = phase_run.batches, noise
    try:
        yield
    finally:
        phase_run.batches = real


def _labels(head: Head, videos: int) -> torch.Tensor:
    classes = torch.arange(videos) % head.num_classes
    return classes if head.kind == "single" else nn.functional.one_hot(classes, head.num_classes).float()


class Videos:
    """Stands for the videos of a split: what phases see of them comes from `random_clips`."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __len__(self) -> int:
        return self.number

    def without_augmentation(self) -> "Videos":
        return self


def clip(settings: Any, videos: int, seed: int = 0) -> dict[str, Any]:
    """Clips of noise with all that these settings ask for, its ground truth included."""
    generator = torch.Generator().manual_seed(seed)
    frames, glances = shape(settings)
    if settings.on_demand:
        return _clip_on_demand(settings, videos, generator)
    frames *= settings.snippet_frames
    found = {
        "rgb": _noise(videos, frames, generator),
        "indices": torch.arange(frames).expand(videos, frames),
        "video_frames": torch.full((videos,), frames),
        "frame_size": torch.tensor([[SIZE, SIZE]]).expand(videos, 2),
        "video_id": [f"v{number}" for number in range(videos)],
        "decoded_frames": torch.full((videos,), frames),
    }
    if glances:
        found["glance.rgb"] = _noise(videos, glances, generator)
        found["glance.indices"] = torch.arange(glances).expand(videos, -1)
    if "flow" in settings.modalities:
        found["flow"] = torch.randn(videos, frames, FLOW_CHANNELS, SIZE, SIZE, generator=generator)
    if "audio" in settings.modalities:
        found["audio"] = _sound(settings, videos, frames, generator)
    return found | {f"truth.{column}": _truth(column, videos, frames) for column in settings.truth}


def _clip_on_demand(settings: Any, videos: int, generator: torch.Generator) -> dict[str, Any]:
    found = {
        "frames": [FramesInMemory(noise, ON_DEMAND) for noise in _noise(videos, ON_DEMAND, generator)],
        "indices": torch.empty(videos, 0, dtype=torch.int64),
        "video_frames": torch.full((videos,), ON_DEMAND),
        "frame_size": torch.tensor([[SIZE, SIZE]]).expand(videos, 2),
        "video_id": [f"v{number}" for number in range(videos)],
        "decoded_frames": torch.zeros(videos, dtype=torch.int64),
    }
    if "audio" in settings.modalities:
        found["audio"] = _sound(settings, videos, ON_DEMAND, generator)
    return found | {f"truth.{column}": list(_truth(column, videos, ON_DEMAND)) for column in settings.truth}


def _sound(settings: Any, videos: int, frames: int, generator: torch.Generator) -> torch.Tensor:
    """As `sound` says: (B, T, 1, frequencies, steps) of windows, (B, 1, mels, steps) of a track of a second."""
    if settings.sound == "windows":
        return torch.randn(videos, frames, 1, *audio.window_shape(settings), generator=generator)
    steps = 1 + settings.sample_rate_hz // settings.hop_length
    return torch.randn(videos, 1, settings.num_mels, steps, generator=generator)


def _noise(videos: int, frames: int, generator: torch.Generator) -> torch.Tensor:
    """(B, T, 3, H, W): a video is brighter than the one before it, and stands longer before its frame changes."""
    noise = torch.randn(videos, frames, 3, SIZE, SIZE, generator=generator)
    video = torch.arange(videos)[:, None]
    return noise[video, torch.arange(frames) // (1 + video)] + video[..., None, None, None] / 2


def _truth(column: str, videos: int, frames: int) -> torch.Tensor:
    """(B, T): a target of 8 pixels that walks down the diagonal, seen in every other frame; moments of growing
    length."""
    time, video = torch.arange(frames, dtype=torch.float64).expand(videos, -1), torch.arange(videos)[:, None]
    corner = (4 * time + 3 * video) % (SIZE - 8)
    known = {
        "x0": corner,
        "y0": corner,
        "x1": corner + 8,
        "y1": corner + 8,
        "visibility": 1 - time % 2,
        "informative": 1 - time % 2,
        "moment": time // (1 + video),
    }
    return known[column]


def one(batch: dict[str, Any], number: int) -> dict[str, Any]:
    return {key: value[number : number + 1] for key, value in batch.items()}
