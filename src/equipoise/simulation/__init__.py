"""Protocol, patients and allocation become a trial: arrays first, and records from them."""

from equipoise.simulation.array_trial import at_once, simulate_arrays, simulate_block
from equipoise.simulation.simulation_plan import SimulationPlan, plan_simulation
from equipoise.simulation.trial import records_of, simulate
from equipoise.simulation.trial_arrays import ScoreArrays, TrialArrays, TrialBlock

__all__ = [
    "ScoreArrays",
    "SimulationPlan",
    "TrialArrays",
    "TrialBlock",
    "at_once",
    "plan_simulation",
    "records_of",
    "simulate",
    "simulate_arrays",
    "simulate_block",
]
