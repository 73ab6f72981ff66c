"""The reports: numbers to texts, tables and figures, and these to one page."""

from trial.report.page import render_page, render_report
from trial.report.participant import render_participant
from trial.report.pdf import page_to_pdf

__all__ = ["page_to_pdf", "render_page", "render_participant", "render_report"]
