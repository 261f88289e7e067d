# Saccade: acquire, prepare, train, predict, score, report. `snakemake --cores N` runs config/demo.yaml;
# `--configfile config/study.yaml` another selection. What to run is in config/, how is in the cards of methods and
# datasets.
import sys

from snakemake.utils import min_version

min_version("9.8")
sys.path.insert(0, workflow.basedir)


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
