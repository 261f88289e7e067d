# From numbers to pages. Everything here reads what exists; runs that can't be done here are printed as "not run (why)".
BUDGET = CONFIG.budget
TEMPLATES = sorted(
    str(path.relative_to(ROOT)) for path in (ROOT / "workflow/templates").glob("*.j2")
)
REPORTS = [f"reports/{BUDGET}/index.html"]


rule plan:
    output:
        f"results/{BUDGET}/plan.json",
    log:
        f"results/{BUDGET}/logs/plan.log",
    localrule: True
    conda:
        environment
    params:
        # the grid doesn't say in what its points are timed
        config=canonical(
            {key: SELECTION[key] for key in SELECTION if key != "runtimes"}
        ),
        grid=staleness.shortened(GRID),
        code=plan_code,
    shell:
        "exec python -m saccade plan --config {params.config:q} --write {output} > {log} 2>&1"


rule claims:
    input:
        plan=f"results/{BUDGET}/plan.json",
        metrics=scored_of_method,
        paper=paper_files,
    output:
        f"results/{BUDGET}/claims/{{method}}.csv",
    log:
        f"results/{BUDGET}/logs/claims/{{method}}.log",
    benchmark:
        f"results/{BUDGET}/benchmarks/claims/{{method}}.tsv"
    localrule: True
    conda:
        environment
    params:
        budget=BUDGET,
        code=report_code,
        own=own_code,
    shell:
        "exec python -m saccade report {params.budget} --part claims --method {wildcards.method} > {log} 2>&1"


rule collect:
    input:
        plan=f"results/{BUDGET}/plan.json",
        metrics=scored,
        claims=[file for method in METHODS for file in judged_of(method)],
    output:
        metrics=report(
            f"results/{BUDGET}/metrics.csv",
            caption="../report/metrics.rst",
            category="Tables",
        ),
        planned=report(
            f"results/{BUDGET}/planned.csv",
            caption="../report/planned.rst",
            category="Tables",
        ),
        claims=report(
            f"results/{BUDGET}/claims.csv",
            caption="../report/claims.rst",
            category="Tables",
        ),
    log:
        f"results/{BUDGET}/logs/collect.log",
    benchmark:
        f"results/{BUDGET}/benchmarks/collect.tsv"
    localrule: True
    conda:
        environment
    params:
        budget=BUDGET,
        code=report_code,
    shell:
        "exec python -m saccade report {params.budget} --part collect > {log} 2>&1"


rule notebook:
    input:
        plan=f"results/{BUDGET}/plan.json",
        metrics=scored_of_method,
        latency=measured_of_method,
        cost="results/cost.csv",
        claims=judged_of_method,
        notebook="workflow/notebooks/method.ipynb",
        paper=paper_files,
    output:
        notebook=f"reports/{BUDGET}/notebooks/{{method}}.ipynb",
        tables=directory(f"results/{BUDGET}/tables/{{method}}"),
        figures=report(
            directory(f"results/{BUDGET}/figures/{{method}}"),
            patterns=["{name}.svg"],
            caption="../report/figure.rst",
            category="Figures",
            labels={"figure": "{name}"},
        ),
    log:
        f"results/{BUDGET}/logs/notebook/{{method}}.log",
    benchmark:
        f"results/{BUDGET}/benchmarks/notebook/{{method}}.tsv"
    localrule: True
    conda:
        environment
    params:
        budget=BUDGET,
        code=notebook_code,
        own=own_code,
    shell:
        "exec python -m saccade report {params.budget} --part notebook --method {wildcards.method} > {log} 2>&1"


rule page:
    input:
        notebook=f"reports/{BUDGET}/notebooks/{{method}}.ipynb",
        tables=f"results/{BUDGET}/tables/{{method}}",
        figures=f"results/{BUDGET}/figures/{{method}}",
        templates=TEMPLATES,
    output:
        html=report(
            f"reports/{BUDGET}/{{method}}.html",
            caption="../report/page.rst",
            category="Pages",
        ),
        tex=f"reports/{BUDGET}/{{method}}.tex",
    log:
        f"results/{BUDGET}/logs/page/{{method}}.log",
    localrule: True
    conda:
        environment
    params:
        budget=BUDGET,
        code=report_code,
    shell:
        "exec python -m saccade report {params.budget} --part page --method {wildcards.method} > {log} 2>&1"


rule index:
    input:
        metrics=f"results/{BUDGET}/metrics.csv",
        pages=expand(f"reports/{BUDGET}/{{method}}.html", method=METHODS),
        planned=f"results/{BUDGET}/planned.csv",
        claims=f"results/{BUDGET}/claims.csv",
        cost="results/cost.csv",
        templates=TEMPLATES,
    output:
        report(
            f"reports/{BUDGET}/index.html",
            caption="../report/page.rst",
            category="Pages",
        ),
    log:
        f"results/{BUDGET}/logs/index.log",
    localrule: True
    conda:
        environment
    params:
        budget=BUDGET,
        code=report_code,
    shell:
        "exec python -m saccade report {params.budget} --part index > {log} 2>&1"
