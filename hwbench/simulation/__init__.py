"""What the errors of a predictor cost an architecture search."""

from __future__ import annotations

from hwbench.fronts.two import hypervolume, pareto_front
from hwbench.simulation.joint import simulate_joint_selection
from hwbench.simulation.run import SimulationResult, run_simulation
from hwbench.simulation.selection import evaluate_selection, simulate_selection
from hwbench.simulation.spec import SimulationSpec

__all__ = [
    "SimulationResult",
    "SimulationSpec",
    "evaluate_selection",
    "hypervolume",
    "pareto_front",
    "run_simulation",
    "simulate_joint_selection",
    "simulate_selection",
]
