"""Protocol, patients and allocation become a trial: arrays first, and records from them."""

from equipoise.simulation.array_trial import simulate_arrays
from equipoise.simulation.simulation_plan import SimulationPlan, plan_simulation
from equipoise.simulation.trial import records_of, simulate
from equipoise.simulation.trial_arrays import ScoreArrays, TrialArrays

__all__ = [
    "ScoreArrays",
    "SimulationPlan",
    "TrialArrays",
    "plan_simulation",
    "records_of",
    "simulate",
    "simulate_arrays",
]
