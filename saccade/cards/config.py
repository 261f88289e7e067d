"""What to run: the config files, which only select. No torch."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from saccade.cards.address import RUNS, parse_address
from saccade.cards.yaml import as_mapping, check_value, read_yaml, refuse_unknown_keys
from saccade.project import check_budget
from saccade.records import SaccadeError


@dataclass(frozen=True)
class Config:
    """What to run. `runs`: `<dataset>[@<edition>]/<method>/<variant>[/seed<k>]`, globs allowed, each with all `seeds`
    where it names none; `points`: those to report (none: all); `measure`: which of the runs are also timed, globs as in
    `runs`, each with the first seed."""

    budget: str
    runs: tuple[str, ...]
    seeds: tuple[int, ...]
    points: tuple[str, ...] = field(default=())
    measure: tuple[str, ...] = field(default=())


def load_config(source: Path | Mapping[str, Any]) -> Config:
    """A config from its file or from Snakemake's merged `config`; the same keys in all of them."""
    where: object = "config" if isinstance(source, Mapping) else source
    body = source if isinstance(source, Mapping) else read_yaml(source)
    body = as_mapping(where, "", body)
    refuse_unknown_keys(
        where, "", body, ["budget", "runs", "seeds", "points", "measure"], required=["budget", "runs", "seeds"]
    )
    budget = check_value(str, body["budget"], f"{where}: budget")
    check_budget(budget, f"{where}: ")
    runs = tuple(check_value(list[str], body["runs"], f"{where}: runs"))
    for run in runs:
        parse_address(run, RUNS, where=f"{where}: runs: ")
    seeds = tuple(check_value(list[int], body["seeds"], f"{where}: seeds"))
    if len(set(seeds)) != len(seeds) or any(seed < 0 for seed in seeds) or not seeds:
        raise SaccadeError(f"{where}: seeds: {list(seeds)} must be one or more different numbers from 0 up")
    chosen, clocked = (
        tuple(check_value(list[str], body.get(key) or [], f"{where}: {key}")) for key in ("points", "measure")
    )
    return Config(budget, runs, seeds, chosen, clocked)
