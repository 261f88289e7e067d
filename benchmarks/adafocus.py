"""What patches save by the clock: AdaFocus beside ResNet-50 on the same whole frames, as ratios in one run.

    python -m benchmarks.adafocus [--patch 128] [--batch 1] [--videos 4] [--rounds 3] [--clock elapsed|processor]
    [--device cpu] [--runtime onnxruntime openvino] [--quick]

Random weights, random clips of 16 frames of 224 x 224: neither changes what is computed. Both sides are optimised alike
(`timing/optimise.py`) and take turns call by call; the counterpart's two turns are the check (A/A; more than 3 % from 1
is marked †). Beside the offline form stands plain batching without any optimisation, and the online one, frame by
frame, each against ResNet-50 on all frames at once; then both sides in each other runtime that is asked for. TSN on
half of the frames, whose time should halve, is held against TSN as well: it checks the clock. The time of each part is
read apart, as hooks disturb the whole.
"""

import argparse
import copy
import dataclasses
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from saccade.engine.device import keep_memory
from saccade.plan.layers import resolve
from saccade.plan.runs import Run
from saccade.project import load_module
from saccade.records import EAGER, RUNTIMES, Head
from saccade.timing import machine, optimise, runtimes, turns

ROOT = Path(__file__).parents[1]
HEADS = (Head("label", "single", tuple(map(str, range(200)))),)
FRAMES, SIZE = 16, 224
Clip = dict[str, Any]


@dataclasses.dataclass
class Side:
    """A method's network with what it predicts by."""

    predict: Callable[..., Any]
    net: nn.Module
    settings: Any

    def __call__(self, clip: Clip) -> Any:
        return optimise.infer(self.predict, self.net, clip, self.settings)

    def optimised(self, runtime: str, example: Clip, folder: Path) -> "Side":
        other = dataclasses.replace(self, net=copy.deepcopy(self.net))
        optimise.optimise(other.net, packed=runtime == EAGER)
        runtimes.use(other.net, runtime, lambda: other(example), "benchmarks", folder)
        return other


def side(method: str, variant: str, device: torch.device) -> Side:
    """The card's variant with random weights."""
    run = Run("paper", "motion-digits", "", method, variant, 0)
    settings = dataclasses.replace(resolve(ROOT, run).typed, weights="none", num_frames=FRAMES)
    module = load_module(ROOT / "methods" / method / "model.py")
    torch.manual_seed(0)
    return Side(module.predict, module.build(settings, HEADS).to(device).eval(), settings)


def clips(videos: int, batch: int, device: torch.device) -> list[Clip]:
    found = []
    for first in range(0, videos, batch):
        rgb = torch.randn((batch, FRAMES, 3, SIZE, SIZE), generator=torch.Generator().manual_seed(first))
        indices = torch.arange(FRAMES).expand(batch, -1)
        found.append(
            {"rgb": rgb.to(device), "indices": indices, "video_id": [str(first + number) for number in range(batch)]}
        )
    return found


def told(name: str, found: dict[str, Any], ratio: float) -> str:
    own, against = (f"{1000 * found['seconds'][key]['mean']:.0f}" for key in ("own", "against"))
    speedup, mark = found["speedup"], " †" * found["marked"]
    return f"| {name} | {speedup:.2f}x{mark} | {speedup / ratio:.0%} | {own} | {against} | {found['aa']:.2f} |"


def parts(one: Side, clip: Clip, rounds: int, device: torch.device) -> dict[str, float]:
    """Milliseconds a video that each part takes; the least of the rounds."""
    found = [turns.by_module(one.net, lambda: one(clip), device) for _ in range(rounds)]
    return {name: 1000 * min(each[name] for each in found) / len(clip["video_id"]) for name in found[0]}


def compare(
    own: Side,
    against: Side,
    runtime: str,
    given: list[Clip],
    ratio: float,
    rounds: int,
    clock: turns.Clock,
) -> None:
    """Prints what both sides give in one runtime, and where the time goes."""
    device = given[0]["rgb"].device
    with tempfile.TemporaryDirectory() as folder:
        fast, rival = (one.optimised(runtime, given[0], Path(folder)) for one in (own, against))
    laid_out = [optimise.lay_out(clip, device) for clip in given] if runtime == EAGER else given
    print(told(f"offline, {runtime}", turns.in_turns(fast, rival, laid_out, rounds, clock), ratio))
    online = dataclasses.replace(fast, settings=dataclasses.replace(own.settings, online=True))
    print(told(f"frame by frame, {runtime}", turns.in_turns(online, rival, laid_out, rounds, clock), ratio))
    half = dataclasses.replace(rival, settings=dataclasses.replace(rival.settings, first=FRAMES // 2))
    print(told(f"TSN on half of the frames, {runtime}", turns.in_turns(half, rival, laid_out, rounds, clock), 2))
    for name, one in (("AdaFocus", fast), ("ResNet-50", rival)):
        if spent := parts(one, laid_out[0], rounds, device):  # none where the runtime has the network as a whole
            told_parts = ", ".join(f"{part} {ms:.1f}" for part, ms in spent.items())
            print(f"| {name}, {runtime}, ms by elapsed time: {told_parts} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--patch", type=int, default=128, choices=[96, 128, 160, 192])
    parser.add_argument("--batch", type=int, nargs="+", default=[1])
    parser.add_argument("--videos", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--clock", choices=["elapsed", "processor"], default="elapsed", help="processor: where other programs run"
    )
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--runtime", nargs="+", default=[EAGER], choices=list(RUNTIMES))
    parser.add_argument("--quick", action="store_true", help="one clip, one round: whether it runs")
    given = parser.parse_args()
    if given.quick:
        given.videos, given.rounds = 1, 1
    torch.set_num_threads(given.threads)
    keep_memory()
    device = torch.device(given.device)
    clock = time.process_time if given.clock == "processor" else turns.synchronised(device)
    watch = machine.Watch()
    own, against = side("adafocus", f"adafocus-{given.patch}", device), side("tsn", "resnet50-average", device)
    for batch in given.batch:
        given_clips = clips(max(given.videos, batch), batch, device)
        macs = {name: float(one(given_clips[0]).macs.double().mean()) for name, one in (("f", own), ("r", against))}
        ratio = macs["r"] / macs["f"]
        print(
            f"\n## AdaFocus-{given.patch}, batch {batch}: {macs['f'] / 1e9:.2f} against {macs['r'] / 1e9:.2f} GMACs\n"
        )
        print(f"| form | faster | of {ratio:.2f}x or 2x | ms a video | ResNet-50 | A/A |\n|" + " --- |" * 6)
        print(told("offline, neither optimised", turns.in_turns(own, against, given_clips, given.rounds, clock), ratio))
        for runtime in given.runtime:
            if why := runtimes.why_absent(runtime, device):
                print(f"| {why} |")
                continue
            compare(own, against, runtime, given_clips, ratio, given.rounds, clock)
    others = watch.read()["others_cores"] or 0
    where = torch.cuda.get_device_name() if device.type == "cuda" else machine.describe()["cpu"]
    how = f"{given.threads} thread(s), {given.clock} time, torch {torch.__version__}"
    print(f"\n{where}, {how}; others kept {others:.2f} cores busy")


if __name__ == "__main__":
    main()
