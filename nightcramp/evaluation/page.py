"""The evaluation as one HTML page that needs nothing else, with its JSON beside it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import jinja2
import numpy as np

from models.evaluation import NIGHT_H, durations_s, ratio_limits, spread_of
from nightcramp.errors import OutputError
from nightcramp.evaluation import charts, tables
from nightcramp.evaluation.strips import draw_strip, false_alarm_strips, miss_strips
from nightcramp.outputs import json_text
from recordings import write_text
from trial.report.drawing import style
from trial.report.svg import inline_svg
from trial.report.wording import NOT_KNOWN, counted, interval, number, share

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from matplotlib.figure import Figure

    from nightcramp.evaluation.strips import Strip
    from nightcramp.evaluation.summary import Summary
    from nightcramp.scoring import Results
    from trial.report.tables import Table

LEAST_SENSITIVITY = 0.95
"""Of cramps of at least 15 s and three noise floors."""

MOST_ALARMS, MOST_ALARMS_IN_A_SUITE = 0.05, 0.2
"""False alarms a night: seven times the first are added to every weekly count; at 2.6 cramps a
week (Tan 2024) 0.037 would bias it by a tenth."""

PAGE, NUMBERS = "evaluation.html", "evaluation.json"


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure of the page: its drawing and what stands below it."""

    title: str
    caption: str
    svg: str


@dataclass(frozen=True, slots=True)
class KeyNumber:
    """A number of the first glance with what belongs to it."""

    name: str
    value: str
    details: tuple[str, ...]


def write_page(
    out: Path, summary: Summary, results: Results, numbers: Mapping[str, object]
) -> None:
    """Write ``evaluation.html`` and ``evaluation.json``.

    Parameters
    ----------
    out : Path
        Folder; made if it does not exist.
    summary : Summary
    results : Results
        Where traces are read from.
    numbers : mapping
        What stands in the JSON.

    Raises
    ------
    OutputError
        If a file cannot be written.
    InputError
        If a trace cannot be read.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{out}: the folder cannot be made ({error.strerror})") from error
    write_text(out / NUMBERS, json_text(numbers))
    write_text(out / PAGE, render_page(summary, results))


def render_page(summary: Summary, results: Results) -> str:
    """Return the evaluation as one HTML page: no script, nothing fetched, prints on A4."""
    with style():
        pictures = _pictures(summary)
        strips = {
            "alarms": _strip_pictures("alarm", false_alarm_strips(summary.scored, results.trace)),
            "misses": _strip_pictures("miss", miss_strips(summary.scored, results.trace)),
        }
    return (
        _templates()
        .get_template("evaluation.html.j2")
        .render(
            origin=_origin(summary),
            facts=_facts(summary, results),
            key_numbers=_key_numbers(summary),
            pictures=pictures,
            strips=strips,
            tables=_tables(summary),
            duration_words=tables.duration_words(summary),
            alarm_words=tables.alarm_words(summary),
            calibration_words=_calibration_words(summary),
            latency_words=_latency_words(summary),
            failures=results.failures,
        )
    )


def _templates() -> jinja2.Environment:
    """Return templates of the page; the style sheet is that of the weekly report."""
    loaders = [jinja2.PackageLoader("nightcramp.evaluation"), jinja2.PackageLoader("trial")]
    return jinja2.Environment(
        loader=jinja2.ChoiceLoader(loaders),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _origin(summary: Summary) -> str:
    return {
        True: "Simulated cramps",
        False: "Recorded cramps",
        None: "Origin of the cramps not stated",
    }[summary.simulated]


def _facts(summary: Summary, results: Results) -> dict[str, str]:
    def each(name: str) -> str:
        return ", ".join(sorted({makers.get(name, NOT_KNOWN) for makers in results.makers}))

    models = {
        f"{makers.get('model_version', NOT_KNOWN)} ({makers.get('model_sha256', '')[:12]})"
        for makers in results.makers
    }
    return {
        "Nights": f"{counted(summary.whole.recordings)} of {summary.participants} participants",
        "Analysable hours": number(summary.whole.analysable_h, 1),
        "Model": ", ".join(sorted(models)),
        "Program": each("code_version"),
        "Page made": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
    }


def _key_numbers(summary: Summary) -> tuple[KeyNumber, ...]:
    return _sensitivity(summary), _alarms(summary), _duration(summary), _weekly(summary)


def _sensitivity(summary: Summary) -> KeyNumber:
    easy = summary.easy
    details = (
        _limits(easy.low, easy.high, 3),
        _by_participant(easy.low_participants, easy.high_participants),
        f"{counted(easy.count)} of {counted(easy.of)} cramps counted",
        f"{counted(summary.easy_reported.count)} reported, as possible ones too",
        f"goal ≥ {LEAST_SENSITIVITY}",
    )
    return KeyNumber("Sensitivity, ≥ 15 s and ≥ 3 × floor", number(easy.value, 3), details)


def _alarms(summary: Summary) -> KeyNumber:
    alarms = summary.alarms
    value, low, high = alarms.per(NIGHT_H) or (None, None, None)
    details = [
        _limits(low, high, 3),
        _by_participant(alarms.low_participants, alarms.high_participants, NIGHT_H),
        f"{counted(alarms.count)} in {number(alarms.hours, 0)} h",
        f"goal ≤ {MOST_ALARMS}",
    ]
    suites = {
        group.stratum.name: found[0]
        for group in summary.suites
        if group.stratum.alarms and (found := group.stratum.alarms.per(NIGHT_H))
    }
    if suites:
        worst = max(suites, key=lambda name: suites[name])
        details.append(
            f"at most {number(suites[worst], 2)} in a suite ({tables.suite_name(worst)}), goal "
            f"≤ {MOST_ALARMS_IN_A_SUITE}"
        )
    return KeyNumber("False alarms per 8 h", number(value, 3), tuple(details))


def _duration(summary: Summary) -> KeyNumber:
    spread = spread_of(summary.whole.errors_s()["duration"])
    right = summary.whole.duration_within()
    if spread is None or right is None:
        return KeyNumber("Duration error, median", NOT_KNOWN, ())
    details = (
        f"90 % within {number(spread.p90_absolute, 1)} s",
        f"{share(right, 1)} right to max(5 s, 10 %)",
        "goal ± 2 s and 90 %",
    )
    return KeyNumber("Duration error, median", f"{number(spread.median, 1)} s", details)


def _weekly(summary: Summary) -> KeyNumber:
    """Return the weekly count of ordinary nights; of all where there are none."""
    ordinary = [group.weekly for group in summary.suites if group.stratum.name == "ordinary"]
    weekly = ordinary[0] if ordinary else summary.weekly
    details = (
        _limits(weekly.error_low, weekly.error_high, 2),
        f"true count {number(weekly.true, 2)}",
        "ordinary nights" if ordinary else "all nights",
    )
    return KeyNumber("Weekly count, reported less true", number(weekly.error, 2), details)


def _limits(low: float | None, high: float | None, digits: int) -> str:
    return "" if low is None else f"95 % CI {interval(low, high, digits)}"


def _by_participant(low: float | None, high: float | None, factor: float = 1.0) -> str:
    if low is None or high is None:
        return ""
    return f"by participants {interval(factor * low, factor * high, 3)}"


def _pictures(summary: Summary) -> dict[str, Picture]:
    """Return the figures that there is something to draw for."""
    found: dict[str, Picture] = {}
    if summary.every.of:
        for name, strata, words in (
            ("amplitude", summary.amplitudes, "by amplitude (multiples of the noise floor)"),
            ("duration", summary.durations, "by length"),
        ):
            figure = charts.draw_sensitivity(strata, LEAST_SENSITIVITY)
            known = "; ".join(
                f"{each.name}: {each.cramps.count} of {each.cramps.of}" for each in strata
            )
            found[name] = _picture(figure, name, f"Cramps found, {words}", "", known)
    suites = [
        replace(group.stratum, name=tables.suite_name(group.stratum.name))
        for group in summary.suites
    ]
    if summary.alarms.hours:
        figure = charts.draw_alarms(suites, MOST_ALARMS)
        caption = (
            "Exact 95 % limits; at the right false alarms in so many nights of 8 analysable hours. "
            f"Dashed: {MOST_ALARMS} a night."
        )
        known = "; ".join(
            f"{each.name}: {each.alarms.count} in {each.alarms.hours:.1f} h"
            for each in suites
            if each.alarms
        )
        title = "False alarms per 8 analysable hours, by suite"
        found["alarms"] = _picture(figure, "alarms", title, caption, known)
    ratio = ratio_limits(summary.whole.matches)
    if ratio is not None:
        figure = charts.draw_durations(*durations_s(summary.whole.matches), ratio)
        title = "Duration: found over true (Bland and Altman, ratios)"
        found["edges"] = _picture(figure, "edges", title, "", tables.duration_words(summary))
    if summary.episodes.count or summary.seconds:
        figure = charts.draw_reliability(summary.seconds, summary.episodes)
        title, words = "Calibration", _calibration_words(summary)
        caption = "On the dotted line a probability comes true as often as it says."
        found["reliability"] = _picture(figure, "reliability", title, caption, words)
    if len(summary.latency_s):
        figure = charts.draw_latency(summary.latency_s)
        words = _latency_words(summary)
        found["latency"] = _picture(figure, "latency", "Onset to decision", "", words)
    return found


def _picture(figure: Figure, name: str, title: str, caption: str, words: str) -> Picture:
    return Picture(title, caption, inline_svg(figure, name, title, words))


def _strip_pictures(name: str, strips: Sequence[Strip]) -> list[Picture]:
    return [
        _picture(draw_strip(strip), f"{name}{number}", strip.title, strip.words, strip.words)
        for number, strip in enumerate(strips)
    ]


def _tables(summary: Summary) -> dict[str, Table]:
    return {
        "suites": tables.tabulate_suites(summary.suites, "Each suite", ("Suite", "Nights")),
        "sources": tables.tabulate_suites(
            summary.sources, "Real recordings without cramps", ("Source", "Recordings")
        ),
        "causes": tables.tabulate_causes(summary),
        "sensors": tables.tabulate_cramps(summary.sensors, "By sensor", "Sensor"),
        "rates": tables.tabulate_cramps(summary.rates, "By sampling rate", "Rate"),
        "grid": tables.tabulate_grid(summary),
        "errors": tables.tabulate_errors(summary),
        "agreement": tables.tabulate_agreement(summary),
        "weekly": tables.tabulate_weekly(summary),
    }


def _calibration_words(summary: Summary) -> str:
    parts = []
    for name, found in (("Seconds", summary.seconds), ("Episodes", summary.episodes)):
        if found is not None and found.count:
            parts.append(
                f"{name}: {counted(found.count)}, Brier score {number(found.brier, 4)}, expected "
                f"calibration error {number(found.calibration_error, 4)}."
            )
    return " ".join(parts)


def _latency_words(summary: Summary) -> str:
    if summary.seconds is None:
        return "No trace of the nights was kept, from which latency could be told."
    if not len(summary.latency_s):
        return "No cramp was found from which latency could be told."
    median, p90 = np.quantile(summary.latency_s, [0.5, 0.9]).tolist()
    return (
        f"From true onset to the decision: median {number(median, 1)} s, nine in ten within "
        f"{number(p90, 1)} s ({counted(len(summary.latency_s))} cramps)."
    )
