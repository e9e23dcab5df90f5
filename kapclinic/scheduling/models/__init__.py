"""Working hours, time off, and appointments with who and what takes part in them."""

from kapclinic.scheduling.models.appointments import (
    INTEGRATION_KINDS,
    LIVE_STATES,
    Appointment,
    AppointmentKind,
    AppointmentQuerySet,
    AppointmentState,
    MeetingPlace,
    ToldHow,
    new_request_key,
)
from kapclinic.scheduling.models.changes import HandChange
from kapclinic.scheduling.models.feeds import NEUTRAL_TITLE, CalendarFeed
from kapclinic.scheduling.models.participants import AppointmentParticipant, Part

# The first migration names it here.
from kapclinic.scheduling.models.participants import _Span as _Span
from kapclinic.scheduling.models.patients import PatientAbsence, PatientPlace, PatientTimes, Wish
from kapclinic.scheduling.models.roster import (
    ClinicHoliday,
    ExtraHours,
    HoursPlace,
    PlanningLimits,
    RoomClosure,
    RosterQuerySet,
    RosterRow,
    TimeOff,
    Weekday,
    WorkingHours,
)

__all__ = [
    "INTEGRATION_KINDS",
    "LIVE_STATES",
    "NEUTRAL_TITLE",
    "Appointment",
    "AppointmentKind",
    "AppointmentParticipant",
    "AppointmentQuerySet",
    "AppointmentState",
    "CalendarFeed",
    "ClinicHoliday",
    "ExtraHours",
    "HandChange",
    "HoursPlace",
    "MeetingPlace",
    "Part",
    "PatientAbsence",
    "PatientPlace",
    "PatientTimes",
    "PlanningLimits",
    "RoomClosure",
    "RosterQuerySet",
    "RosterRow",
    "TimeOff",
    "ToldHow",
    "Weekday",
    "Wish",
    "WorkingHours",
    "new_request_key",
]
