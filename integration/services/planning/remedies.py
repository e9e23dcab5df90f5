"""What a repair asks for besides the changes: an extra hour, a cover, another time of the dose. Taken, and given back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from episodes.models import CareTeamMember, TeamPart
from episodes.services import add_team_member, end_team_member
from integration.models import IntegrationNeed
from integration.repairs import Offer, offer_from
from integration.services.planning.changes import Locked, spot_of, tell_again
from kapclinic.accounts.models import Role, User
from kapclinic.clinics.refusals import Reason, Refused
from kapclinic.scheduling.models import Appointment, AppointmentState, ExtraHours
from kapclinic.scheduling.planner import RepairKind
from kapclinic.scheduling.services import add_extra_hours, move_appointment, withdraw_roster_row

Remedy = dict[str, Any]


def remedy_of(need: IntegrationNeed, offer: Offer) -> Remedy:
    """The remedy as a proposal keeps it: the offer, the need that it is for, and the dose's booking where that moves.

    Raises Refused where there is no booking of the dose to move.
    """
    remedy: Remedy = {**offer.as_dict(), "need": str(need.pk)}
    if offer.kind is RepairKind.DOSE_TIME:
        dose = need.dose.appointment
        if dose is None or not dose.is_live:
            raise Refused(Reason("no-booking", "The dose has no booking that could be moved."))
        booked = Appointment.objects.with_participants().get(pk=dose.pk)
        remedy |= {"appointment": str(booked.pk), "sequence": booked.sequence, "before": spot_of(booked)}
    return remedy


def knows_the_dose(remedy: Remedy) -> bool:
    """Whether the patient was told the time of the dose that the remedy moves: then a person decides on its own page."""
    return "before" in remedy and bool(remedy["before"]["told"])


def people_of(remedy: Remedy) -> set[str]:
    """The keys of the people of whom the remedy asks something."""
    keys = {remedy["person"]} if "person" in remedy else set()
    if "appointment" in remedy:
        dose = Appointment.objects.with_participants().get(pk=remedy["appointment"])
        keys |= {str(person.pk) for person in dose.people}
    return keys


def take(remedy: Remedy, locked: Locked, *, actor: User, roles: frozenset[Role], now: datetime) -> None:
    """Write down the extra hours, put the cover on the team, or move the dose; what was made is noted in the remedy.

    Raises Refused when the dose changed since, or something stands against its new time.
    """
    offer = offer_from(remedy)
    need = IntegrationNeed.objects.select_related("clinic", "episode", "dose__appointment").get(
        pk=remedy["need"]
    )
    if offer.kind is RepairKind.DOSE_TIME:
        _move_dose(remedy, offer, locked, actor=actor, roles=roles, now=now)
        return
    person = User.objects.get(pk=remedy["person"])
    if offer.kind is RepairKind.EXTRA_HOUR:
        assert offer.span is not None, "extra hours have a span"
        row = add_extra_hours(
            clinic=need.clinic,
            person=person,
            starts_at=offer.span.starts_at,
            ends_at=offer.span.ends_at,
            actor=actor,
            now=now,
        )
        remedy["row"] = str(row.pk)
        return
    known = CareTeamMember.objects.in_force(now).filter(
        episode=need.episode, part=TeamPart.COVER_THERAPIST, user=person, covering=False
    )
    if not known.exists():
        member = add_team_member(
            episode=need.episode, part=TeamPart.COVER_THERAPIST, user=person, actor=actor, now=now
        )
        remedy["member"] = str(member.pk)


def _move_dose(
    remedy: Remedy, offer: Offer, locked: Locked, *, actor: User, roles: frozenset[Role], now: datetime
) -> None:
    dose = Appointment.objects.get(pk=remedy["appointment"])
    if dose.state == AppointmentState.ARRIVED:
        raise Refused(Reason("arrived", "The patient is here for the dose already."))
    assert offer.dose_at is not None, "another time of the dose has a time"
    moved = move_appointment(
        appointment=dose,
        starts_at=offer.dose_at,
        ends_at=offer.dose_at + dose.span.length,
        expected_sequence=remedy["sequence"],
        beside=[key for key in locked.moving if key != dose.pk],
        actor=actor,
        roles=roles,
        now=now,
    )
    remedy["applied_sequence"] = moved.sequence
    # The window moved with the dose.
    locked.refresh()


def put_dose_back(remedy: Remedy, *, reason: str, actor: User, now: datetime) -> None:
    """Move the dose back where the remedy moved it. Raises Refused when it changed since or its old time is taken."""
    if "appointment" not in remedy:
        return
    before = remedy["before"]
    back = move_appointment(
        appointment=Appointment.objects.get(pk=remedy["appointment"]),
        starts_at=datetime.fromisoformat(before["starts_at"]),
        ends_at=datetime.fromisoformat(before["ends_at"]),
        expected_sequence=remedy["applied_sequence"],
        reason=reason,
        actor=actor,
        # That its old time was booked is enough, whoever undoes: nobody has to answer for it a second time.
        roles=frozenset(Role),
        now=now,
    )
    tell_again(back, before, actor=actor, now=now)


def give_back(remedy: Remedy, *, actor: User, now: datetime) -> None:
    """Take the extra hours back, and the cover off the team, where the remedy brought them."""
    if "row" in remedy:
        withdraw_roster_row(row=ExtraHours.objects.get(pk=remedy["row"]), actor=actor, now=now)
    if "member" in remedy:
        end_team_member(member=CareTeamMember.objects.get(pk=remedy["member"]), actor=actor, now=now)
