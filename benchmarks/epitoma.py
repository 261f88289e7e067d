"""What selecting timesteps saves by the clock: 8 that VideoEpitoma's selector chooses of 16, beside 16 uniform ones of
the same network, as ratios in one run.

    python -m benchmarks.epitoma [--variant i3d shufflenet3d resnet50] [--rounds 2] [--parts] [--decoding] [--quick]
    python -m benchmarks.epitoma --memory [--variant ...]

Random weights, a random video of 2048 frames of 224 x 224, or, of variants whose names begin with tiny, of 48 x 48;
neither changes how much is computed. Processor time of one thread, one video at a time, as `predict` goes through them.
Both sides are optimised alike (`timing/optimise.py`) and take turns call by call; a side's two turns are the check
(A/A; more than 3 % from 1 is marked †). Without decoding frames lie in memory as the networks want them. `--decoding`:
they come from a video of 140 s (Breakfast's mean) of 320 x 240 at 15 frames a second, in MPEG-4 as Breakfast's and in
H.264, by number; how many frames each side decodes is told beside. `--parts`: where the time goes. `--quick`: the small
ResNet, one round. `--memory`: instead of time, the memory of a process: once libraries are loaded, once the network is
built, and at most, after one point (8 selected of the whole grid) was asked about a video of ten minutes.
"""

import argparse
import dataclasses
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from benchmarks.adafocus import Side
from benchmarks.inside import Places, clock, least
from benchmarks.long_video import FILES, FPS, HEIGHT, WIDTH, encode, memory
from benchmarks.mac import ROOT, Clip
from benchmarks.tcnn import fast
from saccade.engine.device import keep_memory
from saccade.plan.layers import resolve
from saccade.plan.runs import Run
from saccade.project import load_module
from saccade.records import Head
from saccade.timing import machine, turns
from saccade.video.by_number import FramesByNumber
from saccade.video.in_memory import FramesInMemory, KeptFrames

SELECTED, UNIFORM = 8, 16  # Table 1
FRAMES, PICTURES = 2048, 64  # of the video in memory, and how many of them differ
SECONDS, LONG_SECONDS = 140, 600
model_py = load_module(ROOT / "methods/epitoma/model.py")


def sides(variant: str, optimised: bool = True) -> tuple[Side, Side]:
    """(selector, uniform): the same network with random weights at both points."""
    run = Run("study", "recipe-digits", "", "epitoma", variant, 0)
    if not variant.startswith("tiny"):
        run = dataclasses.replace(run, budget="paper")
    settings = resolve(ROOT, run).typed
    settings = dataclasses.replace(settings, light_weights="none", heavy_weights="none", truth=[])
    torch.manual_seed(0)
    heads = (Head("activity", "single", tuple(map(str, range(10)))),)
    one = Side(model_py.predict, model_py.build(settings, heads).eval(), settings)
    one = fast(one) if optimised else one
    points = ({"choose": "selector", "selected": SELECTED}, {"choose": "centre", "selected": UNIFORM})
    own, rival = (dataclasses.replace(one, settings=dataclasses.replace(settings, **point)) for point in points)
    return own, rival


def in_memory(one: Side) -> Clip:
    size = one.settings.crop or 48
    drawn = torch.randn(PICTURES, 3, size, size, generator=torch.Generator().manual_seed(0))
    return clip_of(KeptFrames(FramesInMemory(drawn, FRAMES)), size, size)


def memory_of(variant: str, path: Path) -> dict[str, float]:
    """MB of this process with libraries, with the network, and at most."""
    libraries = memory()[0]
    own = sides(variant, optimised=False)[0]
    own = dataclasses.replace(own, settings=dataclasses.replace(own.settings, wide=True))
    network, frames = memory()[0], FramesByNumber(path, LONG_SECONDS * FPS, own.settings)
    with torch.inference_mode():
        own(clip_of(frames, HEIGHT, WIDTH))
    return {"libraries": libraries / 1e6, "network": network / 1e6, "most": memory()[1] / 1e6}


def tell_memory(variants: list[str]) -> None:
    print("| network | file | libraries MB | with the network | at most |\n|" + " --- |" * 5)
    with tempfile.TemporaryDirectory() as folder:
        for path in [encode(Path(folder, name), LONG_SECONDS * FPS) for name in FILES]:
            for variant in variants:
                command = [sys.executable, "-m", "benchmarks.epitoma", "--one", variant, str(path)]
                found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
                cells = " | ".join(f"{megabytes:.0f}" for megabytes in found.values())
                print(f"| {variant} | {path.name} | {cells} |", flush=True)


def clip_of(frames: Any, height: int, width: int) -> Clip:
    return {"frames": [frames], "frame_size": torch.tensor([[height, width]]), "video_id": ["video"]}


def from_files(one: Side) -> Iterator[tuple[str, Clip]]:
    """(the file's name, a clip of it), which is read anew with every call: only its packets are kept."""
    with tempfile.TemporaryDirectory() as folder:
        for name in FILES:
            frames = SECONDS * FPS
            path = encode(Path(folder, name), frames)
            yield name, clip_of(FramesByNumber(path, frames, one.settings), HEIGHT, WIDTH)


def parts(one: Side, clip: Clip, rounds: int) -> dict[str, float]:
    """{part: milliseconds of processor time a video}, the least of the rounds."""
    where: Places = {
        "LightNet": (one.net.light, "forward"),
        "selector": (one.net.selector, "forward"),
        "HeavyNet": (one.net.heavy, "forward"),
        "classifier": (one.net.classifier, "forward"),
        "frames": (clip["frames"][0], "get"),
    }
    return least(lambda: one(clip), where, rounds + 1)  # one unheard


def told(variant: str, frames: str, own: Side, rival: Side, clip: Clip, given: argparse.Namespace) -> None:
    found = turns.in_turns(own, rival, [clip], given.rounds, clock)
    answers = own(clip), rival(clip)
    gmacs = [float(answer.macs[0]) / 1e9 for answer in answers]
    ratio, faster = gmacs[1] / gmacs[0], found["speedup"]
    own_ms, rival_ms = (f"{1000 * found['seconds'][key]['mean']:.0f}" for key in ("own", "against"))
    decoded = " / ".join(str(int(answer.decoded_frames[0])) for answer in answers) if frames != "in memory" else ""
    print(
        f"| {variant} | {frames} | {gmacs[0]:.2f} | {gmacs[1]:.2f} | {ratio:.2f}x | {faster:.2f}x"
        f"{' †' * found['marked']} | {faster / ratio:.0%} | {own_ms} | {rival_ms} | {decoded} | {found['aa']:.2f} |",
        flush=True,
    )
    if given.parts:
        spent = {"selector": parts(own, clip, given.rounds), "uniform": parts(rival, clip, given.rounds)}
        for side, where in spent.items():
            print(f"  {side}, ms: " + ", ".join(f"{name} {ms:.1f}" for name, ms in where.items()), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--variant", nargs="+", default=["i3d", "shufflenet3d", "resnet50"])
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--parts", action="store_true", help="where the time goes")
    parser.add_argument("--decoding", action="store_true", help="also with frames from files")
    parser.add_argument("--memory", action="store_true", help="what a process holds, in place of time")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)  # variant, file
    parser.add_argument("--quick", action="store_true", help="the small ResNet, one round: whether it runs")
    given = parser.parse_args()
    if given.quick:
        given.variant, given.rounds = ["tiny-resnet"], 1
    torch.set_num_threads(1)
    if given.one:
        print(json.dumps(memory_of(given.one[0], Path(given.one[1]))))
        return
    if given.memory:
        tell_memory(given.variant)
        return
    keep_memory()
    watch = machine.Watch()
    print(
        f"| network | frames | G of {SELECTED} selected | of {UNIFORM} uniform | multiply-adds | time | realised |",
        end="",
    )
    print(" ms | ms uniform | decoded | A/A |\n|" + " --- |" * 11)
    for variant in given.variant:
        own, rival = sides(variant)
        told(variant, "in memory", own, rival, in_memory(own), given)
        for name, clip in from_files(own) if given.decoding else ():
            told(variant, name, own, rival, clip, given)
    others = watch.read()["others_cores"] or 0
    print(f"\n{machine.describe()['cpu']}, 1 thread, processor time, torch {torch.__version__}; ", end="")
    print(f"others kept {others:.2f} cores busy")


if __name__ == "__main__":
    main()
