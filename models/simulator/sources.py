"""The table of everything that can happen in a night."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

from models.simulator import (
    ambulation,
    cramp,
    electrodes,
    exercise,
    interference,
    link,
    movements,
    voluntary,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from models.simulator.participants import Participant
    from models.simulator.scene import Chance, Happening

__all__ = ["SOURCES", "Layer", "Source"]


class Layer(IntEnum):
    """Order of painting.

    The contact comes first, because all else passes through it. What the body does needs the
    leg for itself; what lies over it may coincide with anything.
    """

    CONTACT = 0
    BODY = 1
    OVERLAY = 2


def _everybody_alike(_person: Participant) -> float:
    return 1.0


def _restlessness(person: Participant) -> float:
    return person.restlessness


@dataclass(frozen=True, slots=True)
class Source:
    """Where happenings of one kind come from.

    Attributes
    ----------
    draw : callable
        Draws one happening.
    layer : Layer
    propensity : callable
        Factor of a participant on the hourly rate of an average person.
    """

    draw: Callable[[Chance], Happening]
    layer: Layer = Layer.BODY
    propensity: Callable[[Participant], float] = _everybody_alike


# A new kind of event is one more line here and its rates in parameters.toml. Order is priority:
# where two body events want the same time, the later line gives way.
SOURCES: Mapping[str, Source] = MappingProxyType(
    {
        "cramp": Source(cramp.draw_cramp),
        "toilet_trip": Source(ambulation.draw_toilet_trip),
        "standing": Source(ambulation.draw_standing, propensity=_restlessness),
        "long_hold": Source(voluntary.draw_long_hold, propensity=_restlessness),
        "leg_movement_series": Source(
            movements.draw_plm_series, propensity=lambda person: person.plm_per_hour / 12.0
        ),
        "tonic": Source(voluntary.draw_tonic, propensity=_restlessness),
        "repeated_holds": Source(voluntary.draw_repeated, propensity=_restlessness),
        "exercise": Source(exercise.draw_exercise, propensity=_restlessness),
        "massage": Source(movements.draw_massage, propensity=_restlessness),
        "restless_bout": Source(
            movements.draw_restless_bout,
            propensity=lambda person: 1.0 if person.restless_legs else 0.02,
        ),
        "hold": Source(voluntary.draw_hold, propensity=_restlessness),
        "rhythmic": Source(
            movements.draw_rhythm, propensity=lambda person: 1.0 if person.rhythmic else 0.05
        ),
        "posture_shift": Source(movements.draw_posture_shift, propensity=_restlessness),
        "leg_movement": Source(movements.draw_leg_movement, propensity=_restlessness),
        "myoclonus": Source(
            movements.draw_myoclonus,
            Layer.OVERLAY,
            propensity=lambda person: person.myoclonus_per_hour / 30.0,
        ),
        "fasciculation": Source(movements.draw_fasciculations, Layer.OVERLAY),
        "lift_off": Source(electrodes.draw_lift_off, Layer.CONTACT),
        "hum": Source(interference.draw_hum, Layer.OVERLAY),
        "saturation": Source(electrodes.draw_saturation, Layer.OVERLAY),
        "pop": Source(electrodes.draw_pop, Layer.OVERLAY, propensity=_restlessness),
        "rub": Source(electrodes.draw_rub, Layer.OVERLAY, propensity=_restlessness),
        "sweat": Source(electrodes.draw_sweat, Layer.OVERLAY),
        "interference": Source(interference.draw_interference, Layer.OVERLAY),
        "drop_out": Source(link.draw_drop_out, Layer.OVERLAY),
    }
)
