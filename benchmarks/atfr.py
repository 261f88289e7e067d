"""What fewer maps save by the clock: a network with ATFR beside the same one without, as ratios in one run.

    python -m benchmarks.atfr [--network x3d-s] [--batch 1 16] [--bins 0] [--videos 32] [--rounds 3] [--clock
    elapsed|processor] [--runtime eager] [--quick]

Random weights and random clips of the paper's size. No trained network is at hand, so each video's number of bins B' is
drawn beforehand, as embeddings without structure keep them, moved to a mean of `--bins` where that isn't 0; the
similarity network is executed all the same. Both sides are optimised for inference, run in the same runtime (stages are
told of eager alone) and take turns call by call; the
static one also stands beside itself (A/A; more than 3 % from 1 is marked †). Memory is what one step of training raises
the peak of a fresh process by.
"""

import argparse
import dataclasses
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from saccade.cost.forward import forward_macs
from saccade.engine.device import keep_memory
from saccade.project import load_module
from saccade.records import EAGER, RUNTIMES, Head
from saccade.timing import machine, optimise, runtimes, turns

METHOD = Path(__file__).parents[1] / "methods" / "atfr"
PARTS = ("model", "paper/pricing", "networks/sampler", "networks/sgs")
model, pricing, sampler, sgs = (load_module(METHOD / f"{name}.py") for name in PARTS)
Settings = load_module(METHOD / "settings.py").Settings

CLIPS = {
    "x3d-s": (13, 160),
    "x3d-m": (16, 224),
    "3dresnet18": (32, 224),
    "3dresnet50": (32, 224),
    "slowfast-4x16-r50": (32, 224),
}
SMALL = (8, 48)  # of other networks: frames, height and width
HEADS = (Head("label", "single", tuple(map(str, range(400)))),)
TRAINED = 8  # videos in the step of training
MIB = 2**10  # in KiB
CLOCK = time.perf_counter

Clip = dict[str, Any]
Stages = dict[str, tuple[float, float]]  # by name: giga multiply-adds and milliseconds of a video


class Forced(sampler.Sampler):
    """Asks the similarity network, then puts each video's frames into as many bins as its name says."""

    def share(self, features: Tensor, settings: Any, clip: Clip) -> Tensor:
        asked = super().share(features, settings, clip)
        return torch.stack([positions(video, asked.shape[2], self.pathway) for video in clip["video_id"]])


def positions(video: str, frames: int, pathway: int) -> Tensor:
    """(1, T) places in [0, 1] that lie in so many of T bins, by the video's name: its number, and B' of each
    pathway."""
    number, *bins = map(int, video.split("-"))
    draw = torch.Generator().manual_seed(number)
    chosen = torch.randperm(frames - 1, generator=draw)[: bins[pathway] - 1]
    used = torch.cat([chosen, torch.tensor([frames - 1])])  # the last bin holds the largest place, which is 1
    of_frame = torch.cat([used, used[torch.randint(len(used), (frames - len(used),), generator=draw)]])
    return ((of_frame + 0.5) / frames / ((frames - 0.5) / frames))[None].clamp(max=1)


def make_settings(network: str, **chosen: Any) -> Any:
    frames, size = CLIPS.get(network, SMALL)
    return Settings(
        network=network, num_frames=frames, resize=size, crop=size, epochs=1, batch_size=TRAINED, lr=0.1, **chosen
    )


def make_model(settings: Any) -> nn.Module:
    torch.manual_seed(0)
    net = model.build(settings, HEADS)
    if settings.layer == "sgs":
        net.sgs = nn.ModuleList(
            Forced(channels, settings, pathway) for pathway, channels in enumerate(net.early.channels)
        )
    return net


def make_clip(settings: Any, numbers: range, mean_bins: float) -> Clip:
    lengths = pricing.Network(settings.network, settings.num_frames, settings.crop).lengths
    drawn = [
        draw_bins(frames, pathway, mean_bins * frames / settings.num_frames) for pathway, frames in enumerate(lengths)
    ]
    names = ["-".join(map(str, (number, *(int(bins[number]) for bins in drawn)))) for number in numbers]
    shape = (len(numbers), settings.num_frames, 3, settings.crop, settings.crop)
    rgb = torch.randn(shape, generator=torch.Generator().manual_seed(numbers.start))
    clip = {"rgb": rgb, "indices": torch.arange(settings.num_frames).expand(len(numbers), -1), "video_id": names}
    return optimise.lay_out(clip, torch.device("cpu"))


def draw_bins(frames: int, pathway: int, mean: float) -> Tensor:
    """Numbers of bins as embeddings without structure have them, moved to `mean` if that isn't 0."""
    bins = pricing.drawn(frames, seed=pathway).double()
    lots = torch.rand(len(bins), generator=torch.Generator().manual_seed(pathway), dtype=torch.float64)
    moved = (bins + (mean - bins.mean()) + lots).floor() if mean else bins
    return moved.clamp(1, frames).long()


# ---- by the clock


def runner(net: nn.Module, settings: Any) -> Callable[[Clip], Any]:
    return lambda clip: optimise.infer(model.predict, net, clip, settings)


@torch.inference_mode()
def sampling(net: Any, pathways: list[Tensor], settings: Any, clip: Clip) -> list[list[Tensor]]:
    """What SGS does for a batch, alone: similarity networks, kernels, and mixing of the videos that share their B'."""
    weights = net.weigh(pathways, settings, clip)
    mixed = []
    for counts, members in model._groups(torch.stack([sgs.occupied(one).sum(1) for one in weights], dim=1)):
        mixed.append(
            [sgs.mix(sgs.packed(w[members], k), x[members]) for w, k, x in zip(weights, counts, pathways, strict=True)]
        )
    return mixed


@torch.inference_mode()
def by_stage(net: Any, settings: Any, clips: list[Clip], rounds: int) -> Stages:
    """Each stage of the network on its own, one after the other, and between them SGS, whose multiply-adds aren't
    told."""
    macs: dict[str, float] = defaultdict(float)
    seconds: dict[str, float] = defaultdict(float)

    def run(name: str, call: Callable[[], Any]) -> Any:
        call()  # unheard
        seconds[name] += min(timed(call) for _ in range(rounds))
        return call()  # last, so that its memory isn't held while the clock runs

    def through(part: nn.Sequential, features: Any) -> Any:
        for name, stage in part.named_children():
            several = features if isinstance(features, tuple) else (features,)
            shapes = tuple(tuple(one.shape[1:]) for one in several)
            macs[name] += len(several[0]) * forward_macs(stage, shapes if len(shapes) > 1 else shapes[0])
            features = run(name, lambda stage=stage, x=features: stage(x))
        return features

    for clip in clips:
        features = through(net.early, clip["rgb"].transpose(1, 2).contiguous(memory_format=torch.channels_last_3d))
        groups = [features]
        if settings.layer == "sgs":
            pathways = list(features) if isinstance(features, tuple) else [features]
            mixed = run("SGS", lambda clip=clip, pathways=pathways: sampling(net, pathways, settings, clip))
            groups = [tuple(one) if len(one) > 1 else one[0] for one in mixed]
        for group in groups:
            through(net.late, group)
    videos = sum(len(clip["video_id"]) for clip in clips)
    return {name: (macs[name] / videos / 1e9, 1000 * spent / videos) for name, spent in seconds.items()}


def timed(call: Callable[[], object]) -> float:
    started = CLOCK()
    call()
    return CLOCK() - started


def prepared(net: nn.Module, settings: Any, runtime: str, example: Clip, folder: Path) -> Callable[[Clip], Any]:
    """The network in its fastest exact form by this runtime."""
    optimise.optimise(net, packed=runtime == EAGER)
    run = runner(net, settings)
    runtimes.use(net, runtime, lambda: run(example), "benchmarks", folder)
    return run


def compare(network: str, batch: int, videos: int, mean_bins: float, rounds: int, runtime: str) -> None:
    """Prints what one batch size gives."""
    settings, plain = make_settings(network, layer="sgs"), make_settings(network)
    net, static = make_model(settings), make_model(plain)
    clips = [
        make_clip(settings, range(first, first + batch), mean_bins) for first in range(0, max(videos, batch), batch)
    ]
    with tempfile.TemporaryDirectory() as folder:
        own, against = (prepared(*one, runtime, clips[0], Path(folder)) for one in ((net, settings), (static, plain)))
    macs = {
        name: torch.cat([run(clip).macs for clip in clips]).double().mean().item()
        for name, run in (("atfr", own), ("static", against))
    }
    bins = [decision["bins"] for clip in clips for decision in own(clip).decisions]
    found = turns.in_turns(own, against, clips, rounds, CLOCK)
    ratio, speedup = macs["static"] / macs["atfr"], found["speedup"]
    print(
        f"\n## {network}, {runtime}, batch {batch}: B' {min(bins)} to {max(bins)}, mean {sum(bins) / len(bins):.2f} of "
        f"{settings.num_frames}\n"
    )
    print("| what | value |\n| --- | --- |")
    print(f"| fewer multiply-adds | {ratio:.2f}x ({macs['static'] / 1e9:.3f} to {macs['atfr'] / 1e9:.3f} G) |")
    ms = {side: 1000 * found["seconds"][side]["mean"] for side in ("against", "own")}
    print(f"| faster | {speedup:.2f}x{mark(found)} ({ms['against']:.1f} to {ms['own']:.1f} ms a video) |")
    print(f"| of what multiply-adds say | {speedup / ratio:.0%} |")
    stages, static_stages = {}, {}
    if runtime == EAGER:
        stages, static_stages = by_stage(net, settings, clips, rounds), by_stage(static, plain, clips, rounds)
        print(f"| SGS itself, of the time with ATFR | {stages['SGS'][1] / sum(ms for _, ms in stages.values()):.1%} |")
    if batch > 1:
        filled = runner(net, dataclasses.replace(settings, padded=True))
        padded = turns.in_turns(own, filled, clips, rounds, CLOCK)
        more = sum(int(filled(clip).macs.sum()) for clip in clips) / (len(bins) * macs["atfr"])
        print(
            f"| exact in groups, against filled up as the official code | {padded['speedup']:.2f}x{mark(padded)} "
            f"({more:.2f}x fewer) |"
        )
    if stages:
        show_stages(static_stages, stages, ms)


def mark(found: dict[str, Any]) -> str:
    return f"{' †' * found['marked']}, A/A {found['aa']:.2f}"


def show_stages(static: Stages, atfr: Stages, whole: dict[str, float]) -> None:
    """Where the time is: a stage that takes longer for a multiply-add weighs more by the clock than its multiply-adds
    do."""
    print(
        "\n| stage | G multiply-adds, static | with ATFR | ms, static | with ATFR | ms per G, static | with ATFR |\n|"
        + " --- |" * 7
    )
    for name, of_atfr in atfr.items():
        both = [static.get(name, (0.0, 0.0)), of_atfr]
        cells = [f"{giga:.3f}" if giga else "" for giga, _ in both] + [f"{ms:.1f}" if ms else "" for _, ms in both]
        cells += [f"{ms / giga:.0f}" if giga > 0.001 else "" for giga, ms in both]
        print(f"| {name} | {' | '.join(cells)} |")
    rest = [whole[side] - sum(ms for _, ms in stages.values()) for side, stages in (("against", static), ("own", atfr))]
    print(f"| rest of `predict`, by difference | | | {rest[0]:.1f} | {rest[1]:.1f} | | |")


# ---- memory


def step(network: str, layer: str, mean_bins: float) -> float:
    """MiB by which one step of training raises this process's peak."""
    settings = make_settings(network, layer=layer)
    net, clip = make_model(settings).train(), make_clip(settings, range(TRAINED), mean_bins)
    optimizer = torch.optim.SGD(net.parameters(), lr=settings.lr)
    before = peak()
    scores = net(clip)["label"]
    nn.functional.cross_entropy(scores, torch.arange(TRAINED) % scores.shape[1]).backward()
    optimizer.step()
    return (peak() - before) / MIB


def peak() -> int:
    """KiB that this process has held at most. `getrusage` would start from what the process that began it holds."""
    status = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))


def memory(network: str, mean_bins: float, threads: int) -> None:
    found = {}
    for layer in ("none", "sgs"):
        asked = ["--network", network, "--bins", str(mean_bins), "--threads", str(threads), "--step", layer]
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.atfr", *asked], check=True, capture_output=True, text=True
        )
        found[layer] = float(done.stdout)
    print(f"\n## {network}, one step of training on {TRAINED} videos, filled up to the most bins of the batch\n")
    print("| | MiB more at the peak |\n| --- | --- |")
    print(
        f"| static | {found['none']:.0f} |\n| with ATFR | {found['sgs']:.0f} |\n| less | "
        f"{found['none'] / found['sgs'] if found['sgs'] else float('nan'):.2f}x |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", default="x3d-s")
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 16])
    parser.add_argument(
        "--bins", type=float, default=0.0, help="mean B'; 0: as embeddings without structure keep (6.7 of 13)"
    )
    parser.add_argument("--videos", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--clock", choices=["elapsed", "processor"], default="elapsed", help="processor: where other programs run"
    )
    parser.add_argument("--runtime", nargs="+", default=[EAGER], choices=list(RUNTIMES))
    parser.add_argument("--quick", action="store_true", help="a small network, a round: whether it runs")
    parser.add_argument("--step", choices=["none", "sgs"], help=argparse.SUPPRESS)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    keep_memory()
    if given.step:
        print(step(given.network, given.step, given.bins))
        return
    if given.quick:
        given.network, given.batch, given.videos, given.rounds = "x3d-tiny", [1, 4], 4, 1
    global CLOCK
    CLOCK = {"elapsed": time.perf_counter, "processor": time.process_time}[given.clock]
    watch = machine.Watch()
    for batch in given.batch:
        for runtime in given.runtime:
            compare(given.network, batch, given.videos, given.bins, given.rounds, runtime)
    memory(given.network, given.bins, given.threads)
    others, cpu = watch.read()["others_cores"], machine.describe()["cpu"]
    print(
        f"\n{cpu}, {given.threads} thread(s), {given.clock} time, torch {torch.__version__}; others kept "
        f"{others or 0:.2f} cores busy"
    )


if __name__ == "__main__":
    main()
