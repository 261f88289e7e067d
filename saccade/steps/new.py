"""Makes the folder of a new method or dataset from its tested template (workflow/templates/new)."""

import shutil
from pathlib import Path
from typing import Literal

from saccade.cards.dataset import load_dataset
from saccade.cards.method import load_method
from saccade.project import NAME
from saccade.records import SaccadeError

Kind = Literal["method", "dataset"]
TEMPLATES = Path("workflow/templates/new")
HOMES = {"method": "methods", "dataset": "data"}
NEXT = {
    "method": """It runs as it is; make it yours, a step at a time, and test after each:
  python -m pytest -q tests -k NAME                                 its contract
  python -m pytest -q methods/NAME                                  what only it can get wrong
  python -m saccade plan demo/motion-digits/NAME/tiny/seed0         every setting, and where it comes from
  snakemake --cores 2 --config runs='[motion-digits/NAME/tiny]'     reports/demo/NAME.html
CONTRIBUTING.md, "Adding a method", says what belongs into which file.""",
    "dataset": """It is tested as it is, on the videos of its sample.py; make it yours:
  1. card.yml: heads and classes, what `expects` to lie in raw/, how to get it
  2. prepare.py: one row per video; sample.py: a few videos laid out as published
  3. python -m pytest -q tests/test_dataset_contract.py -k NAME     its contract
  4. put the data into data/NAME/raw
  5. python -m saccade prepare NAME                                 data/NAME/prepared/demo/coverage.json
  6. snakemake --cores 2 --config runs='[NAME/tsn/resnet10-tiny]'   reports/demo/index.html
CONTRIBUTING.md, "Adding a dataset", says more.""",
}


def new(root: Path, kind: Kind, name: str) -> str:
    """Makes methods/<name> or data/<name>, which runs as it is, and gives back what to do next. Raises SaccadeError
    where the name can't be one or is taken; then nothing is left."""
    if not NAME.fullmatch(name):
        raise SaccadeError(
            f"'{name}' can't name a {kind}: lower-case letters, digits, '-', '_' or '.', a letter or digit first"
        )
    home = root / HOMES[kind]
    if (home / name).exists():
        raise SaccadeError(f"{home / name} is there already; take another name, or remove it")
    draft = home / f".new-{name}"
    try:
        _render(root / TEMPLATES / kind, draft, name)
        draft.rename(home / name)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    load_method(root, name) if kind == "method" else load_dataset(root, name)
    return f"{home.name}/{name} is made. {NEXT[kind].replace('NAME', name)}"


def _render(template: Path, target: Path, name: str) -> None:
    """Copies the template; NAME in texts and file names becomes the name."""
    if not template.is_dir():
        raise SaccadeError(f"{template} is missing; it comes with the checkout")
    for file in sorted(path for path in template.rglob("*") if path.is_file() and path.suffix != ".pyc"):
        own = file.relative_to(template)
        copy = target / own.with_name(own.name.replace("NAME", name.replace("-", "_").replace(".", "_")))
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(file.read_text(encoding="utf-8").replace("NAME", name), encoding="utf-8")
