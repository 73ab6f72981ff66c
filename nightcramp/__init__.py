"""nightcramp: calf EMG and acceleration in, cramp episodes and a weekly trial report out.

The public API of notebooks and scripts; the command line is built on the same functions.

>>> import nightcramp
>>> recording = nightcramp.open_recording("night.edf")
>>> result = nightcramp.detect(recording, nightcramp.load_classifier())
>>> cramps = result.of_kind(nightcramp.EventKind.CRAMP)
>>> [(cramp.onset_s, cramp.duration_s) for cramp in cramps]

Samples that are arrays already, in microvolts, NaN where missing:

>>> channel = nightcramp.Channel("EMG", "uV", resolution=0.1, limits=(-3276.8, 3276.7))
>>> emg = nightcramp.Stream("emg", 1000.0, (channel,), n_samples=samples.shape[1])
>>> info = nightcramp.RecordingInfo("night", start=None, emg=emg)
>>> recording = nightcramp.ArrayRecording(info, samples)
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING

if sys.platform == "win32":  # no locks, no writing at a place, no signals as they are used here
    raise ImportError(
        "nightcramp runs on Linux and macOS, not on Windows. Recordings can be analysed and "
        "reported in the Windows Subsystem for Linux; nights cannot be recorded there."
    )

if TYPE_CHECKING:
    from models import Classifier, Detector, load_classifier
    from nightcramp.analysis import detect
    from nightcramp.errors import (
        InputError,
        ModelError,
        NightcrampError,
        OutputError,
        RecordingError,
        TableError,
        UsageError,
    )
    from nightcramp.reporting import write_report
    from recordings import ArrayRecording, Channel, RecordingInfo, Stream, open_recording
    from sensing import Event, EventKind, NightResult, Quality
    from trial import Provenance, RunKind, load_study, outcomes, weekly_table

__all__ = [
    "ArrayRecording",
    "Channel",
    "Classifier",
    "Detector",
    "Event",
    "EventKind",
    "InputError",
    "ModelError",
    "NightResult",
    "NightcrampError",
    "OutputError",
    "Provenance",
    "Quality",
    "RecordingError",
    "RecordingInfo",
    "RunKind",
    "Stream",
    "TableError",
    "UsageError",
    "detect",
    "load_classifier",
    "load_study",
    "open_recording",
    "outcomes",
    "weekly_table",
    "write_report",
]

_HOME = {
    "ArrayRecording": "recordings",
    "Channel": "recordings",
    "Classifier": "models",
    "Detector": "models",
    "Event": "sensing",
    "EventKind": "sensing",
    "NightResult": "sensing",
    "Provenance": "trial",
    "Quality": "sensing",
    "RecordingInfo": "recordings",
    "RunKind": "trial",
    "Stream": "recordings",
    "detect": "nightcramp.analysis",
    "load_classifier": "models",
    "load_study": "trial",
    "open_recording": "recordings",
    "outcomes": "trial",
    "weekly_table": "trial",
    "write_report": "nightcramp.reporting",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used: ``import nightcramp`` costs next to nothing."""
    home = _HOME.get(name, "nightcramp.errors" if name.endswith("Error") else None)
    if home is None or name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    """Name what is public, for ``help`` and for completion in notebooks."""
    return __all__
