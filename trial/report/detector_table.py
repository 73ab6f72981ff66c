"""What errors of the detector could do to the result: a table, and a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trial.report.tables import Body, Table
from trial.report.wording import NOT_KNOWN, as_percent, interval, number

if TYPE_CHECKING:
    from trial.report.tables import Row
    from trial.statistics import Analysis
    from trial.statistics.results import LessFalseAlarms

__all__ = ["detector_sentence", "tabulate_detector_errors"]

_CAPTION = "If so many of the counted cramps were false alarms, alike in both arms"


def tabulate_detector_errors(analysis: Analysis) -> Table | None:
    """Return rates and their ratio less false alarms, if a model gave them."""
    found = analysis.detector_errors
    if found.kind == "refusal":
        return None
    names = tuple(f"{arm.arm}, per week" for arm in analysis.arms)
    head = ("False alarms in 8 analysable hours", *names, "Rate ratio", "95 % CI")
    return Table(_CAPTION, head, (Body(tuple(_row(step) for step in found.steps)),))


def detector_sentence(analysis: Analysis) -> str:
    """Return how unlike the detector would have to be in the arms to have made the benefit."""
    found = analysis.detector_errors
    if found.kind == "refusal":
        return ""
    reference, *treatments = (arm.arm for arm in analysis.arms)
    treatment = " and ".join(treatments)
    parts = []
    if found.more_false_alarms is not None:
        parts.append(
            f"if the detector raised {number(found.more_false_alarms, 2)} false alarms more in 8 "
            f"analysable hours with {reference} than with {treatment}"
        )
    if found.less_found is not None:
        parts.append(
            f"if of the cramps with {treatment} it found no more than "
            f"{as_percent(found.less_found)} of the share that it finds with {reference}"
        )
    if not parts:
        return "There is no significant benefit that errors of the detector could have made."
    return (
        "Errors that are alike in both arms make no effect where there is none. The benefit would "
        f"lose its significance {', or '.join(parts)}."
    )


def _row(step: LessFalseAlarms) -> Row:
    rates = (_rate(step.reference), _rate(step.treatment))
    if step.estimate is None:
        return (number(step.false_alarms, 2), *rates, "not estimable", NOT_KNOWN)
    ratio = step.estimate
    return (
        number(step.false_alarms, 2),
        *rates,
        number(ratio.value, 2),
        interval(ratio.low, ratio.high),
    )


def _rate(value: float) -> str:
    return number(value, 2) if value > 0 else "fewer were counted"
