"""Gates: what a phase must reach on val before what builds on it is judged. No torch."""

from collections.abc import Mapping
from typing import Any


def why_gate_missed(gate: Mapping[str, Any], result: Mapping[str, float]) -> str | None:
    """Why the phase misses its gate: what it reached of the gate's metric, if that is less than its card asks for. None
    where it passes. A phase that misses its gate is kept and the runs go on, but the report leads with it."""
    metric, least = gate["metric"], gate["at_least"]
    if metric not in result:
        return f"reports no {metric} ({', '.join(sorted(result)) or 'nothing'}), for which its gate asks"
    return (
        None if result[metric] >= least else f"reached {metric} = {result[metric]:.3g}; its gate asks for {least:.3g}"
    )
