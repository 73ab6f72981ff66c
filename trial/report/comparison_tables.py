"""The tables that compare the arms: in final runs and in those for the monitoring committee."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trial.report.tables import Body, Row, Table
from trial.report.wording import (
    NOT_KNOWN,
    as_percent,
    counted,
    interval,
    number,
    p_value,
    people,
    signed,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from trial.statistics import (
        Agreement,
        Analysis,
        ArmNumbers,
        Comparison,
        Estimate,
        Refusal,
        Result,
        TippingPoint,
        WeeklyContrasts,
    )
    from trial.statistics.sensor_diary import Interval

__all__ = [
    "analysis_name",
    "comparisons_in",
    "estimate_text",
    "limits_text",
    "notes_of",
    "refusals",
    "tabulate_agreement",
    "tabulate_comparisons",
    "tabulate_contrasts",
    "tabulate_primary",
    "tabulate_tipping",
]

_NAMES = {
    "primary": "Cramps per week, primary",
    "negative_binomial": "Cramps per week, negative binomial",
    "ancova": "Cramps per week, covariance",
    "cramp_minutes": "Cramp minutes per week",
    "duration": "Minutes per cramp, geometric mean",
    "duration_minutes": "Minutes per cramp, mean",
    "duration_as_seen": "Minutes per cramp as seen, geometric mean",
    "duration_minutes_as_seen": "Minutes per cramp as seen, mean",
    "severity": "Severity by the diary",
    "cramp_free_weeks": "Share of cramp\N{NON-BREAKING HYPHEN}free weeks",
    "displayed_weeks": "Displayed weeks only",
    "missing_at_random": "Missing time imputed at random",
    "jump_to_reference": "Jump to reference after stopping",
    "possible_cramps": "Possible cramps counted too",
    "sure_cramps": "Cramps of confidence 0.9 or more only",
    "detector_errors": "Errors of the detector",
}
_COMPARISONS = (
    "Comparisons of the arms (a difference per week is that of the values of the arms beside it, "
    "adjusted unless by a randomisation test; other values are as seen)"
)


def tabulate_primary(result: Comparison) -> Table:
    """Return the primary comparison: what each arm had, and what lies between them."""
    names = tuple(arm.arm for arm in result.arms)

    def row(label: str, cells: Iterable[str]) -> Row:
        return (label, *cells)

    arms = (
        row("Participants", (counted(arm.participants) for arm in result.arms)),
        row("Cramps", (number(arm.total, 0) for arm in result.arms)),
        row("Weeks of analysable time", (number(arm.exposure, 1) for arm in result.arms)),
        row("Cramps per week as seen (95 % CI)", (_value(arm, 2) for arm in result.arms)),
        row("Cramps per week, adjusted", (number(arm.adjusted, 2) for arm in result.arms)),
    )
    return Table("Primary outcome by arm", ("", *names), (Body(arms),))


def tabulate_comparisons(analysis: Analysis) -> Table:
    """Return every comparison with its estimate, interval and p value."""
    groups = {
        "Cramps per week": (analysis.primary, analysis.second, analysis.fallback),
        "Sensitivity": (*analysis.sensitivity, *analysis.recounted),
        "Everybody with analysable time": (analysis.cramp_minutes, analysis.cramp_free_weeks),
        "All randomised": analysis.responders,
        "Participants with episodes only": (*analysis.durations, analysis.severity),
    }
    arms = [arm.arm for arm in analysis.arms]
    head = ("", *(f"{arm} (n)" for arm in arms), "Treatment against reference", "95 % CI", "p")
    bodies = tuple(
        Body(tuple(row for result in results for row in _rows(result)), name)
        for name, results in groups.items()
    )
    return Table(_COMPARISONS, head, tuple(body for body in bodies if body.rows))


def tabulate_contrasts(analysis: Analysis) -> Table | None:
    """Return the effect of every week with simultaneous intervals, if it could be worked out."""
    found = _weekly(analysis.by_week)
    if found is None or not found.weeks:
        return None
    measure = found.weeks[0].estimate.measure
    rows = tuple(
        (
            signed(week.week),
            counted(week.treated),
            counted(week.controls),
            number(week.estimate.value, 2),
            interval(week.estimate.low, week.estimate.high),
            p_value(week.estimate.p_value),
        )
        for week in found.weeks
    )
    head = (
        *("Week", "Treated", "Reference", measure.capitalize()),
        *("Simultaneous 95 % CI", "p, adjusted"),
    )
    return Table(f"Week by week: {measure}", head, (Body(rows),))


def tabulate_tipping(analysis: Analysis) -> Table | None:
    """Return the primary result under ever worse assumptions on missing time."""
    found = analysis.tipping_point
    if found.kind == "refusal":
        return None
    rows = tuple(
        (
            number(step.factor, 1),
            number(step.estimate.value, 2),
            interval(step.estimate.low, step.estimate.high),
        )
        for step in found.steps
    )
    head = ("Cramps in missing time of the treated, times", "Rate ratio", "95 % CI")
    return Table(f"Tipping point: {_tips(found)}", head, (Body(rows),))


def _tips(found: TippingPoint) -> str:
    if found.tips_at is None:
        largest = number(found.steps[-1].factor, 0)
        return f"significant benefit even with {largest} times the cramps in missing time"
    if found.tips_at == found.steps[0].factor:
        return "no significant benefit with missing time like seen time"
    return f"no significant benefit from {number(found.tips_at, 1)} times on"


def tabulate_agreement(found: Agreement) -> Table:
    """Return agreement of sensor and diary, both ways round."""
    weekly = found.weekly
    rows: list[Row] = [
        ("Diary has a cramp: sensor has one", *_share(found.sensor_given_diary)),
        ("Sensor has a cramp: diary has one", *_share(found.diary_given_sensor)),
        ("Diary has none: sensor has none", *_share(found.neither_given_no_diary)),
        ("Sensor has none: diary has none", *_share(found.neither_given_no_sensor)),
        ("Kappa", *_interval(found.kappa)),
        ("Kappa, prevalence adjusted", *_interval(found.prevalence_adjusted_kappa)),
    ]
    if weekly is not None:
        rows.append(("Cramps, sensor ÷ diary", *_interval(weekly.ratio_of_totals)))
    caption = (
        f"Agreement under treatment, on {counted(found.nights)} nights of "
        f"{people(found.participants)}"
    )
    return Table(caption, ("", "Value", "95 % CI"), (Body(tuple(rows)),))


def notes_of(analysis: Analysis) -> tuple[str, ...]:
    """Return each method, and what a reader must not overlook, with the analyses they belong to."""
    methods: dict[str, list[str]] = {}
    notes: dict[str, list[str]] = {}
    for result in _results(analysis):
        for name, found in _done(result):
            text = f"{found.method.rstrip('.')}; {found.population}."
            methods.setdefault(text, []).append(name)
            for note in found.notes:
                notes.setdefault(note, []).append(name)
    for other in (analysis.tipping_point, analysis.detector_errors):
        if other.kind != "refusal":
            methods[f"{other.method.rstrip('.')}."] = [analysis_name(other.analysis)]
    told = [*methods.items(), *notes.items()]
    return tuple(f"{', '.join(dict.fromkeys(names))}: {text}" for text, names in told)


def refusals(analysis: Analysis) -> tuple[str, ...]:
    """Return which analyses were not done, why, and what was done instead; alike ones together."""
    every = (
        *(*_results(analysis), analysis.by_week, analysis.tipping_point),
        *(analysis.detector_errors, analysis.sensor_against_diary),
    )
    alike: dict[str, list[str]] = {}
    for found in every:
        if found.kind == "refusal":
            why = f"{found.reason}. Instead: {found.instead}"
            alike.setdefault(why, []).append(analysis_name(found.analysis))
    return tuple(f"{'; '.join(names)}: {why}" for why, names in alike.items())


def comparisons_in(result: Result | WeeklyContrasts) -> tuple[Comparison, ...]:
    """Return a comparison, or those that were made in place of a refused one."""
    return tuple(found for _, found in _done(result))


def _results(analysis: Analysis) -> tuple[Result, ...]:
    return (
        *(analysis.primary, analysis.second, analysis.fallback, *analysis.sensitivity),
        *analysis.recounted,
        *(analysis.cramp_minutes, analysis.cramp_free_weeks, *analysis.responders),
        *(*analysis.durations, analysis.severity),
    )


def _done(result: Result | WeeklyContrasts) -> Iterator[tuple[str, Comparison]]:
    """Yield a comparison under its name, or those that were made in place of a refused one."""
    if result.kind == "comparison":
        yield analysis_name(result.analysis), result
    elif result.kind == "refusal":
        for other in result.alternative:
            for _, found in _done(other):
                yield f"{analysis_name(result.analysis)} (instead)", found


def _weekly(result: WeeklyContrasts | Refusal) -> WeeklyContrasts | None:
    """Return the contrasts of the weeks, or those that were made in place of refused ones."""
    if result.kind == "weekly contrasts":
        return result
    made = (other for other in result.alternative if other.kind == "weekly contrasts")
    return next(made, None)


def _rows(result: Result) -> list[Row]:
    """Return a row for each estimate; the arms stand in the first of each comparison."""
    return [row for name, found in _done(result) for row in _comparison_rows(name, found)]


def _comparison_rows(name: str, result: Comparison) -> Iterator[Row]:
    arms = [_crude(result, arm) for arm in result.arms]
    for estimate in result.estimates:
        yield (
            f"{name}: {estimate.measure}",
            *arms,
            estimate_text(result, estimate),
            limits_text(result, estimate),
            p_value(estimate.p_value),
        )
        arms = [""] * len(arms)


def _is_share(result: Comparison) -> bool:
    return result.analysis.startswith("cramp_free") or any(
        estimate.measure == "risk difference" for estimate in result.estimates
    )


def _crude(result: Comparison, arm: ArmNumbers) -> str:
    value = arm.value if arm.adjusted is None else arm.adjusted
    shown = as_percent(value) if _is_share(result) else number(value, 2)
    return f"{shown} ({counted(arm.participants)})"


def estimate_text(result: Comparison, estimate: Estimate) -> str:
    """Return an estimate of a comparison, in percent if it is one of shares."""
    if _is_share(result):
        return as_percent(estimate.value)
    return number(estimate.value, 2)


def limits_text(result: Comparison, estimate: Estimate) -> str:
    """Return the limits of its 95 % interval in the same unit."""
    if estimate.low is None or estimate.high is None:
        return NOT_KNOWN
    if _is_share(result):
        return f"{as_percent(estimate.low)} to {as_percent(estimate.high)}"
    return interval(estimate.low, estimate.high)


def analysis_name(analysis: str) -> str:
    """Return what an analysis is called in tables and figures."""
    if analysis.startswith("responders_"):
        percent = analysis.removeprefix("responders_")
        return f"Responders, fall of {percent}\N{NO-BREAK SPACE}% or more"
    return _NAMES.get(analysis, analysis.replace("_", " ").capitalize())


def _value(arm: ArmNumbers, digits: int) -> str:
    limits = interval(arm.low, arm.high, digits)
    return number(arm.value, digits) + (f" ({limits})" if limits else "")


def _share(found: Interval) -> tuple[str, str]:
    if found.low is None or found.high is None:
        return as_percent(found.value), NOT_KNOWN
    return as_percent(found.value), f"{as_percent(found.low)} to {as_percent(found.high)}"


def _interval(found: Interval) -> tuple[str, str]:
    return number(found.value, 2), interval(found.low, found.high) or NOT_KNOWN
