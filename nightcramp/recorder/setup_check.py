"""The check at bedtime: a minute of rest, three contractions, and what they say of the night.

Judged from the bins of the detector's own front end, so that what passes here can be judged all
night. Nothing waits or asks here: the recorder does.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from nightcramp.recorder.battery import NIGHT_H, battery_text
from sensing import Quality

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nightcramp.recorder.battery import Forecast
    from nightcramp.recorder.meter import Bins

QUIET_S = 60.0
CONTRACTION_S = 5.0
PAUSE_S = 6.0
CONTRACTIONS = 3

JUDGED_QUIET_S = 45.0
"""The minute's beginning is left out: people still settle, and the floor needs ten seconds."""

MOST_BAD = 0.1
"""Share of the quiet time that may be bad for one reason."""

NOISY_UV = 15.0
"""Noise floor that leaves no room for the night: at 30 uV nothing weak can be seen (S-PLMAD)."""

LEAST_RISE = 5.0
"""A reference contraction, in noise floors: cramps are found from three on."""

_STRONG = 0.8
_MOVED = 3.0
_CONTACT = (Quality.GAP, Quality.FLAT, Quality.SATURATED, Quality.LIFT_OFF)


class Verdict(StrEnum):
    """What a part of the check says."""

    GOOD = "good"
    FIX = "fix"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """One part of the check.

    Attributes
    ----------
    part : str
        ``data``, ``contact``, ``hum``, ``noise``, ``rest``, ``contractions`` or ``battery``.
    verdict : Verdict
    text : str
        For the participant: how it is, and what to do.
    value : float or None
        The figure behind it.
    """

    part: str
    verdict: Verdict
    text: str
    value: float | None = None


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What the check found."""

    findings: tuple[Finding, ...]

    @property
    def passed(self) -> bool:
        """Whether nothing is to be fixed."""
        return all(finding.verdict is not Verdict.FIX for finding in self.findings)

    def to_json(self) -> dict[str, object]:
        """Return what the journal keeps."""
        parts = {
            finding.part: {"verdict": str(finding.verdict), "value": finding.value}
            for finding in self.findings
        }
        return {"event": "setup_check", "passed": self.passed, "parts": parts}


def judge_setup(
    quiet: Bins | None, contractions: Sequence[Bins | None], battery: Forecast
) -> CheckResult:
    """Judge a set-up.

    Parameters
    ----------
    quiet : Bins or None
        Of the minute of rest; None if nothing came.
    contractions : sequence of Bins or None
        Of each reference contraction.
    battery : Forecast
    """
    if quiet is None or not len(quiet):
        text = "No EMG came from the sensor. Check that it is switched on and worn."
        return CheckResult((Finding("data", Verdict.FIX, text), _judge_battery(battery)))
    judged = quiet.between(quiet.time_s[-1] - JUDGED_QUIET_S, np.inf)
    findings = (
        _judge_contact(judged),
        _judge_hum(judged),
        _judge_noise(judged),
        _judge_rest(judged),
        _judge_contractions([bins for bins in contractions if bins is not None]),
        _judge_battery(battery),
    )
    return CheckResult(findings)


def _judge_contact(quiet: Bins) -> Finding:
    bad = float(np.isin(quiet.quality, _CONTACT).mean(axis=1).min())
    if bad <= MOST_BAD:
        return Finding("contact", Verdict.GOOD, "Skin contact is good.", bad)
    text = (
        f"Skin contact is poor ({bad:.0%} of the time). Clean the skin, moisten or renew the "
        "electrodes, and press the sensor on."
    )
    return Finding("contact", Verdict.FIX, text, bad)


def _judge_hum(quiet: Bins) -> Finding:
    swamped = float((quiet.quality == Quality.HUM).mean(axis=1).min())
    if swamped <= MOST_BAD:
        return Finding("hum", Verdict.GOOD, "No mains hum in the way.", swamped)
    text = (
        f"Mains hum covers the signal ({swamped:.0%} of the time). Move chargers, lamps and "
        "electric blankets away from the leg, and renew the electrodes."
    )
    return Finding("hum", Verdict.FIX, text, swamped)


def _judge_noise(quiet: Bins) -> Finding:
    floor = _best_floor(quiet)
    if np.isnan(floor):
        text = "The noise floor could not be measured: too little of the minute was usable."
        return Finding("noise", Verdict.FIX, text)
    if not quiet.scaled:
        return Finding("noise", Verdict.GOOD, "The noise floor is measured.", floor)
    if floor <= NOISY_UV:
        return Finding("noise", Verdict.GOOD, f"The noise floor is low ({floor:.1f} uV).", floor)
    text = (
        f"The signal is noisy at rest ({floor:.0f} uV, at most {NOISY_UV:.0f}). Renew the "
        "electrodes, and lay the leg down relaxed."
    )
    return Finding("noise", Verdict.FIX, text, floor)


def _judge_rest(quiet: Bins) -> Finding:
    """Say whether the quiet minute was quiet: else the floor is not that of rest."""
    rise = float(np.nanmedian(_rise(quiet))) if _known(quiet) else float("nan")
    if np.isnan(rise):
        return Finding("rest", Verdict.UNKNOWN, "Whether the leg was at rest is not known.")
    if rise <= _MOVED:
        return Finding("rest", Verdict.GOOD, "The leg was at rest.", rise)
    text = "The leg was not at rest during the quiet minute. Lie still and check again."
    return Finding("rest", Verdict.FIX, text, rise)


def _judge_contractions(contractions: Sequence[Bins]) -> Finding:
    rises = [_strength(bins) for bins in contractions if _known(bins)]
    if len(rises) < CONTRACTIONS:
        text = "The contractions could not be seen. Check again."
        return Finding("contractions", Verdict.FIX, text)
    middle = float(np.median(rises))
    if middle >= LEAST_RISE:
        text = f"Contractions are clear ({middle:.0f} times the noise floor)."
        return Finding("contractions", Verdict.GOOD, text, middle)
    text = (
        f"Contractions hardly show ({middle:.1f} times the noise floor, at least "
        f"{LEAST_RISE:.0f}). Put the electrodes on the thickest part of the inner calf, along "
        "the leg, and press the foot down firmly."
    )
    return Finding("contractions", Verdict.FIX, text, middle)


def _judge_battery(battery: Forecast) -> Finding:
    said = battery_text(battery).removeprefix("battery ")
    if battery.enough is None:
        text = f"Battery: {said}. How long it lasts is not known: charge it before each night."
        return Finding("battery", Verdict.UNKNOWN, text, battery.hours)
    if battery.enough:
        return Finding("battery", Verdict.GOOD, f"Battery: {said}.", battery.hours)
    text = f"Battery: {said}; a night needs {NIGHT_H:.0f} h. Charge the sensor first."
    return Finding("battery", Verdict.FIX, text, battery.hours)


def _known(bins: Bins) -> bool:
    return bool(len(bins)) and not np.isnan(bins.floor).all()


def _best_floor(bins: Bins) -> float:
    return float(np.nanmin(bins.floor)) if _known(bins) else float("nan")


def _rise(bins: Bins) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Return amplitude over noise floor of the channel that rises most, shape (bins,)."""
    return np.asarray(np.fmax.reduce(bins.rms / bins.floor, axis=0), dtype=np.float32)


def _strength(bins: Bins) -> float:
    """Return how strong a contraction was, but for its strongest tenths."""
    return float(np.nanquantile(_rise(bins), _STRONG))
