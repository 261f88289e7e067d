"""A run's name and what it means: one trained model, known by its path. No torch."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

from saccade.cards.address import RUN, Address, parse_address, with_edition
from saccade.cards.config import LARGEST_SEED
from saccade.cards.dataset import Dataset, load_dataset
from saccade.cards.method import load_method
from saccade.editions import parse_edition
from saccade.project import PUBLISHED, check_budget
from saccade.records import SaccadeError, suggest

SEED = re.compile(r"0|[1-9][0-9]{0,18}")  # one number has one name


@dataclass(frozen=True)
class Run:
    """One trained model: a method's variant on a dataset (or an edition of it), under a budget, with a seed."""

    budget: str
    dataset: str
    edition: str
    method: str
    variant: str
    seed: int

    @property
    def data(self) -> str:
        return with_edition(self.dataset, self.edition)

    @property
    def address(self) -> Address:
        return Address(self.budget, self.dataset, self.edition, self.method, self.variant, seed=str(self.seed))

    @property
    def name(self) -> str:
        return str(self.address)

    @property
    def prepared(self) -> Path:
        """The folder, below the root, of the index that the run reads."""
        return Path("data", self.dataset, "prepared", with_edition(self.budget, self.edition))

    @property
    def folder(self) -> Path:
        return Path("results", self.name)

    @classmethod
    def parse(cls, root: Path, text: str) -> "Run":
        """The run that the text names (`address.RUN`, or its folder); raises SaccadeError where a part is unknown."""
        run = cls.of(parse_address(text.removeprefix("results/").strip("/"), RUN))
        check_budget(run.budget, f"'{text}': ")
        check_run(root, run)
        return run

    @classmethod
    def of(cls, address: Address) -> "Run":
        """The run at a whole address; raises SaccadeError where its seed is no number."""
        if not SEED.fullmatch(address.seed) or int(address.seed) > LARGEST_SEED:
            raise SaccadeError(
                f"'{address}': seed{address.seed} must be seed and a number from 0 to {LARGEST_SEED}, as in seed0 or "
                "seed12, without zeros before it"
            )
        return cls(address.budget, address.dataset, address.edition, address.method, address.variant, int(address.seed))


def check_edition(dataset: Dataset, budget: str, edition: str) -> None:
    """Raises SaccadeError where the dataset has no such edition, its numbers would stand beside printed ones though it
    is a subset, or its videos would be encoded anew though they are made here."""
    dataset.heads_in(edition)
    named = parse_edition(edition)
    if named.way and dataset.source == "embedded":
        whole = with_edition(dataset.name, str(replace(named, way=None)))
        raise SaccadeError(
            f"{with_edition(dataset.name, edition)}: the videos of {dataset.name} are made here, small and quickly "
            f"decoded, and aren't encoded anew; take {whole}"
        )
    if budget == PUBLISHED and named.subset:
        raise SaccadeError(
            f"{with_edition(dataset.name, edition)} is a subset, and numbers of budget {budget} stand beside printed "
            "ones; name another budget: any name will do, and a method trains with its published settings where its "
            "card says nothing of it"
        )


def check_run(root: Path, run: Run) -> None:
    """Raises SaccadeError where the run's dataset, edition, method or variant doesn't exist."""
    dataset, method = load_dataset(root, run.dataset), load_method(root, run.method)
    check_edition(dataset, run.budget, run.edition)
    if run.variant not in method.variants:
        raise SaccadeError(f"{method.file}: unknown variant '{run.variant}'" + suggest(run.variant, method.variants))
