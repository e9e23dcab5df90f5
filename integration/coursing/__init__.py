"""A whole course of doses with their sessions, proposed exactly: pure, dataclasses in and out."""

from integration.coursing.planning import other_starts, plan_course
from integration.coursing.problem import DOSE, Asked, Course, CourseProblem
from integration.coursing.rules import Dose, Preparing, Shape, Slot, Spacing, Talk, Wishes, slots_of

__all__ = [
    "DOSE",
    "Asked",
    "Course",
    "CourseProblem",
    "Dose",
    "Preparing",
    "Shape",
    "Slot",
    "Spacing",
    "Talk",
    "Wishes",
    "other_starts",
    "plan_course",
    "slots_of",
]
