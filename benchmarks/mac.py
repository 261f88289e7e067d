"""What crops save by the clock: S_k of Mac et al. beside SAN19-base on the same whole frames, as ratios in one run.

    python -m benchmarks.mac [--regions 3] [--data ucf101 epic-kitchens-55] [--batch 1 8] [--frames 16] [--rounds 2]
    [--runtime eager] [--parts] [--quick]

Random weights, random clips of 224 x 224 (ucf101: pictures alone; epic-kitchens-55: 256 x 256 of sound beside each):
neither changes what is computed. Processor time of one thread. Both sides see the same number of frames, are optimised
alike (`timing/optimise.py`) and take turns call by call; a side's two turns are the check (A/A; more than 3 % from 1 is
marked). Frames are the paper's number of S_k where none is given. `--parts`: where the time goes, and how long each
part takes for its multiply-adds. The sampler, which is numpy, is timed by itself, too, on
maps that have regions, beside the network that sees the frames at low resolution.
"""

import argparse
import dataclasses
import functools
import tempfile
from pathlib import Path
from typing import Any

import torch

from benchmarks.adafocus import Side
from benchmarks.inside import Places, clock, least
from saccade.cost.formulas import gru_macs
from saccade.cost.forward import forward_macs
from saccade.engine.device import keep_memory
from saccade.plan.layers import resolve
from saccade.plan.runs import Run
from saccade.project import load_module
from saccade.records import EAGER, RUNTIMES, Head
from saccade.timing import machine, optimise, runtimes, turns

ROOT = Path(__file__).parents[1]
CLASSES = {"ucf101": {"label": 101}, "epic-kitchens-55": {"verb": 125, "noun": 352}}
FRAMES = {"ucf101": 16, "epic-kitchens-55": 10}
SIZE = 224
CPU = torch.device("cpu")
Clip = dict[str, Any]


def side(data: str, variant: str, frames: int) -> Side:
    """The card's variant with random weights."""
    settings = dataclasses.replace(
        resolve(ROOT, Run("paper", data, "", "mac", variant, 0)).typed, weights="none", num_frames=frames
    )
    heads = tuple(Head(name, "single", tuple(map(str, range(count)))) for name, count in CLASSES[data].items())
    module = load_module(ROOT / "methods/mac/model.py")
    torch.manual_seed(0)
    return Side(module.predict, module.build(settings, heads).eval(), settings)


def clip_for(one: Side, batch: int, frames: int) -> Clip:
    drawn = functools.partial(torch.randn, generator=torch.Generator().manual_seed(0))
    clip: Clip = {
        "rgb": drawn(batch, frames, 3, SIZE, SIZE),
        "indices": torch.arange(frames).expand(batch, -1),
        "video_id": [str(number) for number in range(batch)],
    }
    return clip | ({"audio": drawn(batch, frames, 1, 256, 256)} if "audio" in one.settings.modalities else {})


# ---- where the time goes


def parts(one: Side, plain: Side, clip: Clip, rounds: int) -> dict[str, tuple[float, float]]:
    """{part: (milliseconds of processor time a video, G multiply-adds a video)}; the least of the rounds. `rest`: what
    none of the parts is. `plain`: the side as it was before it was optimised."""
    net, networks = one.net, load_module(ROOT / "methods/mac/networks/mac.py")
    places: Places = {
        "shrinking": (networks, "low_resolution"),
        "attention map": (networks, "cumulative"),
        "sampler": (networks.regions, "corners_and_number"),
        "cutting": (networks, "crops_at"),
    }
    places |= {name: (head, "forward") for name, head in net.heads.items()}
    for name in net.sizes:
        attends = name == "low_cnn" and one.settings.regions
        places[name] = (net.get_submodule(name), "attend" if attends else "forward")
    found = least(lambda: one(clip), places, rounds)
    videos = len(clip["video_id"])
    return {name: (ms / videos, gmacs(plain, clip, name)) for name, ms in found.items() if ms}


def gmacs(one: Side, clip: Clip, part: str) -> float:
    """Of one video, for the networks and the recurrent heads without their classifiers; 0 for the rest."""
    if part in one.net.heads:
        gru = one.net.heads[part].rnn
        return gru_macs(gru.input_size, gru.hidden_size, clip["rgb"].shape[1], gru.num_layers) / 1e9
    if part not in one.net.sizes:
        return 0.0
    count, shape = seen_by(one, clip)[part]
    return count * forward_macs(one.net.get_submodule(part), shape) / 1e9


def seen_by(one: Side, clip: Clip) -> dict[str, tuple[int, tuple[int, int, int]]]:
    """{network: how many pictures of a video it sees, of which shape}."""
    frames, settings = clip["rgb"].shape[1], one.settings
    crops = settings.recurrent_heads != ()
    return {
        "low_cnn": (frames, (3, settings.low_size, settings.low_size)),
        "high_spectrogram_cnn": (frames, (1, 256, 256)),
        "high_cnn": (frames * settings.regions, (3, *[settings.region_size] * 2))
        if crops
        else (frames, (3, SIZE, SIZE)),
    }


def sampler(one: Side, batch: int, rounds: int) -> tuple[float, float]:
    """Milliseconds of processor time that the sampler takes for a batch of 10 frames each, and the network that sees
    them at low resolution; the least of the rounds."""
    regions = load_module(ROOT / "methods/mac/networks/regions.py")
    draw = torch.Generator().manual_seed(0)
    maps = torch.rand((batch, 10, 7, 7), generator=draw)
    frames = torch.randn((10, 3, one.settings.low_size, one.settings.low_size), generator=draw)
    calls = (
        (lambda: regions.corners(maps, one.settings, (SIZE, SIZE)), 1),
        (lambda: one.net.low_cnn(frames), batch),  # video by video: a batch takes as long, for each
    )
    found = []
    with torch.inference_mode():
        for call, times in calls:
            call()
            taken = []
            for _ in range(rounds):
                started = clock()
                call()
                taken.append(clock() - started)
            found.append(1000 * times * min(taken))
    return found[0], found[1]


# ---- what is told


def compare(data: str, batch: int, runtime: str, given: argparse.Namespace) -> None:
    frames = given.frames or FRAMES[data]
    own, base = side(data, f"s{given.regions}", frames), side(data, "base", frames)
    alone, clip = clip_for(own, 1, frames), clip_for(own, batch, frames)
    ratio = float(base(alone).macs) / float(own(alone).macs)
    with tempfile.TemporaryDirectory() as folder:
        fast, rival = (one.optimised(runtime, clip, Path(folder)) for one in (own, base))
    laid_out = optimise.lay_out(clip, CPU) if runtime == EAGER else clip
    found = turns.in_turns(fast, rival, [laid_out], given.rounds, clock)
    ms = {name: 1000 * value["mean"] / frames for name, value in found["seconds"].items()}
    mark = " †" * found["marked"]
    print(
        f"| {data}, batch {batch}, {runtime} | {ratio:.2f}x | {found['speedup']:.2f}x{mark} | "
        f"{found['speedup'] / ratio:.0%} | {ms['own']:.0f} | {ms['against']:.0f} | {found['aa']:.2f} |"
    )
    if given.parts and runtime == EAGER:
        told_parts((fast, own), (rival, base), laid_out, given.rounds)


def told_parts(own: tuple[Side, Side], against: tuple[Side, Side], clip: Clip, rounds: int) -> None:
    spent, of_base = parts(*own, clip, rounds), parts(*against, clip, rounds)
    pace = of_base["high_cnn"][0] / of_base["high_cnn"][1]  # milliseconds per G multiply-adds of whole frames
    total = sum(ms for ms, _ in spent.values())
    print(f"\n| part of S_k | ms a video | share | G multiply-adds | ms per G (base: {pace:.0f}) |\n|" + " --- |" * 5)
    for name, (ms, macs) in spent.items():
        print(f"| {name} | {ms:.1f} | {ms / total:.1%} | {macs:.2f} | {f'{ms / macs:.0f}' if macs else ''} |")
    for name, (ms, macs) in of_base.items():
        print(f"| base: {name} | {ms:.1f} | | {macs:.2f} | {f'{ms / macs:.0f}' if macs else ''} |")
    print()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--regions", type=int, default=3, choices=[1, 2, 3])
    parser.add_argument("--data", nargs="+", default=list(CLASSES), choices=list(CLASSES))
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--frames", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--runtime", nargs="+", default=[EAGER], choices=list(RUNTIMES))
    parser.add_argument("--parts", action="store_true", help="where the time goes")
    parser.add_argument("--quick", action="store_true", help="one frame, one round: whether it runs")
    given = parser.parse_args()
    if given.quick:
        given.frames, given.rounds, given.batch = 1, 1, [1]
    torch.set_num_threads(1)
    keep_memory()
    watch = machine.Watch()
    print("| S_k beside SAN19-base | multiply-adds | faster | of it | ms a frame | base | A/A |\n|" + " --- |" * 7)
    for data in given.data:
        for batch in given.batch:
            for runtime in given.runtime:
                if why := runtimes.why_absent(runtime, CPU):
                    print(f"| {why} |")
                else:
                    compare(data, batch, runtime, given)
    print("\n| sampler, 10 frames a video | ms | SAN19 at low resolution, ms | share |\n|" + " --- |" * 4)
    low = side(given.data[0], f"s{given.regions}", 10)
    optimise.optimise(low.net)
    for batch in given.batch:
        own, network = sampler(low, batch, 1 if given.quick else 20)
        print(f"| batch {batch} | {own:.2f} | {network:.0f} | {own / network:.2%} |")
    others = watch.read()["others_cores"] or 0
    print(f"\n{machine.describe()['cpu']}, 1 thread, processor time, torch {torch.__version__}; ", end="")
    print(f"others kept {others:.2f} cores busy")


if __name__ == "__main__":
    main()
