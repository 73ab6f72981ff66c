"""The class of each frame of a simulated night, from what really happened in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.classifier import CLASS_NAMES
from models.truth import TruthKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from models.truth import TrueEvent

CLASS_OF = {
    TruthKind.ARTEFACT: "artefact",
    TruthKind.SATURATION: "artefact",
    TruthKind.LIFT_OFF: "artefact",
    TruthKind.MYOCLONUS: "leg_movement",
    TruthKind.LEG_MOVEMENT: "leg_movement",
    TruthKind.RHYTHMIC: "leg_movement",
    TruthKind.POSTURE_SHIFT: "movement",
    TruthKind.MASSAGE: "movement",
    TruthKind.STANDING: "movement",
    TruthKind.HOLD: "movement",
    TruthKind.GAIT: "gait",
    TruthKind.CRAMP: "cramp",
}
"""Class of each kind of event; where events overlap the later entry wins. Hum and gaps are
states of the recording, not something the leg does: they have none."""

FRAME_S = 1.0


def label_frames(
    end_s: npt.NDArray[np.float64], events: Sequence[TrueEvent]
) -> npt.NDArray[np.int64]:
    """Return the index into `CLASS_NAMES` of frames that end at `end_s`.

    A frame belongs to an event that fills at least half of it, else it rests.
    """
    labels = np.zeros(len(end_s), dtype=np.int64)
    middle_s = end_s - FRAME_S / 2
    for kind, name in CLASS_OF.items():
        for event in events:
            if event.kind is kind and event.detail != "sweat":  # hours long, hardly in the EMG
                inside = (middle_s >= event.onset_s) & (middle_s <= event.offset_s)
                labels[inside] = CLASS_NAMES.index(name)
    return labels
