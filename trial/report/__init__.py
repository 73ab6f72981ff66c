"""The weekly report: numbers to texts, tables and figures, and these to one page."""

from trial.report.page import render_report

__all__ = ["render_report"]
