"""The planner in a browser: a dose is booked and its session held, given, lost to an absence, repaired, and put back."""

import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone
from playwright.sync_api import Page

from episodes.models import TeamPart
from episodes.services import add_team_member
from episodes.stages import Stage
from integration.models import IntegrationNeed
from kapclinic.accounts.models import Role
from kapclinic.clinics.models import Room, RoomKind
from sessions.dose import Drug, Route
from sessions.models import DosingSession
from sessions.services.giving import GivenDetails, record_administration
from tests import factories
from tests.browser.journey_people import Colleague, typed, work_every_day
from tests.live import LiveClinic

pytestmark = [pytest.mark.timeout(300)]


def test_dose_holds_its_session_which_an_absence_moves_and_undoing_puts_back(
    live_clinic: LiveClinic, new_page: Callable[[], Page]
) -> None:
    clinic = factories.make_clinic(name="Planner Clinic (made up)")
    Room.objects.create(clinic=clinic, name="Talk 1", kind=RoomKind.THERAPY)
    coordinator, therapist, cover, prescriber, nurse = (
        factories.make_member(clinic, role, name=name)
        for role, name in (
            (Role.COORDINATOR, "Demo Coordinator P"),
            (Role.THERAPIST, "Demo Therapist P"),
            (Role.THERAPIST, "Demo Cover P"),
            (Role.PRESCRIBER, "Demo Prescriber P"),
            (Role.NURSE, "Demo Nurse P"),
        )
    )
    for person in (therapist, cover):
        work_every_day(person, clinic)
    episode = factories.make_episode(
        factories.make_patient(clinic, coordinator, given_name="Planned"),
        prescriber=prescriber,
        therapist=therapist,
        nurse=nurse,
        stage=Stage.TREATMENT,
    )
    add_team_member(episode=episode, part=TeamPart.COVER_THERAPIST, user=cover, actor=coordinator)
    factories.make_treatment_consent(episode, therapist)

    desk = Colleague(coordinator, new_page())
    begins = (timezone.now() + timedelta(hours=2)).replace(minute=0, second=0, microsecond=0)
    desk.page.goto(f"/dosing/episode/{episode.public_id}/doses/new/")
    desk.write("From", typed(begins.astimezone(clinic.zone)))
    desk.write("Until", typed((begins + timedelta(hours=2)).astimezone(clinic.zone)))
    desk.press("Plan the dose")
    clinician = Colleague(therapist, new_page())
    clinician.page.goto(f"/integration/episodes/{episode.public_id}/")
    clinician.sees_soon("time held", within="Held for planned doses")

    # The dose is given at once, so its window comes sooner than was planned, and the hold is judged again.
    session = DosingSession.objects.get(episode=episode)
    now = timezone.now()
    record_administration(
        session=session,
        details=GivenDetails(
            drug=Drug.KETAMINE,
            route=Route.INTRAMUSCULAR,
            started_at=now - timedelta(minutes=5),
            ended_at=now - timedelta(minutes=5),
            amount_mg=Decimal(40),
        ),
        actor=nurse,
        now=now,
    )
    clinician.page.reload()
    clinician.sees_soon("booked", within="After dose 1")
    need = IntegrationNeed.objects.select_related("appointment").get(dose=session, part="primary")
    assert need.t0 is not None
    booked = need.appointment
    assert booked is not None
    assert need.window.covers(booked.span)

    desk.page.goto(f"/calendar/hours/{therapist.pk}/")
    off = desk.part("Time off")
    for which, moment in (
        ("from", now),
        ("to", booked.ends_at + timedelta(days=4)),
    ):
        day, clock = typed(moment.astimezone(clinic.zone)).split("T")
        off.locator(f"input[name$={which}_day]").fill(day)
        off.locator(f"input[name$={which}_time]").fill(clock)
    desk.press(re.compile("time off"), within=off)
    desk.today()
    desk.sees_soon("Repair the calendar")
    desk.follow(re.compile("Repair the calendar"))
    desk.reads("Would move", "Demo Cover P", "another therapist")
    desk.press("Apply what is ticked")
    desk.reads("Applied")
    need.refresh_from_db()
    need.appointment.refresh_from_db()
    assert need.appointment.lead == cover
    assert need.window.covers(need.appointment.span)
    desk.press("Undo the plan")
    desk.reads("Undone")
    back = type(booked).objects.get(pk=booked.pk)
    assert (back.starts_at, back.lead) == (booked.starts_at, therapist)
