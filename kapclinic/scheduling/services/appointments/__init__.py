"""Verbs of one appointment: booking and moving it, and what becomes of it."""

from kapclinic.scheduling.services.appointments.booking import (
    KEEP,
    book_appointment,
    move_appointment,
)
from kapclinic.scheduling.services.appointments.participants import Person
from kapclinic.scheduling.services.appointments.progress import (
    cancel_appointment,
    complete_appointment,
    flag_appointment,
    held_time_reasons,
    keep_told,
    mark_arrived,
    mark_no_show,
    mark_told,
    rewindow_appointment,
)
from kapclinic.scheduling.services.appointments.rows import (
    lock_appointment,
)
from kapclinic.scheduling.services.appointments.together import lock_resources, moving_together
from kapclinic.scheduling.services.appointments.undoing import Undoable, undo_change, undoable_change

__all__ = [
    "KEEP",
    "Person",
    "Undoable",
    "book_appointment",
    "cancel_appointment",
    "complete_appointment",
    "flag_appointment",
    "held_time_reasons",
    "keep_told",
    "lock_appointment",
    "lock_resources",
    "mark_arrived",
    "mark_no_show",
    "mark_told",
    "move_appointment",
    "moving_together",
    "rewindow_appointment",
    "undo_change",
    "undoable_change",
]
