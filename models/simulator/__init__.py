"""Nights of people with leg cramps, simulated with known truth.

Physiology and disturbances are drawn from published figures, all of them in
``parameters.toml``; what the figures do not say is marked there as assumed.
"""

from models.simulator.agenda import NightPlan, planned_cramps
from models.simulator.night import simulate_night
from models.simulator.parameter_file import default_parameters
from models.simulator.participants import Participant, draw_participant
from models.simulator.sensors import SENSORS, Sensor, draw_sensor
from models.simulator.sources import SOURCES
from models.simulator.study import (
    DiaryRow,
    PlannedNight,
    SimulatedStudy,
    StudyParticipant,
    StudySpec,
    simulate_study,
)

SIMULATOR_VERSION = default_parameters().version
"""Version of the numbers the simulator draws from."""

SUITES = tuple(sorted(default_parameters().suites))
"""What a night can be full of: names for `NightPlan`."""

__all__ = [
    "SENSORS",
    "SIMULATOR_VERSION",
    "SOURCES",
    "SUITES",
    "DiaryRow",
    "NightPlan",
    "Participant",
    "PlannedNight",
    "Sensor",
    "SimulatedStudy",
    "StudyParticipant",
    "StudySpec",
    "draw_participant",
    "draw_sensor",
    "planned_cramps",
    "simulate_night",
    "simulate_study",
]
