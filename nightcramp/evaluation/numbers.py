"""An evaluation as JSON for machines and as lines for a terminal."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np

from models.evaluation import NIGHT_H, Proportion, Rate, Stratum, ratio_limits, spread_of
from nightcramp.evaluation.summary import cause_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from models.evaluation import Agreement, Reliability, WeeklyCount
    from nightcramp.evaluation.summary import Group, Summary
    from nightcramp.scoring import Results

DIGITS = 4


def as_numbers(summary: Summary, results: Results) -> dict[str, object]:
    """Return all figures of an evaluation, ready for JSON; times in seconds, rates with limits."""
    whole = summary.whole
    ratio = ratio_limits(whole.matches)
    return {
        "recordings": whole.recordings,
        "participants": summary.participants,
        "simulated": summary.simulated,
        "analysable_hours": round(whole.analysable_h, 3),
        "made_by": [dict(makers) for makers in _distinct(results)],
        "failed": list(results.failures),
        "cramps_15s_3floors": _proportion(summary.easy),
        "cramps_all": _proportion(summary.every),
        "cramps_15s_3floors_reported": _proportion(summary.easy_reported),
        "sensitivity_by_amplitude": _strata(summary.amplitudes),
        "sensitivity_by_duration": _strata(summary.durations),
        "sensitivity_by_amplitude_and_duration": {
            row.name: _strata(cells)
            for row, cells in zip(summary.amplitudes, summary.grid, strict=True)
        },
        "by_suite": {group.stratum.name: _group(group) for group in summary.suites},
        "by_sensor": _strata(summary.sensors),
        "by_rate": _strata(summary.rates),
        "recorded_sources": {group.stratum.name: _group(group) for group in summary.sources},
        "false_alarms": len(whole.false_alarms),
        "false_alarms_split": sum(alarm.split for alarm in whole.false_alarms),
        "false_alarms_per_8h": _rate(summary.alarms, NIGHT_H),
        "false_alarms_per_24h": _rate(summary.alarms, 24.0),
        "false_alarms_by_cause": {
            cause: _rate(rate, NIGHT_H) for cause, rate in summary.causes.items()
        },
        "agreement": [_agreement(each) for each in summary.agreements],
        "time_in_alarm_s": _rounded(asdict(summary.in_alarm)),
        "errors_s": {
            name: _rounded(asdict(spread))
            for name, values in whole.errors_s().items()
            if (spread := spread_of(values)) is not None
        },
        "duration_ratio": _rounded(asdict(ratio)) if ratio else None,
        **_rounded({"durations_within_5s_or_10_percent": whole.duration_within()}),
        "weekly_count": _weekly(summary.weekly),
        "latency_s": _quantiles(summary.latency_s.tolist()),
        "reliability": {
            "seconds": _reliability(summary.seconds) if summary.seconds else None,
            "episodes": _reliability(summary.episodes),
        },
    }


def as_text(summary: Summary) -> str:
    """Return the main figures of an evaluation as lines for a terminal."""
    return "\n".join(_lines(summary))


def _lines(summary: Summary) -> Iterator[str]:
    whole = summary.whole
    yield f"{whole.recordings} recordings, {whole.analysable_h:.1f} analysable hours"
    cramps = (("cramps ≥ 15 s and ≥ 3 x floor", summary.easy), ("all cramps", summary.every))
    for title, found in cramps:
        yield f"{title:<30} {_found(found)}"
    yield f"{'false alarms':<30} {_alarms(summary.alarms)}"
    for name, values in whole.errors_s().items():
        spread = spread_of(values)
        if spread is not None:
            yield (
                f"{name + ' error':<30} median {spread.median:+.2f} s, 90 % within "
                f"{spread.p90_absolute:.2f} s"
            )
    right = whole.duration_within()
    if right is not None:
        yield f"{'durations right':<30} {right:.1%} within the larger of 5 s and 10 %"
    yield from _suite_lines(summary.suites)
    yield from _suite_lines(summary.sources)
    for alarm in whole.false_alarms:
        yield (
            f"  false alarm in {alarm.recording} at {alarm.event.onset_s:.1f} s, "
            f"{alarm.event.duration_s:.1f} s long: {cause_of(alarm)}"
        )


def _suite_lines(groups: Sequence[Group]) -> Iterator[str]:
    for group in groups:
        if group.stratum.alarms is not None:
            yield (
                f"  {group.stratum.name:<28} {_found(group.stratum.cramps)}; "
                f"false alarms {_alarms(group.stratum.alarms)}"
            )


def _found(cramps: Proportion) -> str:
    if cramps.value is None or cramps.low is None or cramps.high is None:
        return "none known"
    return (
        f"{cramps.count} of {cramps.of} counted, sensitivity {cramps.value:.3f} "
        f"(95 % limits {cramps.low:.3f} to {cramps.high:.3f})"
    )


def _alarms(rate: Rate) -> str:
    per_night = rate.per(NIGHT_H)
    if per_night is None:
        return "not defined: nothing was analysable"
    value, low, high = per_night
    return f"{rate.count}, per 8 analysable hours {value:.3f} (95 % limits {low:.3f} to {high:.3f})"


def _distinct(results: Results) -> list[dict[str, str]]:
    """Return what made the results, each once."""
    return [dict(pairs) for pairs in sorted({tuple(makers.items()) for makers in results.makers})]


def _proportion(share: Proportion) -> dict[str, object]:
    return _rounded(
        {
            "found": share.count,
            "of": share.of,
            "share": share.value,
            "lower95": share.low,
            "upper95": share.high,
            "lower95_by_participant": share.low_participants,
            "upper95_by_participant": share.high_participants,
        }
    )


def _rate(rate: Rate, hours: float) -> dict[str, object]:
    value, low, high = rate.per(hours) or (None, None, None)
    by_participant = [
        None if limit is None else limit * hours
        for limit in (rate.low_participants, rate.high_participants)
    ]
    return _rounded(
        {
            "count": rate.count,
            "rate": value,
            "lower95": low,
            "upper95": high,
            "lower95_by_participant": by_participant[0],
            "upper95_by_participant": by_participant[1],
        }
    )


def _strata(strata: Sequence[Stratum]) -> dict[str, object]:
    return {stratum.name: _stratum(stratum) for stratum in strata}


def _stratum(stratum: Stratum) -> dict[str, object]:
    numbers: dict[str, object] = {"cramps": _proportion(stratum.cramps)}
    if stratum.alarms is not None:
        numbers |= {
            "recordings": stratum.recordings,
            "analysable_hours": round(stratum.alarms.hours, DIGITS),
            "false_alarms_per_8h": _rate(stratum.alarms, NIGHT_H),
        }
    return numbers


def _group(group: Group) -> dict[str, object]:
    return {
        **_stratum(group.stratum),
        "recorded_hours": round(group.recorded_h, DIGITS),
        "false_alarms_split": group.second_reports,
        "weekly_count": _weekly(group.weekly),
    }


def _agreement(each: Agreement) -> dict[str, object]:
    scores = {"precision": each.precision, "recall": each.recall, "f1": each.f1}
    return _rounded({**asdict(each), **scores})


def _weekly(count: WeeklyCount) -> dict[str, object]:
    return _rounded({**asdict(count), "error": count.error, "bias": count.bias})


def _quantiles(values: Sequence[float]) -> dict[str, object] | None:
    if not values:
        return None
    p10, median, p90 = np.quantile(values, [0.1, 0.5, 0.9]).tolist()
    return _rounded({"count": len(values), "p10": p10, "median": median, "p90": p90})


def _reliability(found: Reliability) -> dict[str, object]:
    bins = [_rounded(asdict(each)) for each in found.bins]
    scores = {"brier": found.brier, "calibration_error": found.calibration_error}
    return {**_rounded(scores), "bins": bins}


def _rounded(numbers: dict[str, object] | dict[str, float | None]) -> dict[str, object]:
    return {
        name: round(value, DIGITS) if isinstance(value, float) else value
        for name, value in numbers.items()
    }
