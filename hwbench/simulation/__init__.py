"""What the errors of a predictor cost an architecture search."""

from __future__ import annotations

from hwbench.simulation.deviations import mixed_deviations, normal_deviations
from hwbench.simulation.pareto import hypervolume, pareto_front
from hwbench.simulation.run import SimulationResult, SimulationSpec, run_simulation
from hwbench.simulation.selection import simulate_selection

__all__ = [
    "SimulationResult",
    "SimulationSpec",
    "hypervolume",
    "mixed_deviations",
    "normal_deviations",
    "pareto_front",
    "run_simulation",
    "simulate_selection",
]
