"""From a study's tables to weeks, outcomes and the weekly report.

A study folder is read and checked as a whole (`load_study`), its nights become weeks
(`weekly_table`), the weeks outcomes (`outcomes`), and all of it a report (`render_report`).
`published_tables`, `outcomes` and `render_report` keep the blind: without the allocation they
neither separate arms nor, in a blinded trial, show a participant's own cramp counts.
"""

from trial.blinding import reasons_withheld
from trial.check import StudyCheck, check_study
from trial.enrolment import Concern, Finding, check_enrolment
from trial.exposure import Stretch, hours_within, overlap, union, without
from trial.final import final_analysis
from trial.nights import night_of
from trial.outcomes import document, outcomes, published_tables, published_weekly
from trial.participant_sheet import participant_sheet
from trial.plan import Leg, StudyPlan
from trial.provenance import Provenance
from trial.report import page_to_pdf, render_page, render_participant, render_report
from trial.responses import response_table
from trial.results import Results, RunKind, work_out
from trial.study import Study
from trial.study_folder import load_study, read_study_plan
from trial.study_parquet import (
    PARTED,
    part_bytes,
    part_name,
    part_rows,
    parts_of,
    table_columns,
)
from trial.study_status import SiteStatus, StudyStatus, study_status
from trial.tables import Column
from trial.weeks import nightly_table, period_table, weekly_table

__all__ = [
    "PARTED",
    "Column",
    "Concern",
    "Finding",
    "Leg",
    "Provenance",
    "Results",
    "RunKind",
    "SiteStatus",
    "Stretch",
    "Study",
    "StudyCheck",
    "StudyPlan",
    "StudyStatus",
    "check_enrolment",
    "check_study",
    "document",
    "final_analysis",
    "hours_within",
    "load_study",
    "night_of",
    "nightly_table",
    "outcomes",
    "overlap",
    "page_to_pdf",
    "part_bytes",
    "part_name",
    "part_rows",
    "participant_sheet",
    "parts_of",
    "period_table",
    "published_tables",
    "published_weekly",
    "read_study_plan",
    "reasons_withheld",
    "render_page",
    "render_participant",
    "render_report",
    "response_table",
    "study_status",
    "table_columns",
    "union",
    "weekly_table",
    "without",
    "work_out",
]
