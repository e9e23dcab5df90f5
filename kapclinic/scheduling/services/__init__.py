"""Verbs of the calendar."""

from kapclinic.scheduling.services.appointments import (
    KEEP,
    book_appointment,
    cancel_appointment,
    complete_appointment,
    flag_appointment,
    keep_told,
    lock_resources,
    mark_arrived,
    mark_no_show,
    mark_told,
    move_appointment,
    moving_together,
    rewindow_appointment,
)
from kapclinic.scheduling.services.feeds import make_feed, open_feed, revoke_feed
from kapclinic.scheduling.services.patients import (
    add_patient_absence,
    add_patient_times,
    set_patient_place,
    withdraw_patient_row,
)
from kapclinic.scheduling.services.roster import (
    add_extra_hours,
    add_holiday,
    add_time_off,
    add_working_hours,
    end_working_hours,
    set_planning_limits,
    withdraw_roster_row,
)

__all__ = [
    "KEEP",
    "add_extra_hours",
    "add_holiday",
    "add_patient_absence",
    "add_patient_times",
    "add_time_off",
    "add_working_hours",
    "book_appointment",
    "cancel_appointment",
    "complete_appointment",
    "end_working_hours",
    "flag_appointment",
    "keep_told",
    "lock_resources",
    "make_feed",
    "mark_arrived",
    "mark_no_show",
    "mark_told",
    "move_appointment",
    "moving_together",
    "open_feed",
    "revoke_feed",
    "rewindow_appointment",
    "set_patient_place",
    "set_planning_limits",
    "withdraw_patient_row",
    "withdraw_roster_row",
]
