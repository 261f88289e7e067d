"""Small models of every method with random weights, and clips for them, for tests."""

import torch
from conftest import ROOT

from saccade.cards.method import load_method
from saccade.plan.layers import heads_of, resolve
from saccade.plan.runs import Run
from saccade.project import load_module

FRAMES, SIZE = 4, 64


def smallest(method: str) -> Run:
    """The method's variant with the fewest parameters, on the first embedded dataset."""
    card = load_method(ROOT, method)
    trained = [name for name, variant in card.variants.items() if not variant.part and not variant.released]
    runs = [Run("demo", "motion-digits", "", method, variant, 0) for variant in trained]
    return min(runs, key=lambda run: sum(p.numel() for p in built(run, on="meta")[0].parameters()))


def built(run: Run, on: str = "cpu"):
    settings = resolve(ROOT, run).typed
    torch.manual_seed(0)
    with torch.device(on):
        return load_module(ROOT / "methods" / run.method / "model.py").build(
            settings, heads_of(ROOT, run)
        ).eval(), settings


def clip(videos: int, seed: int = 0) -> dict:
    generator = torch.Generator().manual_seed(seed)
    return {
        "rgb": torch.randn(videos, FRAMES, 3, SIZE, SIZE, generator=generator),
        "indices": torch.arange(FRAMES).expand(videos, FRAMES),
        "video_frames": torch.full((videos,), FRAMES),
        "video_id": [f"v{number}" for number in range(videos)],
        "decoded_frames": torch.full((videos,), FRAMES),
    }


def one(batch: dict, number: int) -> dict:
    return {key: value[number : number + 1] for key, value in batch.items()}
