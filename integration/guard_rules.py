"""Guards of integration."""

from __future__ import annotations

from collections.abc import Iterator

from episodes import guards
from episodes.guards import GuardContext
from integration.recovery import impaired_bookings
from kapclinic.clinics.refusals import Reason
from kapclinic.scheduling.models import INTEGRATION_KINDS
from kapclinic.scheduling.wording import span_words


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
