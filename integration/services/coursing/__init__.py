"""Proposing a whole course of doses with their sessions, booking it in one go, and taking it back."""

from integration.services.coursing.asking import CourseAsk, doses_to_come, first_days, may_ask
from integration.services.coursing.booking import book_course, undo_course
from integration.services.coursing.proposing import adjust_course, drop_course, propose_course

__all__ = [
    "CourseAsk",
    "adjust_course",
    "book_course",
    "doses_to_come",
    "drop_course",
    "first_days",
    "may_ask",
    "propose_course",
    "undo_course",
]
