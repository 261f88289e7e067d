"""What two more videos cost by the clock: T-CNN with spatial attention beside T-CNN on the same clips, as ratios in one
run.

    python -m benchmarks.tcnn [--variant spatial-odc] [--batch 1 4] [--rounds 2] [--parts] [--presets] [--quick]

Random weights, random clips: 16 frames of 224 x 224, or, of variants whose names begin with tiny, 8 of 48 x 48; neither
changes what is computed. Processor time of one thread. Both sides are optimised alike (`timing/optimise.py`) and take
turns call by call; a side's two turns are the check (A/A; more than 3 % from 1 is marked †). `--parts`: where the time
goes. `--presets`, in place of all that: each network that Table 1 leaves possible as it is and optimised, at batch 1.
`--quick`: batch 1, one round, the small network.
"""

import argparse
import copy
import dataclasses

import torch

from benchmarks.adafocus import Side
from benchmarks.inside import Places, clock, least
from benchmarks.mac import CPU, ROOT, Clip
from saccade.cost.forward import forward_macs
from saccade.engine.device import keep_memory
from saccade.plan.layers import resolve
from saccade.plan.runs import Run
from saccade.project import load_module
from saccade.records import Head
from saccade.timing import machine, optimise, turns

PRESETS = ("tcnn", "tcnn-p1b", "tcnn-p2", "tcnn-p2b", "tcnn-p3", "tcnn-p4", "tcnn-p5", "tcnn-undilated")
model_py, spatial, places = (
    load_module(ROOT / f"methods/tcnn/{name}.py") for name in ("model", "networks/spatial", "networks/places")
)


def side(variant: str) -> Side:
    """The card's variant with random weights."""
    run = "study/motion-digits" if variant.startswith("tiny") else "paper/ucf101"
    settings = resolve(ROOT, Run(*run.split("/"), "", "tcnn", variant, 0)).typed
    torch.manual_seed(0)
    heads = (Head("label", "single", tuple(map(str, range(101)))),)
    return Side(model_py.predict, model_py.build(settings, heads).eval(), settings)


def fast(one: Side) -> Side:
    other = dataclasses.replace(one, net=copy.deepcopy(one.net))
    optimise.optimise(other.net)
    return other


def clip_for(one: Side, batch: int) -> Clip:
    frames, size = one.settings.num_frames, one.settings.crop or 48
    drawn = torch.randn(batch, frames, 3, size, size, generator=torch.Generator().manual_seed(0))
    indices = torch.arange(frames).expand(batch, -1)
    return {"rgb": drawn, "indices": indices, "video_id": [str(number) for number in range(batch)]}


def gmacs(one: Side, clip: Clip) -> float:
    return float(one(clip).macs.double().mean()) / 1e9


# ---- where the time goes


def parts(one: Side, clip: Clip, rounds: int) -> dict[str, float]:
    """{part: milliseconds of processor time a video}, the least of the rounds; `rest`: what is none of them."""
    where: Places = {
        "passes": (one.net.backbone, "forward"),
        "response maps": (places, "response_maps"),
        "response maps on the grid": (places, "on_grid"),
        "peaks": (places, "peaks_of"),
        "their division": (places, "chosen"),
        "attention": (places, "attention_of"),
        "grid": (one.net.resampler, "forward"),
        "resampling": (spatial, "resample"),
    }
    found = least(lambda: one(clip), where, rounds + 1)  # one unheard
    return {name: ms / len(clip["video_id"]) for name, ms in found.items() if ms}


def told_parts(one: Side, clip: Clip, rounds: int) -> None:
    spent = parts(one, clip, rounds)
    total = sum(spent.values())
    print("\n| part | ms a video | share |\n|" + " --- |" * 3)
    for name, ms in spent.items():
        print(f"| {name} | {ms:.2f} | {ms / total:.2%} |")
    added = total - spent["passes"]
    print(f"| all but passes | {added:.2f} | {added / total:.2%} |\n", flush=True)


# ---- what is told


def compare(variant: str, batch: int, given: argparse.Namespace) -> None:
    own, base = side(variant), side("tiny" if variant.startswith("tiny") else "tcnn")
    clip = clip_for(own, batch)
    alone = clip_for(own, 1)
    ratio = gmacs(own, alone) / gmacs(base, alone)
    quick, rival = fast(own), fast(base)
    laid_out = optimise.lay_out(clip, CPU)
    found = turns.in_turns(quick, rival, [laid_out], given.rounds, clock)
    own_ms, base_ms = (f"{1000 * found['seconds'][key]['mean']:.1f}" for key in ("own", "against"))
    longer = 1 / found["speedup"]
    print(
        f"| {variant}, batch {batch} | {ratio:.2f}x | {longer:.2f}x{' †' * found['marked']} | {longer / ratio:.2f} | "
        f"{own_ms} | {base_ms} | {found['aa']:.2f} |",
        flush=True,
    )
    if given.parts:
        told_parts(quick, laid_out, given.rounds)


def compare_presets(rounds: int) -> None:
    print("| preset | G multiply-adds | ms as it is | optimised | faster | ms per G | A/A |\n|" + " --- |" * 7)
    for variant in PRESETS:
        plain = side(variant)
        clip = clip_for(plain, 1)
        shape = (3, clip["rgb"].shape[1], *clip["rgb"].shape[3:])
        macs = forward_macs(plain.net.backbone, shape) / 1e9
        quick, laid_out = fast(plain), optimise.lay_out(clip, CPU)
        found = turns.in_turns(quick, plain, [laid_out], rounds, clock)
        own_ms, plain_ms = (1000 * found["seconds"][key]["mean"] for key in ("own", "against"))
        print(
            f"| {variant} | {macs:.2f} | {plain_ms:.0f} | {own_ms:.0f} | {found['speedup']:.2f}x"
            f"{' †' * found['marked']} | {own_ms / macs:.1f} | {found['aa']:.2f} |",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--variant", nargs="+", default=["spatial-odc"], help="with attention, beside T-CNN alone")
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--parts", action="store_true", help="where the time goes")
    parser.add_argument("--presets", action="store_true", help="the networks that Table 1 leaves possible")
    parser.add_argument("--quick", action="store_true", help="batch 1, one round, the small network: whether it runs")
    given = parser.parse_args()
    if given.quick:
        given.variant, given.batch, given.rounds = ["tiny-odc"], [1], 1
    torch.set_num_threads(1)
    keep_memory()
    watch = machine.Watch()
    if given.presets:
        compare_presets(given.rounds)
    else:
        print("| beside T-CNN | multiply-adds | time | of it | ms a video | T-CNN | A/A |\n|" + " --- |" * 7)
        for variant in given.variant:
            for batch in given.batch:
                compare(variant, batch, given)
    others = watch.read()["others_cores"] or 0
    print(f"\n{machine.describe()['cpu']}, 1 thread, processor time, torch {torch.__version__}; ", end="")
    print(f"others kept {others:.2f} cores busy")


if __name__ == "__main__":
    main()
