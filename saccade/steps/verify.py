"""The step that checks what the others left: whether every product of a budget is what was written. No torch."""

from collections.abc import Iterator
from pathlib import Path

from tqdm import tqdm

from saccade import products
from saccade.cards.dataset import is_embedded
from saccade.product_names import kind_of
from saccade.records import EXPORTED, SaccadeError

OTHERS = ("logs", "benchmarks", "checkpoints", "try", EXPORTED)  # folders in results/<budget> that hold no products


def verify(root: Path, budget: str) -> Iterator[str]:
    """Gives a sentence for each product of the budget that isn't what was written, or was lost: in results/<budget>,
    in what is prepared for it, in the embedded videos, in the counted costs; and last, how many were checked. Raises
    SaccadeError where any is damaged, and where there is nothing to check."""
    found = [(path, kind_of(path)) for path in sorted(_files(root, budget))]
    known = [(path, kind) for path, kind in found if kind]
    if not (root / "results" / budget).is_dir() or not known:
        raise SaccadeError(f"{root / 'results' / budget} holds no products; name a budget that has run")
    damages: dict[str, None] = {}
    for path, kind in tqdm(known, desc="verify", unit="file", mininterval=1.0):
        damages |= dict.fromkeys(_damages(path, kind))
    yield from damages
    yield f"{budget}: {len(known)} products checked; files that nothing vouches for: {len(found) - len(known)}"
    if damages:
        are = "product isn't" if len(damages) == 1 else "products aren't"
        raise SaccadeError(f"{len(damages)} {are} what was written; the lines above say how to make them anew")


def _files(root: Path, budget: str) -> Iterator[Path]:
    """Every file where the budget's products are; hidden ones are Snakemake's or not whole yet."""
    results = root / "results" / budget
    for path in results.rglob("*"):
        if _is_shown(path) and not set(path.relative_to(results).parts[:-1]) & set(OTHERS):
            yield path
    for folder in [*root.glob(f"data/*/prepared/{budget}"), *root.glob(f"data/*/prepared/{budget}@*")]:
        yield from (path for path in folder.rglob("*") if _is_shown(path))
    for folder in [*root.glob(f"data/*/raw/{budget}"), *root.glob(f"data/*/raw/{budget}@*")]:
        if is_embedded(root, folder.parents[1].name):  # each video has a script beside it
            yield from (path for script in folder.rglob("*.json") for path in (script, script.with_suffix(".mp4")))
    yield from (path for path in (root / "results").glob("*.*") if path.name != "README.md")
    yield from (root / "results/cost").glob("*.*")


def _is_shown(path: Path) -> bool:
    return path.is_file() and not path.name.startswith(".")


def _damages(path: Path, kind: str) -> Iterator[str]:
    """What is wrong with the product, and with those that it vouches for and that are gone."""
    try:
        if kind == "file":
            products.whole(path)
            return
        products.read(path)
        for name in products.beside(path):
            if not (lost := products.holds(path, name)).is_file():
                raise products.DamageError(lost, "is missing")
    except products.DamageError as error:
        yield str(error)
