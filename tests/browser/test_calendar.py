"""The calendar by keyboard alone: an hour is chosen and booked, two tabs want the same one, and what was done is undone."""

from collections.abc import Callable
from datetime import datetime, time, timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from kapclinic.accounts.models import Role
from kapclinic.scheduling.models import Appointment, AppointmentKind, AppointmentState, Part
from kapclinic.scheduling.services import book_appointment
from tests import factories
from tests.browser.journey_people import Colleague, work_every_day
from tests.live import LiveClinic

pytestmark = [pytest.mark.timeout(300)]


def test_hour_is_booked_by_keyboard_wanted_in_two_tabs_and_given_back(
    live_clinic: LiveClinic, new_page: Callable[[], Page]
) -> None:
    clinic = factories.make_clinic(name="Calendar Clinic (made up)")
    coordinator = factories.make_member(clinic, Role.COORDINATOR, name="Demo Coordinator C")
    therapist = factories.make_member(clinic, Role.THERAPIST, name="Demo Therapist C")
    work_every_day(therapist, clinic)
    ash, birch = (
        factories.make_episode(factories.make_patient(clinic, family_name=name), therapist=therapist)
        for name in ("Ash", "Birch")
    )
    today = timezone.localdate(timezone=clinic.zone)
    monday = today + timedelta(days=7 - today.weekday())
    starts_at = datetime.combine(monday, time(8, 30), tzinfo=clinic.zone)
    book_appointment(
        clinic=clinic, kind=AppointmentKind.SCREENING, episode=birch, starts_at=starts_at,
        ends_at=starts_at + timedelta(hours=1), people=[(therapist, Part.THERAPIST)], actor=coordinator,
        roles=frozenset({Role.COORDINATOR}), reason="made up",
    )  # fmt: skip
    desk = Colleague(coordinator, new_page())
    page, keys = desk.page, desk.page.keyboard
    said = page.locator("#cal-said")

    # From the week before: the first column, down to the session, past it, and to an empty hour of the next day.
    page.goto(f"/calendar/?who={therapist.pk}&day={monday - timedelta(days=7)}")
    page.locator(".cal-scroll").focus()
    keys.press("ArrowDown")
    keys.press("PageDown")
    page.wait_for_url(f"**day={monday}**")
    for _ in range(8):
        keys.press("ArrowUp")
    while "Mon" not in (said.text_content() or ""):
        keys.press("ArrowLeft")
    expect(said).to_contain_text("Book Mon")
    keys.press("ArrowDown")
    expect(said).to_contain_text("08:15")
    keys.press("ArrowDown")
    expect(said).to_contain_text("08:30 Birch")
    expect(said).to_contain_text("Open Mon")
    keys.press("ArrowDown")
    expect(said).to_contain_text("Book Mon")
    expect(said).to_contain_text("09:30")
    keys.press("ArrowRight")
    expect(said).to_contain_text("Book Tue")
    keys.press("Enter")
    page.wait_for_url("**/calendar/book/**")
    desk.follow("Ash, Mei")
    page.get_by_label("For").select_option("preparation")
    form = page.url

    # Another tab takes the same hour for somebody else first.
    other = page.context.new_page()
    other.goto(form.replace(ash.public_id, birch.public_id))
    other.get_by_label("For").select_option("screening")
    other.get_by_role("button", name="Book", exact=True).click()
    expect(other.locator("#messages")).to_contain_text("Booked. Tell the patient the time.")
    page.get_by_label("Why all the same").fill("Typed with care")
    desk.press("Book")
    desk.reads("This time does not do.", "is booked Tue")
    expect(page.get_by_label("Why all the same")).to_have_value("Typed with care")
    expect(page.get_by_label("For")).to_have_value("preparation")

    # The other tab gives it back, and the first one goes through as it stands.
    other.locator("#messages").get_by_role("button", name="Undo").click()
    expect(other.locator("#messages")).to_contain_text("Undone.")
    desk.press("Book")
    desk.reads("Booked. Tell the patient the time.")
    made = Appointment.objects.get(episode=ash)
    assert timezone.localtime(made.starts_at, clinic.zone).time() == time(9, 30)
    assert Appointment.objects.filter(episode=birch, state=AppointmentState.CANCELLED).count() == 1
    desk.press("Undo the booking")
    desk.reads("Undone.")
    made.refresh_from_db()
    assert made.state == AppointmentState.CANCELLED
