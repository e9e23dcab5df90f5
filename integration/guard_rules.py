"""Guards of integration."""

from __future__ import annotations

from collections.abc import Iterator

from episodes import guards
from episodes.guards import GuardContext
from integration.recovery import impaired_bookings
from integration.services.planning.outlook import outlook_for
from kapclinic.accounts.models import Role
from kapclinic.clinics.refusals import Reason
from kapclinic.scheduling.models import INTEGRATION_KINDS, AppointmentKind
from kapclinic.scheduling.wording import moment_words, span_words
from sessions.models import DosingSession


@guards.register("appointment.book")
def patient_is_not_impaired(context: GuardContext) -> Iterator[Reason]:
    """No integration session between D0 and T0+4 h of any dose: the patient is impaired (G0, period 0-4 h)."""
    proposal = context.subject
    if proposal is None or proposal.kind not in INTEGRATION_KINDS:
        return
    zone = context.episode.clinic.time_zone
    for booking in impaired_bookings(context.episode, now=context.now):
        if booking.span.overlaps(proposal.span):
            yield Reason(
                "impaired",
                f"The patient is impaired by a dose {span_words(booking.span, zone)}.",
                field="starts_at",
            )
            return


# A clinician who treats the patient may go on without a time for integration, and says why.
_MAY_GO_ON = frozenset({Role.PRESCRIBER.value, Role.THERAPIST.value})


@guards.register("appointment.book")
def dose_keeps_its_window(context: GuardContext) -> Iterator[Reason]:
    """A dose is booked where its integration can be placed too; else the reason, and times of the dose that would do."""
    proposal = context.subject
    if proposal is None or proposal.kind != AppointmentKind.DOSING or proposal.span.starts_at <= context.now:
        return
    moved = DosingSession.objects.filter(appointment__in=proposal.leave_out).first()
    found = outlook_for(context.episode, proposal.span.starts_at, moved=moved, now=context.now)
    if found.is_placeable or found.need is None:
        return
    zone = context.episode.clinic.time_zone
    words = [f"No time is left for its integration, {span_words(found.need.window, zone)}.", *found.reasons]
    if found.alternatives:
        times = ", ".join(moment_words(at, zone) for at in found.alternatives)
        words.append(f"The dose could begin {times} instead.")
    yield Reason("integration-no-time", " ".join(words), field="starts_at", passable_by=_MAY_GO_ON)
