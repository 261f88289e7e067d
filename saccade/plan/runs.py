"""A run's name and what it means: one trained model, known by its path. No torch."""

from dataclasses import dataclass
from pathlib import Path

from saccade.cards.address import split_edition
from saccade.cards.dataset import load_dataset
from saccade.cards.method import load_method
from saccade.project import check_budget
from saccade.records import SaccadeError, suggest


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
        return f"{self.dataset}@{self.edition}" if self.edition else self.dataset

    @property
    def name(self) -> str:
        return f"{self.budget}/{self.data}/{self.method}/{self.variant}/seed{self.seed}"

    @property
    def prepared(self) -> Path:
        """The folder, below the root, of the index that the run reads."""
        return Path("data", self.dataset, "prepared", self.budget + (f"@{self.edition}" if self.edition else ""))

    @property
    def folder(self) -> Path:
        return Path("results", self.name)

    @classmethod
    def parse(cls, root: Path, text: str) -> "Run":
        """The run that `<budget>/<dataset>[@<edition>]/<method>/<variant>/seed<k>` names; raises SaccadeError where a
        part is unknown."""
        parts = text.removeprefix("results/").strip("/").split("/")
        if len(parts) != 5 or not parts[4].removeprefix("seed").isdecimal() or not parts[4].startswith("seed"):
            raise SaccadeError(f"'{text}' is not a run: <budget>/<dataset>[@<edition>]/<method>/<variant>/seed<k>")
        check_budget(parts[0], f"'{text}': ")
        run = cls(parts[0], *split_edition(parts[1]), parts[2], parts[3], int(parts[4].removeprefix("seed")))
        check_run(root, run)
        return run


def check_run(root: Path, run: Run) -> None:
    """Raises SaccadeError where the run's dataset, edition, method or variant doesn't exist."""
    dataset, method = load_dataset(root, run.dataset), load_method(root, run.method)
    if run.edition and run.edition not in dataset.editions:
        raise SaccadeError(f"{dataset.file}: unknown edition '{run.edition}'" + suggest(run.edition, dataset.editions))
    if run.variant not in method.variants:
        raise SaccadeError(f"{method.file}: unknown variant '{run.variant}'" + suggest(run.variant, method.variants))
