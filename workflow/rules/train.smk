# The declared product is a small JSON with the weights' sha256: Snakemake compares its content, not a large file's
# date.
rule train:
    input:
        index=index_of,
        needs=needed_by_phase,
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
