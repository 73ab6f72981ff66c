"""The tables of what is listed beside nights and cramps: safety, products, deviations, devices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trial.report.tables import Body, Row, Table
from trial.report.wording import NOT_KNOWN, counted, day, part_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from trial.listed import Count, Listed
    from trial.study import Study
    from trial.summary import Summary

__all__ = ["tabulate_listings", "tabulate_responses", "tabulate_serious"]

_MOST_TERMS = 20

_NAMES = {
    "vitamin_d": "Vitamin D",
    "vitamin_k": "Vitamin K",
    "vitamin_k_antagonist": "Vitamin K antagonist",
}


def tabulate_listings(summary: Summary) -> dict[str, Table]:
    """Return a table for each list that the study has, with a column for each group."""
    wanted: dict[str, tuple[str, Callable[[Listed], tuple[Count, ...] | None]]] = {
        "adverse_events": ("Adverse events", lambda listed: listed.adverse_events),
        "adverse_event_terms": (
            "Adverse events by term",
            lambda listed: listed.adverse_event_terms,
        ),
        "concomitant": ("Concomitant products", lambda listed: listed.concomitant),
        "deviations": ("Protocol deviations", lambda listed: listed.deviations),
        "device_events": ("Device events", lambda listed: listed.device_events),
    }
    tables = {}
    for name, (caption, pick) in wanted.items():
        if pick(summary.pooled.listed) is not None:
            tables[name] = _tabulate(summary, caption, pick)
    return tables


def tabulate_serious(study: Study) -> Table | None:
    """Return every serious adverse event, the latest first, if the study lists adverse events."""
    events = study.listings.adverse_events
    if events is None:
        return None
    serious = events[events["serious"] == "yes"].sort_values(
        ["started_on", "participant_id"], ascending=[False, True], kind="stable"
    )
    rows = tuple(_serious_row(row) for _, row in serious.iterrows())
    head = ("Participant", "Began", "Event", "Severity", "Related", "Outcome")
    return Table("Serious adverse events", head, (Body(rows),), text_columns=len(head))


def tabulate_responses(summary: Summary) -> Table | None:
    """Return responders, cramp-free weeks and time to effect, where they may be written."""
    groups = [group for group in summary.groups if group.responses is not None]
    if not groups:
        return None
    known = [group.responses for group in groups if group.responses is not None]
    rows: list[Row] = []
    for number, threshold in enumerate(known[0].responders):
        label = f"Fall of {threshold.threshold}\N{NO-BREAK SPACE}% or more, of those judged"
        counts = (found.responders[number] for found in known)
        rows.append((label, *(f"{part_of(c.responders, c.participants)}" for c in counts)))
    judged = (counted(found.responders[0].participants) for found in known)
    rows.append(("Participants judged", *judged))
    free = (found.cramp_free_weeks for found in known)
    rows.append(
        (
            "Cramp\N{NON-BREAKING HYPHEN}free weeks, of those displayed",
            *(part_of(rate.events or 0, rate.exposure) for rate in free),
        )
    )
    effect = (found.time_to_effect.median_weeks for found in known)
    rows.append(("Median weeks to effect", *(counted(w) if w else "not reached" for w in effect)))
    names = (group.arm or "All" for group in groups)
    return Table("Responders", ("", *names), (Body(tuple(rows)),))


def _tabulate(
    summary: Summary, caption: str, pick: Callable[[Listed], tuple[Count, ...] | None]
) -> Table:
    groups = (summary.pooled, *summary.arms)
    found = [{count.name: count for count in pick(group.listed) or ()} for group in groups]
    if len(found[0]) > _MOST_TERMS:
        caption += f", the {_MOST_TERMS} most frequent of {counted(len(found[0]))}"
    rows = tuple(
        (
            _in_words(name),
            *(
                _cell(counts.get(name), group.flow.randomised)
                for counts, group in zip(found, groups, strict=True)
            ),
        )
        for name in list(found[0])[:_MOST_TERMS]
    )
    head = ("", *(group.arm or "All" for group in groups))
    return Table(f"{caption}: participants (%), entries", head, (Body(rows),))


def _in_words(name: str) -> str:
    """Return a kind of the tables as it is written in prose, and a site's own term as it stands."""
    return _NAMES.get(name) or name[:1].upper() + name[1:].replace("_", " ")


def _cell(count: Count | None, people: int) -> str:
    if count is None or not count.entries:
        return "0"
    return f"{part_of(count.participants, people)}, {counted(count.entries)}"


def _serious_row(event: pd.Series) -> Row:
    return (
        str(event["participant_id"]),
        day(event["started_on"]),
        str(event["term"]),
        str(event["severity"]),
        _text(event["related"]),
        _text(event.get("outcome")).replace("_", " "),
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else NOT_KNOWN
