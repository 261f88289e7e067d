rule predict:
    input:
        index=index_of,
        weights=needed_by_model,
    output:
        "results/{budget}/{data}/{method}/{variant}/seed{seed}/predictions.parquet",
    log:
        "results/{budget}/logs/{data}/{method}/{variant}/seed{seed}/predict.log",
    benchmark:
        "results/{budget}/benchmarks/{data}/{method}/{variant}/seed{seed}/predict.tsv"
    conda:
        environment
    threads: 1
    resources:  # embedded data runs on a core
        mem_mb=4000,
        gpu=lambda wildcards: 0 if wildcards.budget in staleness.ALWAYS_CURRENT else 1,
    params:
        decides=predict_params,
    shell:
        "exec python -m saccade predict "
        "{wildcards.budget}/{wildcards.data}/{wildcards.method}/{wildcards.variant}/seed{wildcards.seed} "
        "> {log} 2>&1"


rule score:
    input:
        predictions="results/{budget}/{data}/{method}/{variant}/seed{seed}/predictions.parquet",
        index=index_of,
    output:
        metrics="results/{budget}/{data}/{method}/{variant}/seed{seed}/metrics.json",
        hits="results/{budget}/{data}/{method}/{variant}/seed{seed}/hits.parquet",
    log:
        "results/{budget}/logs/{data}/{method}/{variant}/seed{seed}/score.log",
    benchmark:
        "results/{budget}/benchmarks/{data}/{method}/{variant}/seed{seed}/score.tsv"
    conda:
        environment
    threads: 1
    params:
        decides=score_params,
    shell:
        "exec python -m saccade score "
        "{wildcards.budget}/{wildcards.data}/{wildcards.method}/{wildcards.variant}/seed{wildcards.seed} "
        "> {log} 2>&1"


# The clock: all cores are its own, so that no other job of this workflow runs beside it, and its turn comes last.
rule measure:
    input:
        index=index_of,
        weights=needed_by_measure,
    output:
        "results/{budget}/{data}/{method}/{variant}/seed{seed}/latency.json",
    log:
        "results/{budget}/logs/{data}/{method}/{variant}/seed{seed}/measure.log",
    priority: -1
    conda:
        environment
    threads: lambda wildcards: workflow.cores or 1  # --unlock, --report and their like come without cores
    resources:
        mem_mb=8000,
        gpu=lambda wildcards: 0 if wildcards.budget in staleness.ALWAYS_CURRENT else 1,
        clock=1,
    params:
        decides=measure_params,
        runtimes=ASKED_RUNTIMES,
    shell:
        "exec python -m saccade measure "
        "{wildcards.budget}/{wildcards.data}/{wildcards.method}/{wildcards.variant}/seed{wildcards.seed} "
        "{params.runtimes} --record-absent "
        "> {log} 2>&1"


# The papers' complexity cells, counted on the meta device: no data, no weights. Only an edited method is counted again.
rule count_cells:
    input:
        "methods/{method}/paper/reported.csv",
    output:
        "results/cost/{method}.csv",
    log:
        "results/logs/cost/{method}.log",
    benchmark:
        "results/benchmarks/cost/{method}.tsv"
    conda:
        environment
    threads: 1
    params:
        decides=cells_params,
    shell:
        "exec python -m saccade cost --method {wildcards.method} > {log} 2>&1"


rule cost:
    input:
        expand("results/cost/{method}.csv", method=staleness.methods_with_cells(ROOT)),
    output:
        report("results/cost.csv", caption="../report/cost.rst", category="Cost"),
    log:
        "results/logs/cost.log",
    localrule: True
    conda:
        environment
    shell:
        "exec python -m saccade cost --join > {log} 2>&1"
