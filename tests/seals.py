"""Makes products of what a test wrote by hand: the readers take nothing else."""

import json
from pathlib import Path

from saccade import files, products
from saccade.product_names import DRAWN, record_of


def seal(root: Path, *others: Path) -> None:
    """Seals every file below results/, data/*/prepared/ and `others`, whatever it was before: JSON gets its sum,
    everything else its sha256 in its record."""
    folders = [root / "results", *(root / "data").glob("*/prepared"), *others]
    found = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    content, vouched = {}, {}
    for path in found:
        if path.suffix == ".json" and path.parent.parent.name not in DRAWN:
            value = json.loads(path.read_text())
            content[path] = {
                k: v for k, v in value.items() if k not in (products.PRODUCT, products.FILES, products.SUM)
            }
            vouched.setdefault(path, {}).update({n: "" for n, s in value.get(products.FILES, {}).items() if not s})
        else:
            vouched.setdefault(record_of(path), {})[path.name] = files.sha256(path)
    for path in {*content, *vouched}:
        products.write(path, content.get(path, {}), vouched.get(path))
