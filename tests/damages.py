"""Damages products of a finished run at random and looks at what each verb that reads them makes of it.

    python tests/damages.py --damages 1000

Each draw takes a product, then a damage: one bit flipped, cut, emptied, `{}`, `[]`, `null`, another file of its kind in
its place, or gone. Then every verb that may read it runs in this process, each from the same damaged state. It must
refuse in one line that names the file, or leave the very numbers that it leaves of the undamaged run; and `verify` must
say so of every damage that changed a content. A small project is run first: tests/toy with a ground truth and a paper.
"""

import argparse
import contextlib
import io
import json
import os
import random
import re
import shlex
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1])]

import matplotlib as mpl  # noqa: E402
from conftest import edit, new_toy, snakemake  # noqa: E402

from saccade.__main__ import main  # noqa: E402
from saccade.product_names import BEFORE, DRAWN, kind_of, record_of  # noqa: E402
from saccade.records import METRICS_FILE, REPORTED_COLUMNS, SaccadeError  # noqa: E402
from saccade.report import sections  # noqa: E402
from saccade.steps import measure  # noqa: E402

PAPER = """
paper: toy2020
title: Toys
tables:
  "Table 1":
    {title: Toys, dataset: dots, columns: [noun.top1], rows: [One], runs: {One: {run: dots@a/toy/k1, point: keep1.0}}}
claims:
  - {id: c01, where: Sec. 1, says: "One is right more often than not."}
"""
CLAIMS = """
from saccade.judging.verdict import *
def c01(reported, ours):
    return None, ours.gmacs("k1", "keep1.0", "dots@a").values.mean() > 0
"""
TRUTH = """    truth = [(row["video_id"], frame, frame % 2 == 0) for row in rows for frame in range(FRAMES)]
    return pd.DataFrame(rows), pd.DataFrame(truth, columns=["video_id", "frame", "informative"])
"""
SECTIONS = ("not_run", "claims", "accuracy", "adaptivity", "tradeoffs", "paper", "cost", "timing", "training", "videos")
GONE = ("provenance", "truth.", "predictions.", "cost.json", "hits.", ".log.", "coverage.json", ".safetensors")


def make_project(project: Path) -> Path:
    """The toy project with a ground truth, timed points and a paper that claims something, run."""
    new_toy(project)
    edit(project / "data/dots/card.yml", "clusters_apart: true", "clusters_apart: true\ntruth: true")
    edit(project / "data/dots/prepare.py", "    return pd.DataFrame(rows), None\n", TRUTH)
    edit(project / "methods/toy/model.py", '{"kept": row}', '{"frames": [n for n, one in enumerate(row) if one]}')
    edit(project / "methods/toy/card.yml", "points:", "points:\n  half: {keep: 0.5, against: keep1.0}")
    paper = project / "methods/toy/paper"
    paper.mkdir()
    (paper / "paper.yml").write_text(PAPER)
    (paper / "claims.py").write_text(CLAIMS)
    (paper / "reported.csv").write_text(f"{','.join(REPORTED_COLUMNS)}\ntoy2020,Table 1,One,noun.top1,dots,50,%,own,\n")
    done = snakemake(project)
    if done.returncode:
        raise SystemExit(done.stdout[-3000:] + done.stderr[-3000:])
    os.chdir(project)
    measure.PROCESSES = 1
    assert main(["measure", "demo/dots@a/toy/k1/seed0"]) == 0
    return project


class Damages:
    """A finished project, its content, and what each reader makes of it undamaged."""

    def __init__(self, project: Path, quick: bool = False) -> None:
        self.project, self.quick = project, quick
        os.chdir(project)
        self.before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in self._files()}
        self.runs = sorted("/".join(path.parts[-6:-1]) for path in self.before if path.name == METRICS_FILE)
        self.video = sorted(project.glob("data/*/raw/*/*.mp4"))[0]
        self.kinds: dict[str, list[Path]] = {}
        for path in self.before:
            if kind_of(path) and "raw" not in path.parts:
                self.kinds.setdefault(self.kind(path), []).append(path)
        self.undamaged = {}
        for name, read in self.readers("", all_of_them=True):
            self.restore()
            self.undamaged[name] = self.told(read)
            assert self.undamaged[name][0] == 0, (name, self.undamaged[name][1])

    def _files(self) -> Iterator[Path]:
        for folder in ("results", "reports", "data"):
            for path in sorted((self.project / folder).rglob("*")):
                if path.is_file() and "logs" not in path.parts and "benchmarks" not in path.parts:
                    yield path

    @staticmethod
    def kind(path: Path) -> str:
        """`tables/*.csv`, `provenance.*.json`, or the file's name."""
        if path.parent.parent.name in DRAWN:
            return f"{path.parent.parent.name}/*{path.suffix}"
        if path.name.startswith(BEFORE):
            return "provenance.*.json"
        phase = re.fullmatch(r"(?:base|policy|calibrate|joint|import)(\..*)", path.name)
        return f"<phase>{phase.group(1)}" if phase else path.name

    def restore(self) -> None:
        for path in set(self._files()) - set(self.before):
            path.unlink()
        for path, (content, written_ns) in self.before.items():
            if not path.is_file() or path.stat().st_mtime_ns != written_ns:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
                os.utime(path, ns=(written_ns, written_ns))

    def readers(self, kind: str, all_of_them: bool = False) -> Iterator[tuple[str, Callable[[], None | int]]]:
        """Every verb that may read such a product, by name."""
        of_runs = all_of_them or not kind.startswith(DRAWN)
        for run in self.runs if of_runs else ():
            yield f"plan {run}", lambda run=run: main(["plan", run])
            yield f"score {run}", lambda run=run: main(["score", run])
        for part in ("claims", "collect", "page", "index"):
            yield f"report {part}", lambda part=part: main(["report", "demo", "--part", part])
        if of_runs and (all_of_them or not self.quick):
            yield "the notebook", self.notebook
        if of_runs and (all_of_them or kind.startswith(("<phase>", "index", "coverage", "truth", "provenance"))):
            for run in self.runs if not self.quick else self.runs[:1]:
                yield f"predict {run}", lambda run=run: main(["predict", run])
            yield "try", lambda: main(["try", self.runs[0], str(self.video)])

    def notebook(self) -> int:
        """What a method's notebook does, in this process and without its pictures, which hold no other numbers."""
        draw, sections.Inputs.draw = sections.Inputs.draw, lambda *_: None
        try:
            inputs = sections.read_inputs(Path(), "demo", "toy")
            for name in SECTIONS:
                getattr(sections, name)(inputs)
        except SaccadeError as error:
            print(f"saccade: {error}", file=sys.stderr)
            return 1
        finally:
            sections.Inputs.draw = draw
        return 0

    def told(self, read: Callable[[], int | None]) -> tuple[int, str, dict[str, bytes]]:
        """(exit status or 70, what was said, what was written and printed)."""
        out, err = io.StringIO(), io.StringIO()
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                status = read() or 0
        except BaseException:
            return 70, traceback.format_exc(), {}
        printed = "\n".join(line for line in out.getvalue().splitlines() if not re.search(r"  time  ", line))
        endings = (".csv", "metrics.json", ".parquet", ".html")
        left = {
            str(path.relative_to(self.project)): path.read_bytes()
            for path in self._files()
            if path.name.endswith(endings) and "raw" not in path.parts
        }
        said = [line for line in err.getvalue().splitlines() if line.startswith("saccade: ") or "Traceback" in line]
        return status, "\n".join(said), left | {"printed": printed.encode()}

    def damage(self, path: Path, how: str, rng: random.Random) -> bool:
        """Damages the file; whether its bytes are other ones now."""
        content = bytearray(self.before[path][0])
        if how == "gone":
            path.unlink()
            return True
        if how == "flipped" and content:
            content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        elif how == "cut":
            content = content[: rng.randrange(max(len(content), 1))]
        elif how == "swapped":
            others = [other for other in self.kinds[self.kind(path)] if other != path]
            content = bytearray(self.before[rng.choice(others)][0])
        elif how in ("", "{}", "[]", "null"):
            content = bytearray(how.encode())
        path.write_bytes(content)
        return bytes(content) != self.before[path][0]

    def try_one(self, rng: random.Random) -> tuple[str, str, list[str]]:
        """(kind of product, damage, what came of it, or what is wrong)."""
        kind = rng.choice(sorted(self.kinds))
        path = rng.choice(self.kinds[kind])
        ways = ["flipped"] * 4 + ["cut", "cut", "", "{}", "[]", "null"]
        ways += ["swapped"] * 2 if len(self.kinds[kind]) > 1 else []
        ways += ["gone"] * 2 if path.parent.parent.name in DRAWN or any(part in path.name for part in GONE) else []
        how, seed, came = rng.choice(ways), rng.random(), []
        for name, read in [("verify", lambda: main(["verify", "demo"])), *self.readers(kind)]:
            self.restore()
            if not self.damage(path, how, random.Random(seed)):
                return kind, how, ["nothing damaged"]
            came.append(self.judged(name, path, self.told(read)))
        self.restore()
        wrong = [one for one in came if one.startswith("WRONG")]
        unseen = came[0] == "no number changed" and not self.same_json(path, how, seed)
        if unseen:
            wrong.append(f"WRONG verify: did not see it: {path} {how}")
        if came[0] == "refused" and "refused" not in came[1:]:
            came = ["no verb's number changed, and verify sees it"]
        return kind, how, wrong or ["refused" if "refused" in came else came[0]]

    def mend(self, path: Path) -> str:
        """What goes wrong where the product is damaged and the command that `verify` names is run; '' for nothing."""
        self.restore()
        self.damage(path, "cut", random.Random(0))
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
            seen = main(["verify", "demo"])
            command = re.search(r"make it anew: python -m saccade (.*)", out.getvalue())
            if seen != 1 or not command or main(shlex.split(command.group(1))):
                return f"WRONG: {path}: {out.getvalue()}"
            return f"WRONG: {path}: {command} does not mend it" if main(["verify", "demo"]) else ""

    def judged(self, name: str, path: Path, told: tuple[int, str, dict[str, bytes]]) -> str:
        status, said, left = told
        if status == 1:
            names = path.name in said or record_of(path).name in said
            one_line = len(said.splitlines()) == 1 or name == "verify"
            seen = names or name == "verify"
            return "refused" if seen and one_line and "Traceback" not in said else f"WRONG {name}: {path}: {said}"
        if status:
            return f"WRONG {name}: {path}: {said}"
        expected = self.undamaged.get(name, (0, "", left))[2]
        # the damaged file itself, where the verb doesn't write it anew, is no number of the verb's
        own = str(path.relative_to(self.project))
        if name.startswith("plan") and not path.exists() and b"would run" in left["printed"]:
            return "no number changed"  # what a rule declares and is gone would be made: the plan says so
        differ = [file for file in {*left, *expected} if file != own and left.get(file) != expected.get(file)]
        return f"WRONG {name}: {path}: other numbers in {', '.join(differ)}" if differ else "no number changed"

    def same_json(self, path: Path, how: str, seed: float) -> bool:
        """Whether the damaged file still says the same: a bit of a blank between two words of JSON, say."""
        self.damage(path, how, random.Random(seed))
        try:
            return path.suffix == ".json" and json.loads(path.read_text()) == json.loads(self.before[path][0])
        except ValueError:
            return False
        finally:
            self.restore()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--damages", type=int, default=30, help="(default: %(default)s)")
    parser.add_argument("--mend", action="store_true", help="try the command that is named for each kind of product")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    parser.add_argument(
        "--project", type=Path, help="where the small project is, or is made (default: a temporary one)"
    )
    given = parser.parse_args()
    mpl.use("Agg")
    with tempfile.TemporaryDirectory() as folder:
        project = (given.project or Path(folder, "toy")).absolute()
        if not (project / "reports/demo/index.html").is_file():
            make_project(project)
        damages, rng, tally = Damages(project), random.Random(given.seed), Counter()
        for kind in sorted(damages.kinds) if given.mend else ():
            came = damages.mend(rng.choice(damages.kinds[kind])) or "mended by the command that is named"
            tally[kind, came] += 1
        damages.restore()
        for _ in range(given.damages):
            kind, how, came = damages.try_one(rng)
            for one in came:
                tally[kind, one if one.startswith("WRONG") else f"{how or 'emptied'}: {one}"] += 1
                if one.startswith("WRONG"):
                    print(one, file=sys.stderr, flush=True)
    print(
        json.dumps({"seed": given.seed} | {f"{kind}: {one}": n for (kind, one), n in sorted(tally.items())}, indent=1)
    )
    raise SystemExit(any("WRONG" in one for _, one in tally))
