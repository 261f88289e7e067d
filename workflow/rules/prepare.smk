# Fetched on request alone, and never a rule's input: `snakemake data/ucf101/acquired.json`. Where it was stopped, the next
# run goes on; where only the user can bring something, it says what.
rule acquire:
    output:
        "data/{dataset}/acquired.json",
    log:
        "data/{dataset}/acquire.log",
    conda:
        environment
    threads: 1
    shell:
        "exec python -m saccade acquire {wildcards.dataset} > {log} 2>&1"


# raw/ is never an input. What a dataset brings or generates is its own affair, and a missing one stops only its own
# runs.
rule prepare:
    output:
        index="data/{dataset}/prepared/{budget}{edition}/index.parquet",
        coverage="data/{dataset}/prepared/{budget}{edition}/coverage.json",
    log:
        "results/{budget}/logs/prepare/{dataset}{edition}.log",
    benchmark:
        "results/{budget}/benchmarks/prepare/{dataset}{edition}.tsv"
    conda:
        environment
    threads: prepare_threads
    resources:
        mem_mb=lambda wildcards, threads: max(4000, 400 * threads),
    params:
        decides=prepare_params,
    shell:
        "exec python -m saccade prepare {wildcards.dataset}{wildcards.edition} "
        "--budget {wildcards.budget} --workers {threads} > {log} 2>&1"
