"""The weekly report: one HTML file that needs nothing else, on screen and on paper."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING

import jinja2

from trial.blinding import counts_published
from trial.definitions import WITHHELD, definitions, limits
from trial.plan import Blinding, DataOrigin
from trial.report import outcome_tables, wear_tables
from trial.report.pictures import draw_pictures
from trial.report.wording import NOT_KNOWN, counted, day, interval, number, people, share, value_of
from trial.summary import summarise

if TYPE_CHECKING:
    from collections.abc import Callable

    from trial.estimates import Rate
    from trial.provenance import Provenance
    from trial.report.tables import Table
    from trial.study import Study
    from trial.summary import Group, Span, Summary

__all__ = ["render_report"]


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


def render_report(study: Study, provenance: Provenance) -> str:
    """Return the weekly report as one HTML page.

    It needs no script and asks for nothing from outside, prints on A4, and holds what the
    blinding of the study lets be written.

    Parameters
    ----------
    study : Study
    provenance : Provenance
        Versions of what made the result; they stand in the report.
    """
    summary = summarise(study)
    template = _templates().get_template("report.html.j2")
    return template.render(
        title=study.plan.title,
        status=_status(study),
        facts=_facts(study, summary, provenance),
        key_numbers=_key_numbers(summary),
        pictures=draw_pictures(study, summary),
        tables=_tables(study, summary),
        sensor_diary=_sensor_diary(summary),
        withheld=None if counts_published(study) else WITHHELD,
        estimand=study.plan.estimand.text,
        estimand_attributes=study.plan.estimand.attributes,
        definitions=definitions(study),
        limits=limits(study),
        input_hash=study.input_hash,
    )


def _templates() -> jinja2.Environment:
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
    tags.append("Blinded trial" if study.plan.blinding is Blinding.BLINDED else "Open trial")
    if study.arms_opened:
        return Status("by-arm", "By arm: arm codes were opened", tuple(tags))
    return Status("pooled", "Pooled: arm codes were not opened", tuple(tags))


def _facts(study: Study, summary: Summary, provenance: Provenance) -> dict[str, str]:
    made = provenance.created_utc.astimezone(UTC)
    return {
        "Data up to the night of": day(summary.data_cut),
        "Report made": f"{made:%Y-%m-%d %H:%M} UTC",
        "Input (SHA-256)": study.input_hash[:16],
        "Program": provenance.code_version,
        "Model": f"{provenance.model_version} ({provenance.model_hash[:12]})",
        "Analysis versions": ", ".join(summary.versions) or NOT_KNOWN,
    }


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


def _tables(study: Study, summary: Summary) -> dict[str, Table]:
    """Return the tables that there is something to say in."""
    found = {
        "flow": wear_tables.tabulate_flow(summary),
        "baseline": wear_tables.tabulate_baseline(summary),
        "outcomes": outcome_tables.tabulate_outcomes(summary),
        "weeks": outcome_tables.tabulate_weeks(summary),
        "recording": wear_tables.tabulate_recording(summary),
        "sites": wear_tables.tabulate_sites(study),
        "lost_time": wear_tables.tabulate_lost_time(summary),
        "attention": wear_tables.tabulate_attention(study),
        "participants": outcome_tables.tabulate_participants(study),
    }
    if summary.sensor_diary is not None:
        found["sensor_diary"] = outcome_tables.tabulate_sensor_diary(summary.sensor_diary)
    return found


def _sensor_diary(summary: Summary) -> str:
    """Return the totals of sensor and diary in a sentence."""
    found = summary.sensor_diary
    if found is None:
        return ""
    return (
        f"On these nights the sensor found {counted(found.sensor_cramps)} cramps and the diary "
        f"holds {counted(found.diary_cramps)} ({people(found.participants)}). The diary is no "
        "truth: people sleep through cramps and misjudge them."
    )
