"""What to run: the config files, which only select. No torch."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from saccade.cards.address import RUNS, VARIANT_ON_DATA, parse_address
from saccade.cards.plain_yaml import read_yaml
from saccade.cards.validation import AsTuple, Body, Names, read_body
from saccade.project import check_budget
from saccade.records import EAGER, RUNTIMES, SaccadeError, suggest

LARGEST_SEED = 2**31 - 1


class Config(Body):
    """What to run. `runs`: `<dataset>[@<edition>]/<method>/<variant>[/seed<k>]`, globs allowed, each with all
    `seeds` where it names none; `points`: those to report (none: all); `measure`: which of the runs are also timed,
    globs as in `runs`, each with the first seed; `runtimes`: in what (`records.RUNTIMES`; eager always is among
    them)."""

    budget: str
    runs: Names
    seeds: Annotated[tuple[int, ...], AsTuple]
    points: Names = ()
    measure: Names = ()
    runtimes: Names = (EAGER,)


def load_config(source: Path | Mapping[str, Any]) -> Config:
    """A config from its file or from Snakemake's merged `config`; the same keys in all of them."""
    where: object = "config" if isinstance(source, Mapping) else source
    config = read_body(Config, source if isinstance(source, Mapping) else read_yaml(source), where)
    check_budget(config.budget, f"{where}: ")
    for key, patterns, shape in (("runs", config.runs, RUNS), ("measure", config.measure, VARIANT_ON_DATA)):
        for pattern in patterns:
            parse_address(pattern, shape, where=f"{where}: {key}: ")
    if unknown := [name for name in config.runtimes if name not in RUNTIMES]:
        raise SaccadeError(f"{where}: runtimes: there is no runtime '{unknown[0]}'" + suggest(unknown[0], RUNTIMES))
    seeds = config.seeds
    if len(set(seeds)) != len(seeds) or any(not 0 <= seed <= LARGEST_SEED for seed in seeds) or not seeds:
        raise SaccadeError(
            f"{where}: seeds: {list(seeds)} must be one or more different numbers from 0 to {LARGEST_SEED}"
        )
    return config
