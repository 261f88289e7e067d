# Saccade: acquire, prepare, train, predict, score, report. `snakemake --cores N` runs config/demo.yaml;
# `--configfile config/study.yaml` another selection. What to run is in config/, how is in the cards of methods and
# datasets.
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.utils import min_version

min_version("9.8")
sys.path.insert(0, workflow.basedir)
if not Path(workflow.basedir).samefile(Path.cwd()):
    raise WorkflowError(
        f"the workflow runs in its checkout, {workflow.basedir}, and not in {Path.cwd()}: leave out --directory, and "
        "start it there; to keep results on another disk make results and reports links to folders there"
    )


configfile: "config/demo.yaml"


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/prepare.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/report.smk"


rule all:
    default_target: True
    input:
        REPORTS,
        products,
