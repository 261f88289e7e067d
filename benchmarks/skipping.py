"""What the temporal sampler of Mac et al. saves by the clock: (S_k, T_M) beside S_k, as ratios in one run.

    python -m benchmarks.skipping [--pairs s3-t1 s0-t4] [--batch 1 16] [--rounds 2] [--online] [--parts] [--decoding]
    [--quick]

Random weights decide nothing sensible, so decisions are given: drawn for each video, those of a batch so that frames
are seen in full, pre-scanned and skipped as often as Table II prints. All else is as in `benchmarks.mac`: random clips
of EPIC-KITCHENS' size (10 frames of 224 x 224, 256 x 256 of sound beside each), processor time of one thread, both
sides optimised alike, taking turns call by call (A/A; more than 3 % from 1 is marked †). `--online`: frame by frame,
too. `--parts`: where the time goes, and how long each part takes for its multiply-adds. `--decoding`, in place of all
that: from files of 10 s, 256 x 256 at 30 a second with sound, of key frames alone and in groups of 12: (S_k, T_M) frame
by frame, each frame decoded when it is asked for, beside S_k with the clip that the loader decodes; and (S_k, T_M) with
that clip. `--quick`: batch 1, one round, files of 2 s.
"""

import argparse
import copy
import csv
import dataclasses
import tempfile
from pathlib import Path

import numpy as np
import torch

from benchmarks.adafocus import Side
from benchmarks.from_file import FPS, FromFile, encode
from benchmarks.inside import Places, clock, least
from benchmarks.mac import CPU, ROOT, Clip, clip_for, side
from saccade.cost.formulas import gru_macs
from saccade.cost.forward import forward_macs
from saccade.cost.prescan import prescan_macs
from saccade.engine.device import keep_memory
from saccade.project import load_module
from saccade.records import EAGER, Prediction
from saccade.timing import machine, optimise, turns

DATA, FRAMES, DRAWS = "epic-kitchens-55", 10, 2000
model_py, networks, regions, times, watching = (
    load_module(ROOT / f"methods/mac/{name}.py")
    for name in ("model", "networks/mac", "networks/regions", "networks/times", "networks/watching")
)
FATES = {"Full": times.FULL, "Prescan": times.SCANNED, "Skip": times.SKIPPED}


def printed_shares(variant: str) -> dict[str, float]:
    """{Full, Prescan, Skip: the share of the frames} in the row of Table II."""
    space, time = variant.upper().split("-")
    row = f"{space[0]}_{space[1]}, {time[0]}_{time[1]}"
    with (ROOT / "methods/mac/paper/reported.csv").open() as file:
        cells = {line["column"]: line["value"] for line in csv.DictReader(file) if line["row"] == row}
    return {name: float(cells[name]) / 100 for name in FATES}


def decisions(videos: int, skips: int, shares: dict[str, float]) -> torch.Tensor:
    """(B, T): what is decided at each frame if it is pre-scanned. Video by video, of many draws, the one that brings
    what becomes of all frames so far nearest to the shares."""
    draw, wanted = np.random.default_rng(0), np.array(list(shares.values()))
    found, so_far = [], np.zeros(len(FATES))
    for number in range(1, videos + 1):
        drawn = [draw.choice(skips + 1, FRAMES, p=draw.dirichlet(np.ones(skips + 1))) for _ in range(DRAWS)]
        counts = [so_far + fates_of(one) for one in drawn]
        best = int(np.argmin([abs(count / number / FRAMES - wanted).sum() for count in counts]))
        found.append(drawn[best])
        so_far = counts[best]
    return torch.from_numpy(np.stack(found))


def fates_of(decided: np.ndarray) -> np.ndarray:
    """How many frames are seen in full, pre-scanned, skipped; the first is full whatever is drawn there."""
    at, counts = 1, {times.FULL: 1, times.SCANNED: 0}
    while at < len(decided):
        counts[times.SCANNED if decided[at] else times.FULL] += 1
        at += max(int(decided[at]), 1)
    return np.array([counts[times.FULL], counts[times.SCANNED], len(decided) - sum(counts.values())])


# ---- where the time goes


def parts(one: Side, plain: Side, clip: Clip, rounds: int) -> dict[str, tuple[float, float]]:
    """{part: (milliseconds of processor time a video, G multiply-adds a video)}, the least of the rounds; `rest`: what
    is none of them. `plain`: the side as it was before it was optimised."""
    net = one.net
    places: Places = {
        "shrinking": (watching if one.settings.decides else networks, "low_resolution"),
        "crops' places": (regions, "corners_and_number"),
        "sound": (net.high_spectrogram_cnn, "forward"),
    }
    if one.settings.decides:
        places |= {"pre-scan": (net.low_cnn, "prescan"), "rest of the frame": (net.low_cnn, "resume")}
        places |= {"foresight": (net.hallucinator, "forward"), "similarity": (times, "similarity")}
        places |= {"decisions": (net.sampler, "forward")}
    else:
        places["the frame"] = (net.low_cnn, "attend" if one.settings.regions else "forward")
    if one.settings.regions:
        places["crops"] = (net.high_cnn, "forward")
    places |= {f"head {name}": (head, "forward") for name, head in net.heads.items()}
    answers: list[Prediction] = []
    found = least(lambda: answers.append(one(clip)), places, rounds)
    videos = len(clip["video_id"])
    full = sum(len(video["frames"]) for video in answers[0].decisions) / videos
    of_all = gmacs(plain, full, float(answers[0].frames.double().mean()))
    return {name: (ms / videos, of_all.get(name, 0.0)) for name, ms in found.items() if ms}


def gmacs(one: Side, full: float, looked: float) -> dict[str, float]:
    """Of a video of which so many frames are looked at, and seen in full; heads without their classifiers."""
    net, settings, side_px = one.net, one.settings, one.settings.low_size
    low = forward_macs(net.low_cnn, (3, side_px, side_px))
    found = {"sound": full * forward_macs(net.high_spectrogram_cnn, (1, 256, 256)), "the frame": full * low}
    for name, head in net.heads.items():
        found[f"head {name}"] = full * gru_macs(head.rnn.input_size, head.rnn.hidden_size, 1, head.rnn.num_layers)
    if settings.regions:
        crop = forward_macs(net.high_cnn, (3, settings.region_size, settings.region_size))
        found["crops"] = full * settings.regions * crop
    if settings.decides:
        scan = prescan_macs(net.low_cnn, (3, side_px, side_px), settings.attention_layer)
        rnn, maps = net.sampler.rnn, (net.hallucinator.decoder[0].out_channels, *[settings.map_side] * 2)
        found |= {"pre-scan": looked * scan, "rest of the frame": full * (low - scan)}
        found["foresight"] = (looked - 1) * forward_macs(net.hallucinator, maps)
        found["decisions"] = (looked - 1) * gru_macs(rnn.input_size, rnn.hidden_size, 1, rnn.num_layers)
    return {name: macs / 1e9 for name, macs in found.items()}


# ---- what is told


def compare(variant: str, batch: int, given: argparse.Namespace) -> None:
    own, base = side(DATA, variant, FRAMES), side(DATA, variant.partition("-")[0], FRAMES)
    clip, shares = clip_for(own, batch, FRAMES), printed_shares(variant)
    decided = decisions(batch, own.settings.skips, shares)
    model_py._decide = lambda clip, settings: lambda scores, rows, at: decided[rows.cpu(), at.cpu()]
    found, whole = own(clip), base(clip_for(base, 1, FRAMES))  # which costs the same for every video
    ratio = float(whole.macs.double().mean() / found.macs.double().mean())
    full = sum(len(video["frames"]) for video in found.decisions)
    looked = int(found.frames.sum())
    told = ", ".join(f"{count / batch / FRAMES:.0%}" for count in (full, looked - full, batch * FRAMES - looked))
    fast, rival = (dataclasses.replace(one, net=copy.deepcopy(one.net)) for one in (own, base))
    for one in (fast, rival):
        optimise.optimise(one.net)
    laid_out = optimise.lay_out(clip, CPU)
    forms = [("", fast)]
    if given.online:
        forms.append((", online", dataclasses.replace(fast, settings=dataclasses.replace(fast.settings, online=True))))
    for name, one in forms:
        read = turns.in_turns(one, rival, [laid_out], given.rounds, clock)
        own_ms, base_ms = (f"{1000 * read['seconds'][key]['mean']:.0f}" for key in ("own", "against"))
        print(
            f"| {variant}, batch {batch}{name} | {told} | {ratio:.2f}x | {read['speedup']:.2f}x"
            f"{' †' * read['marked']} | {read['speedup'] / ratio:.0%} | {own_ms} | {base_ms} | {read['aa']:.2f} |",
            flush=True,
        )
    if given.parts:
        told_parts((fast, own), (rival, base), laid_out, given.rounds)


def told_parts(own: tuple[Side, Side], base: tuple[Side, Side], clip: Clip, rounds: int) -> None:
    print(f"\n| part, {EAGER} | ms a video | share | G multiply-adds | ms per G |\n|" + " --- |" * 5)
    for said, sides in (("", own), ("S_k: ", base)):
        spent = parts(*sides, clip, rounds)
        total = sum(ms for ms, _ in spent.values())
        for name, (ms, macs) in spent.items():
            print(f"| {said}{name} | {ms:.1f} | {ms / total:.1%} | {macs:.2f} | {f'{ms / macs:.0f}' if macs else ''} |")
    print(flush=True)


def compare_from_files(given: argparse.Namespace) -> None:
    print(
        "| from a file | multiply-adds | decoding included, faster | with the loader's clip | decoded for wanted: own, "
        "S_k | ms reading: own, S_k | of the whole: own, S_k | ms a video: own, S_k | A/A |"
    )
    print("|" + " --- |" * 9)
    with tempfile.TemporaryDirectory() as folder:
        for group in (1, 12):
            path = encode(Path(folder) / f"{group}.mp4", group, (2 if given.quick else 10) * FPS)
            for variant in given.pairs:
                print(compared_from_file(variant, path, given.rounds, "key frames" if group == 1 else "groups of 12"))


def compared_from_file(variant: str, path: Path, rounds: int, said: str) -> str:
    """A line of the table: one video, whose decisions are drawn as for `compare`."""
    own, base = side(DATA, variant, FRAMES), side(DATA, variant.partition("-")[0], FRAMES)
    decided = decisions(1, own.settings.skips, printed_shares(variant))
    model_py._decide = lambda clip, settings: lambda scores, rows, at: decided[rows.cpu(), at.cpu()]
    for one in (own, base):
        optimise.optimise(one.net)
    online = dataclasses.replace(own, settings=dataclasses.replace(own.settings, online=True))
    asks, takes, rival = FromFile(online, path, False), FromFile(own, path, True), FromFile(base, path, True)
    found, seen, whole = (one() for one in (asks, takes, rival))
    if not found.macs.equal(seen.macs):
        raise SystemExit(f"{path}: {found.macs} multiply-adds on demand, and {seen.macs} with all frames at hand")
    ratio = float(whole.macs / found.macs)
    clip = {"video_id": ["0"]}
    read = [turns.in_turns(one, rival, [clip], rounds, clock) for one in (asks, takes)]
    (own_ms, own_share), (base_ms, base_share) = asks.reading(), rival.reading()
    times = ", ".join(f"{1000 * read[0]['seconds'][key]['mean']:.0f}" for key in ("own", "against"))
    return (
        f"| {variant}, {said} | {ratio:.2f}x | {read[0]['speedup']:.2f}x{' †' * read[0]['marked']} | "
        f"{read[1]['speedup']:.2f}x{' †' * read[1]['marked']} | {asks.decoded} for {asks.wanted}, {rival.decoded} for "
        f"{rival.wanted} | {own_ms:.0f}, {base_ms:.0f} | {own_share:.0%}, {base_share:.0%} | {times} | "
        f"{read[0]['aa']:.2f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", nargs="+", default=["s3-t1", "s0-t4"], help="variants (S_k, T_M) of Table II")
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 16])
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--online", action="store_true", help="frame by frame, too")
    parser.add_argument("--parts", action="store_true", help="where the time goes")
    parser.add_argument("--decoding", action="store_true", help="from files, decoding included")
    parser.add_argument("--quick", action="store_true", help="batch 1, one round, short files: whether it runs")
    given = parser.parse_args()
    if given.quick:
        given.batch, given.rounds = [1], 1
    torch.set_num_threads(1)
    keep_memory()
    watch = machine.Watch()
    if given.decoding:
        compare_from_files(given)
    else:
        compare_all(given)
    others = watch.read()["others_cores"] or 0
    print(f"\n{machine.describe()['cpu']}, 1 thread, processor time, torch {torch.__version__}; ", end="")
    print(f"others kept {others:.2f} cores busy")


def compare_all(given: argparse.Namespace) -> None:
    print(
        "| (S_k, T_M) beside S_k | full, pre-scanned, skipped | multiply-adds | faster | of it | ms a video | S_k "
        "| A/A |"
    )
    print("|" + " --- |" * 8)
    for variant in given.pairs:
        for batch in given.batch:
            compare(variant, batch, given)


if __name__ == "__main__":
    main()
