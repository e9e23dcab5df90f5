"""Working hours, time off, and appointments with who and what takes part in them."""

from kapclinic.scheduling.models.appointments import (
    INTEGRATION_KINDS,
    LIVE_STATES,
    Appointment,
    AppointmentKind,
    AppointmentParticipant,
    AppointmentQuerySet,
    AppointmentState,
    MeetingPlace,
    Part,
    ToldHow,
    new_request_key,
)

# The first migration names it here.
from kapclinic.scheduling.models.appointments import _Span as _Span
from kapclinic.scheduling.models.roster import (
    ClinicHoliday,
    ExtraHours,
    HoursPlace,
    RosterQuerySet,
    RosterRow,
    TimeOff,
    Weekday,
    WorkingHours,
)

__all__ = [
    "INTEGRATION_KINDS",
    "LIVE_STATES",
    "Appointment",
    "AppointmentKind",
    "AppointmentParticipant",
    "AppointmentQuerySet",
    "AppointmentState",
    "ClinicHoliday",
    "ExtraHours",
    "HoursPlace",
    "MeetingPlace",
    "Part",
    "RosterQuerySet",
    "RosterRow",
    "TimeOff",
    "ToldHow",
    "Weekday",
    "WorkingHours",
    "new_request_key",
]
