"""The primary result in a few words: what lies between the arms, or why that cannot be said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trial.report.comparison_tables import comparisons_in, estimate_text, limits_text
from trial.report.wording import interval, number, p_value, people

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trial.statistics import Analysis, Comparison, Estimate, Refusal

__all__ = ["primary_sentence"]


def primary_sentence(analysis: Analysis) -> str:
    """Return the primary result with what it rests on.

    If it was refused: the reason, each arm's own rate, and what was found in its place.
    """
    primary = analysis.primary
    if primary.kind == "comparison":
        return _result(primary)
    parts = (f"The primary analysis was not done: {primary.reason}.", *_refused(primary))
    return " ".join(parts)


def _result(found: Comparison) -> str:
    """Return adjusted rates and both estimates of a comparison of rates."""
    ratio, apart = found.estimates
    reference, treatment = (f"{number(arm.adjusted, 2)} with {arm.arm}" for arm in found.arms)
    behind = sum(arm.participants for arm in found.arms)
    return (
        f"Adjusted cramps per week: {treatment}, {reference}. Rate ratio {number(ratio.value, 2)} "
        f"(95 % CI {interval(ratio.low, ratio.high)}; {_p(ratio)}), difference per week "
        f"{number(apart.value, 2)} ({interval(apart.low, apart.high)}; {_p(apart)}). "
        f"{people(behind)}; the participant is the unit of analysis."
    )


def _refused(refusal: Refusal) -> Iterator[str]:
    """Yield what can be said in place of a refused comparison, a sentence at a time."""
    seen = [
        f"{number(arm.value, 2)} ({interval(arm.low, arm.high) or 'no interval'}) with {arm.arm}"
        for arm in reversed(refusal.arms)
        if arm.value is not None
    ]
    if seen:
        yield f"Cramps per week as seen (95 % CI): {', '.join(seen)}."
    yield f"Instead: {refusal.instead}"
    for found in comparisons_in(refusal):
        if len(found.estimates) > 1:
            yield _result(found)
        else:
            yield _single(found)


def _single(found: Comparison) -> str:
    (estimate,) = found.estimates
    parts = [f"95 % CI {limits_text(found, estimate)}"] if estimate.low is not None else []
    if estimate.p_value is not None:
        parts.append(_p(estimate))
    measure = estimate.measure.capitalize()
    return f"{measure} {estimate_text(found, estimate)} ({'; '.join(parts)})."


def _p(estimate: Estimate) -> str:
    text = p_value(estimate.p_value)
    return f"p {text}" if text.startswith("<") else f"p = {text}"
