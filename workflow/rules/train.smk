# The declared product is a small JSON with the weights' sha256: Snakemake compares its content, not a large file's
# date.
rule train:
    input:
        index=index_of,
        needs=needed_by_phase,
        features=features_for_phase,
    output:
        "results/{budget}/{data}/{method}/{variant}/seed{seed}/{phase}.json",
    log:
        "results/{budget}/logs/{data}/{method}/{variant}/seed{seed}/{phase}.log",
    benchmark:
        "results/{budget}/benchmarks/{data}/{method}/{variant}/seed{seed}/{phase}.tsv"
    conda:
        environment
    threads: 1
    resources:  # embedded data trains on a core
        mem_mb=4000,
        gpu=lambda wildcards: 0 if wildcards.budget in staleness.ALWAYS_CURRENT else 1,
    params:
        decides=train_params,
    shell:
        "exec python -m saccade train "
        "{wildcards.budget}/{wildcards.data}/{wildcards.method}/{wildcards.variant}/seed{wildcards.seed} "
        "{wildcards.phase} > {log} 2>&1"


# Made only where a training that takes them is to run. The videos' files lie in a folder that no rule declares, so that
# Snakemake leaves those of a killed job alone.
rule features:
    input:
        index=index_of,
        weights=needed_by_features,
    output:
        "results/{budget}/{data}/{method}/{variant}/seed{seed}/{phase}.features.json",
    log:
        "results/{budget}/logs/{data}/{method}/{variant}/seed{seed}/{phase}.features.log",
    benchmark:
        "results/{budget}/benchmarks/{data}/{method}/{variant}/seed{seed}/{phase}.features.tsv"
    conda:
        environment
    threads: 1
    resources:
        mem_mb=4000,
        gpu=lambda wildcards: 0 if wildcards.budget in staleness.ALWAYS_CURRENT else 1,
    params:
        decides=features_params,
    shell:
        "exec python -m saccade features "
        "{wildcards.budget}/{wildcards.data}/{wildcards.method}/{wildcards.variant}/seed{wildcards.seed} "
        "{wildcards.phase} > {log} 2>&1"
