"""The participant's summary of a night or week: one page, plain words, large type."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING

from trial.participant_sheet import Verdict
from trial.plan import DataOrigin
from trial.report.page import templates
from trial.report.wording import counted, day, number

if TYPE_CHECKING:
    from trial.participant_sheet import NightSheet, Sheet
    from trial.provenance import Provenance
    from trial.study import Study

__all__ = ["render_participant"]

_NIGHT_WORDS = {
    Verdict.GOOD: "The sensor worked well.",
    Verdict.USABLE: "The sensor worked for most of the night.",
    Verdict.NOT_USABLE: "The sensor did not record enough of this night.",
    Verdict.NOT_DUE: "This night is still to come.",
}
_SIGNS = {
    Verdict.GOOD: "✓",
    Verdict.USABLE: "✓",
    Verdict.NOT_USABLE: "–",
    Verdict.NOT_DUE: "·",
}
_SHORT_WORDS = {
    Verdict.GOOD: "good",
    Verdict.USABLE: "mostly good",
    Verdict.NOT_USABLE: "too little",
    Verdict.NOT_DUE: "to come",
}
_REASONS = {
    "not_worn": "The sensor was not worn.",
    "battery_empty": "The battery was empty. Please charge the sensor during the day.",
    "battery": "The battery was empty. Please charge the sensor during the day.",
    "lift_off": "The sensor lost touch with the skin for some of the time.",
    "off_body": "The sensor lost touch with the skin for some of the time.",
    "lost_connection": "The sensor was out of reach for some of the time.",
    "hum": "Something electrical disturbed the sensor, such as a heated blanket.",
    "saturated": "The signal was too strong for some of the time.",
}
_ENOUGH_GOOD_NIGHTS = "You did well. Thank you."
_TOO_FEW_GOOD_NIGHTS = (
    "Fewer nights were recorded than we hoped for. Please call your study team: they are glad to "
    "help."
)


@dataclass(frozen=True, slots=True)
class _Cell:
    """A night of the strip: its day, how it went, and the word for it."""

    weekday: str
    date: str
    sign: str
    word: str
    hours: str
    verdict: str


def render_participant(sheet: Sheet, study: Study, provenance: Provenance) -> str:
    """Return a participant's summary as one HTML page, without script, for screen and A4.

    In a blinded trial no cramp is counted in it; it says no more than how the recording went.
    """
    return (
        templates()
        .get_template("participant.html.j2")
        .render(
            title=study.plan.title,
            participant=sheet.participant_id,
            when=_when(sheet),
            headline=_headline(sheet, study),
            is_good=_good(sheet) >= _wanted(sheet, study),
            sentences=_week(sheet, study) if sheet.is_week else _night(sheet.nights[0]),
            cramps=_cramps(sheet),
            strip=[_cell(night) for night in sheet.nights] if sheet.is_week else [],
            is_simulated=study.plan.data is DataOrigin.SIMULATED,
            made=f"{provenance.created_utc.astimezone(UTC):%Y-%m-%d %H:%M} UTC",
            provenance=provenance,
            input_hash=study.input_hash,
        )
    )


def _when(sheet: Sheet) -> str:
    first, last = sheet.nights[0].night, sheet.nights[-1].night
    if not sheet.is_week:
        return f"Night of {first:%A}, {day(first)}"
    name = f"Week {sheet.week}" if sheet.week > 0 else "A week before the treatment"
    return f"{name}: {day(first)} to {day(last)}"


def _headline(sheet: Sheet, study: Study) -> str:
    if not sheet.is_week:
        return _NIGHT_WORDS[sheet.nights[0].verdict]
    if _due(sheet) < len(sheet.nights):
        return f"{_good(sheet)} of {_due(sheet)} nights so far were recorded well enough."
    enough = _good(sheet) >= _wanted(sheet, study)
    return _ENOUGH_GOOD_NIGHTS if enough else _TOO_FEW_GOOD_NIGHTS


def _wanted(sheet: Sheet, study: Study) -> int:
    """Return how many usable nights are enough; of a week that is not over, as many as can be."""
    return 1 if not sheet.is_week else min(study.plan.display.week_nights, _due(sheet))


def _due(sheet: Sheet) -> int:
    return sum(night.verdict is not Verdict.NOT_DUE for night in sheet.nights)


def _good(sheet: Sheet) -> int:
    return sum(night.verdict in (Verdict.GOOD, Verdict.USABLE) for night in sheet.nights)


def _night(night: NightSheet) -> list[str]:
    if night.verdict is Verdict.NOT_DUE:
        return ["Wear the sensor as you were shown."]
    found = []
    if night.recorded_hours:
        found.append(f"The sensor recorded {_duration(night.recorded_hours)}.")
        found.append(f"We can use {_duration(night.analysable_hours)} of it.")
    else:
        found.append("Nothing was recorded.")
    if night.reason in _REASONS and night.verdict is not Verdict.GOOD:
        found.append(_REASONS[night.reason])
    found.append("Your diary is done." if night.diary else "Your diary has no answer for it.")
    return found


def _week(sheet: Sheet, study: Study) -> list[str]:
    nights = [night for night in sheet.nights if night.verdict is not Verdict.NOT_DUE]
    hours = sum(night.analysable_hours for night in nights)
    answers = sum(night.diary for night in nights)
    found = [
        f"We can use {_good(sheet)} of {len(nights)} nights, {number(hours, 0)} hours in all.",
        f"Your diary has an answer for {answers} of {len(nights)} nights.",
    ]
    missed = [n.reason for n in nights if n.verdict is Verdict.NOT_USABLE and n.reason in _REASONS]
    if missed and study.plan.display.week_nights > _good(sheet):
        often = max(missed, key=missed.count)
        found.append(f"What happened most often: {_REASONS[often]}")
    return found


def _cramps(sheet: Sheet) -> str:
    """Return how many cramps the sensor found, where a participant may be told."""
    if not sheet.tells_cramps:
        return ""
    known = [night for night in sheet.nights if night.cramps is not None]
    if not known:
        return "Cramps: not known."
    cramps = sum(night.cramps or 0 for night in known)
    minutes = sum(night.minutes or 0 for night in known)
    where = "this night" if not sheet.is_week else f"in {len(known)} nights"
    if not cramps:
        return f"The sensor found no cramp {where}."
    noun = "cramp" if cramps == 1 else "cramps"
    return f"The sensor found {counted(int(cramps))} {noun} {where}, {number(minutes, 1)} minutes."


def _cell(night: NightSheet) -> _Cell:
    hours = f"{number(night.analysable_hours, 1)} h" if night.recorded_hours else ""
    return _Cell(
        weekday=f"{night.night:%a}",
        date=f"{night.night.day} {night.night:%b}",
        sign=_SIGNS[night.verdict],
        word=_word(night),
        hours=hours,
        verdict=night.verdict.replace(" ", "-"),
    )


def _word(night: NightSheet) -> str:
    if night.verdict is Verdict.NOT_USABLE and not night.recorded_hours:
        return "not recorded"
    return _SHORT_WORDS[night.verdict]


def _duration(hours: float) -> str:
    minutes = round(60 * hours)
    return f"{minutes // 60} h {minutes % 60} min"
