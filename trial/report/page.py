"""The report of a study: one HTML file that needs nothing else, on screen and on paper."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING

import jinja2

from trial.blinding import SMALLEST_POOL, counts_published
from trial.definitions import WITHHELD, definitions, limits
from trial.plan import Blinding, DataOrigin
from trial.report import comparison_tables, listing_tables, outcome_tables, wear_tables
from trial.report.detector_table import detector_sentence, tabulate_detector_errors
from trial.report.pictures import draw_pictures
from trial.report.primary_sentence import primary_sentence
from trial.report.wording import (
    NOT_KNOWN,
    counted,
    day,
    interval,
    number,
    people,
    share,
    value_of,
)
from trial.results import RunKind, work_out

if TYPE_CHECKING:
    from collections.abc import Callable

    from trial.estimates import Rate
    from trial.provenance import Provenance
    from trial.report.tables import Table
    from trial.results import Results
    from trial.statistics import Analysis
    from trial.study import Study
    from trial.summary import Group, Span, Summary

__all__ = ["render_page", "render_report", "templates"]

_KINDS = {
    RunKind.WEEKLY: "Weekly report",
    RunKind.DMC: "Report to the data monitoring committee",
    RunKind.FINAL: "Final report",
}


@dataclass(frozen=True, slots=True)
class Status:
    """What a reader must know before any number: which data, and who may read on."""

    kind: str
    text: str
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """A value, whose it is if not everybody's, and what belongs to it."""

    value: str
    details: tuple[str, ...]
    group: str = ""


@dataclass(frozen=True, slots=True)
class KeyNumber:
    """A number of the first glance, with a line for each group."""

    name: str
    lines: tuple[Line, ...]


def render_report(study: Study, provenance: Provenance, run: RunKind = RunKind.WEEKLY) -> str:
    """Return the report of a study as one HTML page.

    It needs no script and asks for nothing from outside, prints on A4, and holds what the
    blinding of the study lets be written.

    Parameters
    ----------
    study : Study
    provenance : Provenance
        Versions of what made the result; they stand in the report.
    run : RunKind
        Weekly runs describe; the others compare the arms.

    Raises
    ------
    UsageError
        If the arms are to be compared while they are closed, or in a crossover.
    InputError
        If they are and the plan does not say which arm the other is compared with.
    """
    return render_page(work_out(study, run), provenance)


def render_page(results: Results, provenance: Provenance) -> str:
    """Return what a run found as one HTML page; see `render_report`."""
    study, summary = results.study, results.summary
    return (
        templates()
        .get_template("report.html.j2")
        .render(
            title=study.plan.title,
            kind=_KINDS[results.run],
            status=_status(study),
            facts=_facts(study, summary, provenance),
            provenance=provenance,
            key_numbers=_key_numbers(summary),
            sentence="" if results.analysis is None else primary_sentence(results.analysis),
            detector_sentence=""
            if results.analysis is None
            else detector_sentence(results.analysis),
            released=_released(results),
            pictures=draw_pictures(results),
            tables=_tables(results),
            sensor_diary=_sensor_diary(summary),
            methods=()
            if results.analysis is None
            else comparison_tables.notes_of(results.analysis),
            refusals=()
            if results.analysis is None
            else comparison_tables.refusals(results.analysis),
            withheld=None if counts_published(study) else WITHHELD,
            estimand=study.plan.estimand.text,
            estimand_attributes=study.plan.estimand.attributes,
            definitions=definitions(study),
            limits=limits(study, tested=results.analysis is not None),
            input_hash=study.input_hash,
        )
    )


def templates() -> jinja2.Environment:
    """Return the templates of the reports; what comes from a study is escaped in them."""
    return jinja2.Environment(
        loader=jinja2.PackageLoader("trial"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _status(study: Study) -> Status:
    tags = []
    if study.plan.data is DataOrigin.SIMULATED:
        tags.append("Simulated data")
    is_blinded = study.plan.blinding is Blinding.BLINDED
    tags.append("Blinded trial" if is_blinded else "Open trial")
    if study.arms_opened:
        opened = "Unblinded" if is_blinded else "By arm"
        return Status("by-arm", f"{opened}: arm codes were opened", tuple(tags))
    return Status("pooled", "Pooled: arm codes were not opened", tuple(tags))


def _facts(study: Study, summary: Summary, provenance: Provenance) -> dict[str, str]:
    made = provenance.created_utc.astimezone(UTC)
    facts = {
        "Data up to the night of": day(summary.data_cut),
        "Report made": f"{made:%Y-%m-%d %H:%M} UTC",
        "Input (SHA-256)": study.input_hash[:16],
        "Program": provenance.code_version,
        "Model": f"{provenance.model_version} ({provenance.model_hash[:12]})",
        "Analysis versions": ", ".join(summary.versions) or NOT_KNOWN,
    }
    if provenance.unblinded is not None:
        facts["Arms opened"] = provenance.unblinded
    return facts


def _released(results: Results) -> str:
    """Return what the pooled cramps of a blinded trial rest on."""
    if counts_published(results.study):
        return ""
    weeks = [week.outcomes.frequency for week in results.summary.pooled.weeks]
    shown = sum(found.participants for found in weeks if not found.withheld)
    return (
        f"These cramps are those of {counted(shown)} weeks of participants: of each week that is "
        f"over, as many as make whole blocks of {SMALLEST_POOL} participants."
    )


def _key_numbers(summary: Summary) -> tuple[KeyNumber, ...]:
    return (
        KeyNumber("Cramps per week", tuple(_frequency(group) for group in summary.groups)),
        KeyNumber("Minutes per cramp", tuple(_duration(group) for group in summary.groups)),
        KeyNumber("Cramp minutes per week", tuple(_amount(group) for group in summary.groups)),
        KeyNumber("Nights recorded", (_recorded(summary.pooled),)),
    )


def _frequency(group: Group) -> Line:
    return _rate_line(group, lambda span: span.outcomes.frequency)


def _amount(group: Group) -> Line:
    return _rate_line(group, lambda span: span.outcomes.cramp_minutes)


def _rate_line(group: Group, pick: Callable[[Span], Rate]) -> Line:
    rate = pick(group.treatment)
    details = [people(rate.participants)]
    if rate.low is not None:
        details.insert(0, f"95 % CI {interval(rate.low, rate.high)}")
    if group.run_in is not None:
        details.append(f"run-in {value_of(pick(group.run_in))}")
    return Line(value_of(rate), tuple(details), group.arm or "")


def _duration(group: Group) -> Line:
    mean = group.treatment.outcomes.mean_minutes
    details = [] if mean.sd is None else [f"SD {number(mean.sd, 2)}"]
    if mean.participants is not None:
        details.append(f"{people(mean.participants)} with a cramp")
    if group.run_in is not None:
        details.append(f"run-in {value_of(group.run_in.outcomes.mean_minutes)}")
    return Line(value_of(mean), tuple(details), group.arm or "")


def _recorded(group: Group) -> Line:
    flow = group.flow
    details = [f"{counted(flow.nights_recorded)} of {counted(flow.nights_planned)} planned"]
    if flow.nights_recorded:
        each = flow.analysable_hours / flow.nights_recorded
        details.append(f"{number(each, 1)} analysable hours in each")
    return Line(share(flow.nights_recorded, flow.nights_planned), tuple(details))


def _tables(results: Results) -> dict[str, Table]:
    """Return the tables that there is something to say in."""
    study, summary = results.study, results.summary
    found: dict[str, Table | None] = {
        "nights": wear_tables.tabulate_nights(summary),
        "baseline": wear_tables.tabulate_baseline(summary),
        "outcomes": outcome_tables.tabulate_outcomes(summary),
        "weeks": outcome_tables.tabulate_weeks(summary),
        "responses": listing_tables.tabulate_responses(summary),
        "recording": wear_tables.tabulate_recording(summary),
        "sites": wear_tables.tabulate_sites(study),
        "lost_time": wear_tables.tabulate_lost_time(summary),
        "attention": wear_tables.tabulate_attention(study),
        "serious": listing_tables.tabulate_serious(study),
        "participants": outcome_tables.tabulate_participants(study),
        **listing_tables.tabulate_listings(summary),
    }
    both, shares = summary.sensor_diary, summary.sensor_diary_shares
    if both is not None and both.nights:
        found["sensor_diary"] = outcome_tables.tabulate_sensor_diary(both)
    elif shares is not None and shares.nights:
        found["sensor_diary"] = outcome_tables.tabulate_shares_of_nights(shares)
    if results.analysis is not None:
        found |= _comparison_tables(results.analysis)
    return {name: table for name, table in found.items() if table is not None}


def _comparison_tables(analysis: Analysis) -> dict[str, Table | None]:
    primary, agreement = analysis.primary, analysis.sensor_against_diary
    return {
        "primary": comparison_tables.tabulate_primary(primary)
        if primary.kind == "comparison"
        else None,
        "comparisons": comparison_tables.tabulate_comparisons(analysis),
        "contrasts": comparison_tables.tabulate_contrasts(analysis),
        "tipping": comparison_tables.tabulate_tipping(analysis),
        "detector": tabulate_detector_errors(analysis),
        "agreement": comparison_tables.tabulate_agreement(agreement)
        if agreement.kind == "agreement"
        else None,
    }


def _sensor_diary(summary: Summary) -> str:
    """Return the totals of sensor and diary in a sentence, or why they are withheld."""
    both, shares = summary.sensor_diary, summary.sensor_diary_shares
    if both is not None:
        return (
            f"On these nights the sensor found {counted(both.sensor_cramps)} cramps and the diary "
            f"holds {counted(both.diary_cramps)} ({people(both.participants)}). The diary is no "
            "truth: people sleep through cramps and misjudge them."
        )
    if shares is None:
        return ""
    return (
        f"These are {counted(shares.nights)} nights of {people(shares.participants)}. Cramps in "
        "them are withheld: taken from all that are pooled they would leave those of people "
        "who answer no diary. The diary is no truth: people sleep through cramps."
    )
