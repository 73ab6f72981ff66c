"""From a study's tables to weeks, outcomes and the weekly report.

A study folder is read and checked as a whole (`load_study`), its nights become weeks
(`weekly_table`), the weeks outcomes (`outcomes`), and all of it a report (`render_report`).
`published_tables`, `outcomes` and `render_report` keep the blind: without the allocation they
neither separate arms nor, in a blinded trial, show a participant's own cramp counts.
"""

from trial.check import StudyCheck, check_study
from trial.enrolment import Concern, Finding, check_enrolment
from trial.exposure import Stretch, hours_within, overlap, union, without
from trial.final import final_analysis
from trial.nights import night_of
from trial.outcomes import RunKind, outcomes, published_tables, published_weekly
from trial.plan import Leg, StudyPlan
from trial.provenance import Provenance
from trial.report import render_report
from trial.responses import response_table
from trial.study import Study
from trial.study_folder import load_study, read_study_plan
from trial.weeks import nightly_table, period_table, weekly_table

__all__ = [
    "Concern",
    "Finding",
    "Leg",
    "Provenance",
    "RunKind",
    "Stretch",
    "Study",
    "StudyCheck",
    "StudyPlan",
    "check_enrolment",
    "check_study",
    "final_analysis",
    "hours_within",
    "load_study",
    "night_of",
    "nightly_table",
    "outcomes",
    "overlap",
    "period_table",
    "published_tables",
    "published_weekly",
    "read_study_plan",
    "render_report",
    "response_table",
    "union",
    "weekly_table",
    "without",
]
