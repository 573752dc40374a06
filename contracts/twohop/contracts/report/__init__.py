"""Verdicts on a history, for machines and for people."""

from ._report import Judged, Report, judge, listed

__all__ = ["Judged", "Report", "judge", "listed"]
