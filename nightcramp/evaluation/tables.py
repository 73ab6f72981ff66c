"""The tables of the page: figures to texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.evaluation import NIGHT_H, Proportion, Rate, ratio_limits, spread_of
from trial.report.tables import Body, Table
from trial.report.wording import NOT_KNOWN, counted, interval, number, share

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.evaluation import Stratum, WeeklyCount
    from nightcramp.evaluation.summary import Group, Summary

SUITE_WORDS = {
    "ordinary": "Ordinary nights",
    "quiet": "Quiet nights with cramps",
    "plm": "Periodic leg movements",
    "restless_legs": "Restless legs",
    "restless_sleeper": "Restless sleeper",
    "toilet_trips": "Toilet trips",
    "standing": "Standing at the bedside",
    "long_holds": "Long holds",
    "exercise": "Exercise in bed",
    "hum": "Mains hum",
    "lift_off": "Electrodes lift off",
    "saturation": "Saturation",
    "dropouts": "Drop-outs",
    "dense": "Everything at once",
}
"""Names of the simulator's suites for people; a source keeps its own."""


def suite_name(name: str) -> str:
    """Return the name of a suite or source for people."""
    return SUITE_WORDS.get(name, name)


def tabulate_suites(groups: Sequence[Group], caption: str, names: tuple[str, str]) -> Table:
    """Return false alarms and easy cramps of each suite or source, called by `names`."""
    rows = []
    for group in groups:
        alarms = group.stratum.alarms
        if alarms is not None:
            rows.append(
                (
                    suite_name(group.stratum.name),
                    counted(group.stratum.recordings),
                    number(alarms.hours, 1),
                    share(alarms.hours, group.recorded_h),
                    _part(group.stratum.cramps),
                    counted(alarms.count),
                    counted(group.second_reports),
                    per_night(alarms),
                    _rate(alarms, 24.0),
                )
            )
    head = (
        *names,
        "Analysable h",
        "of recorded",
        "Cramps found",
        "False alarms",
        "of them 2nd reports",
        "per 8 h (95 % CI)",
        "per 24 h (95 % CI)",
    )
    return Table(caption, head, (Body(tuple(rows)),))


def tabulate_causes(summary: Summary) -> Table:
    """Return the false alarms by what was there."""
    rows = tuple(
        (cause, counted(rate.count), per_night(rate)) for cause, rate in summary.causes.items()
    )
    return Table(
        "False alarms by what was there",
        ("There was", "False alarms", "per 8 analysable h (95 % CI)"),
        (Body(rows),),
    )


def tabulate_cramps(strata: Sequence[Stratum], caption: str, head: str) -> Table:
    """Return cramps found and false alarms of each kind of recording."""
    rows = tuple(
        (
            stratum.name.replace("_", " "),
            counted(stratum.recordings),
            _part(stratum.cramps),
            with_limits(stratum.cramps),
            per_night(stratum.alarms) if stratum.alarms else NOT_KNOWN,
        )
        for stratum in strata
    )
    names = (head, "Nights", "Cramps found", "Sensitivity (95 % CI)", "False alarms per 8 h")
    return Table(caption, names, (Body(rows),))


def tabulate_grid(summary: Summary) -> Table:
    """Return cramps found by amplitude and duration."""
    head = ("Amplitude", *(stratum.name for stratum in summary.durations), "All")
    rows = tuple(
        (row.name, *(_part(cell.cramps) for cell in cells), _part(row.cramps))
        for row, cells in zip(summary.amplitudes, summary.grid, strict=True)
    )
    everything = ("All", *(_part(each.cramps) for each in summary.durations), _part(summary.every))
    caption = "Cramps found, by amplitude in multiples of the noise floor and by length"
    return Table(caption, head, (Body((*rows, everything)),))


def tabulate_errors(summary: Summary) -> Table:
    """Return how far onset, offset and duration are off."""
    rows = []
    for name, values in summary.whole.errors_s().items():
        spread = spread_of(values)
        if spread is not None:
            rows.append(
                (
                    name.capitalize(),
                    counted(spread.count),
                    number(spread.median, 2),
                    number(spread.p90_absolute, 2),
                )
            )
    head = ("Edge", "Cramps", "Median error, s", "90 % within, s")
    caption = "Errors of the cramps found (≥ 15 s, ≥ 3 × the floor or of unknown amplitude)"
    return Table(caption, head, (Body(tuple(rows)),))


def tabulate_agreement(summary: Summary) -> Table:
    """Return precision, recall and F1 at each overlap."""
    rows = tuple(
        (
            "any overlap" if not each.least_overlap else f"≥ {each.least_overlap:g}",
            counted(each.agreed),
            counted(each.episodes),
            counted(each.cramps),
            number(each.precision, 3),
            number(each.recall, 3),
            number(each.f1, 3),
        )
        for each in summary.agreements
    )
    head = ("Overlap over union", "Agreed", "Episodes", "Cramps", "Precision", "Recall", "F1")
    return Table("Agreement, one to one, possible cramps included", head, (Body(rows),))


def tabulate_weekly(summary: Summary) -> Table:
    """Return the weekly counts of each suite."""
    groups = [(suite_name(group.stratum.name), group.weekly) for group in summary.suites]
    if len(groups) > 1:
        groups.append(("All", summary.weekly))
    rows = tuple(_weekly_row(name, count) for name, count in groups)
    head = ("Suite", "Participants", "True a week", "Reported a week", "Error (95 % CI)", "Bias")
    return Table("Weekly count: cramps in 56 analysable hours", head, (Body(rows),))


def duration_words(summary: Summary) -> str:
    """Return the ratio limits of agreement in a sentence; empty without any."""
    ratio = ratio_limits(summary.whole.matches)
    right = summary.whole.duration_within()
    if ratio is None or right is None:
        return ""
    return (
        f"Found durations are {number(ratio.ratio, 2)} times the true ones (geometric mean); 19 of "
        f"20 lie between {number(ratio.low, 2)} and {number(ratio.high, 2)} times. "
        f"{share(right, 1)} are right to the larger of 5 s and 10 %."
    )


def alarm_words(summary: Summary) -> str:
    """Return the time in alarm in a sentence."""
    found = summary.in_alarm
    return (
        f"Time in alarm: {number(found.alarm_s / 60, 1)} minutes in "
        f"{number(found.analysable_s / 3600, 1)} analysable hours; "
        f"{share(found.right_s, found.alarm_s)} of it lies within a true cramp, and it covers "
        f"{share(found.right_s, found.cramp_s)} of the time of all cramps."
    )


def with_limits(cramps: Proportion) -> str:
    """Return a sensitivity with its exact limits."""
    if cramps.value is None:
        return NOT_KNOWN
    return f"{number(cramps.value, 3)} ({interval(cramps.low, cramps.high, 3)})"


def per_night(rate: Rate) -> str:
    """Return a rate in eight hours with its exact limits."""
    return _rate(rate, NIGHT_H)


def _rate(rate: Rate, hours: float) -> str:
    found = rate.per(hours)
    if found is None:
        return NOT_KNOWN
    value, low, high = found
    digits = 2 if high >= 1 else 3
    return f"{number(value, digits)} ({interval(low, high, digits)})"


def _part(cramps: Proportion) -> str:
    return f"{cramps.count} of {cramps.of}" if cramps.of else "–"


def _weekly_row(name: str, count: WeeklyCount) -> tuple[str, ...]:
    error = number(count.error, 2)
    if count.error_low is not None:
        error += f" ({interval(count.error_low, count.error_high)})"
    bias = NOT_KNOWN if count.bias is None else f"{number(100 * count.bias, 1)} %"
    return (
        name,
        counted(count.participants),
        number(count.true, 2),
        number(count.reported, 2),
        error,
        bias,
    )
