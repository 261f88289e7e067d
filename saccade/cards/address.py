"""How runs, phases and points are addressed in cards, configs, papers, claims and on the command line:
`<budget>/<dataset>[@<edition>]/<method>/<variant>/<phase or point>/seed<k>`, of which each place takes its part. No
torch.

The shapes below are what a reader is shown where an address is wrong, and what the addresses are read by: a slot
`<name>` is a part without `/` and `@`, what stands in `[]` may be left out.
"""

import dataclasses
import re
from dataclasses import dataclass
from functools import cache

from saccade.records import SaccadeError

RUN = "<budget>/<dataset>[@<edition>]/<method>/<variant>/seed<k>"
RUNS = "<dataset>[@<edition>]/<method>/<variant>[/seed<k>]"  # of a config, which may hold globs
VARIANT_ON_DATA = "<dataset>[@<edition>]/<method>/<variant>"
DATA = "<dataset>[@<edition>]"
NEED = "[[[<dataset>[@<edition>]/]<method>/]<variant>/]<phase>"
COUNTERPART = "[[<method>/]<variant>/]<point>"
SYSTEM = "[<method>/]<variant>"
OF_POINT = "[<variant>/]<point>"  # what a point stands in for
OF_VARIANT = "<variant>[/<point>]"  # what a variant stands in for


@dataclass(frozen=True)
class Address:
    """The parts of an address; '' for those that it doesn't say."""

    budget: str = ""
    dataset: str = ""
    edition: str = ""
    method: str = ""
    variant: str = ""
    phase: str = ""
    point: str = ""
    seed: str = ""

    @property
    def data(self) -> str:
        """`<dataset>[@<edition>]`."""
        return with_edition(self.dataset, self.edition)

    def __str__(self) -> str:
        seed = f"seed{self.seed}" if self.seed else ""
        parts = (self.budget, self.data, self.method, self.variant, self.phase, self.point, seed)
        return "/".join(part for part in parts if part)


def parse_address(text: str, shape: str, own: Address | None = None, where: str = "") -> Address:
    """The address that `text` writes in one of the shapes above. Parts that may be left out, and are, come from `own`,
    the address of what speaks; a dataset that is named brings its edition, or none. Raises SaccadeError, which `where`
    begins, for text of another shape."""
    match = _pattern(shape).fullmatch(text)
    if match is None:
        raise SaccadeError(f"{where}'{text}' is not {shape}")
    said = {name: part for name, part in match.groupdict().items() if part is not None}
    edition = {"edition": ""} if "dataset" in said else {}
    return dataclasses.replace(own or Address(), **(edition | said))


def with_edition(name: str, edition: str) -> str:
    """`<name>[@<edition>]`: a dataset's label, or the folder below prepared/ for a budget."""
    return f"{name}@{edition}" if edition else name


@cache
def _pattern(shape: str) -> re.Pattern[str]:
    optional = re.escape(shape).replace(r"\[", "(?:").replace(r"\]", ")?")
    return re.compile(re.sub(r"<(\w+)>", r"(?P<\1>[^/@]+)", optional.replace("<k>", "<seed>")))
