"""The pages of a dosing session, by role, and what becomes of what is typed."""

import uuid
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from episodes.services import strike_entry
from kapclinic.accounts.models import Role
from sessions.models import Administration, LogEntry, VitalsReading
from sessions.services import record_administration
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def dosed(room):
    """A dose of an hour ago."""
    room.start = timezone.now().replace(microsecond=0) - timedelta(minutes=70)
    room.plan()
    room.check_in()
    record_administration(
        session=room.session,
        details=room.given(10, ended_at=room.at(50), amount_mg=Decimal("34.0")),
        actor=room.nurse,
        now=room.at(51),
    )
    room.vitals(55, systolic=186, diastolic=100)
    room.fresh()
    return room


def url(name, thing):
    return reverse(f"dosing:{name}", kwargs={"pk": thing.pk})


def local(moment, room):
    return moment.astimezone(room.clinic.zone).strftime("%Y-%m-%dT%H:%M:%S")


def test_record_shows_dose_reading_and_what_to_do(client, dosed):
    client.force_login(dosed.nurse)
    page = client.get(url("session-detail", dosed.session)).content.decode()
    assert "IV ketamine 34 mg" in page
    assert "186/100" in page
    assert "Before they may leave" in page
    assert "Repeat in 5 min and call the prescriber." in page


def test_every_card_of_the_record_is_named_by_its_title(client, dosed):
    client.force_login(dosed.nurse)
    page = client.get(url("session-detail", dosed.session)).content.decode()
    for card in ("vitals", "given", "log", "challenges", "events", "leaving", "order", "door", "setting"):
        assert f'id="{card}" aria-labelledby="{card}-title"' in page
        assert f'id="{card}-title"' in page


def test_sheet_for_the_way_home_is_made_from_the_record_once_the_dose_has_ended(client, dosed):
    client.force_login(dosed.nurse)
    sheet = reverse("handoffs:instruction-sheet", args=[dosed.session.pk])
    assert f'action="{sheet}"' in client.get(url("session-detail", dosed.session)).content.decode()
    made = client.post(sheet)
    assert made.status_code == 302
    assert client.get(made["Location"]).status_code == 200
    given = dosed.session.administrations.get()
    strike_entry(entry=given, reason="Another patient", actor=dosed.nurse)
    assert sheet not in client.get(url("session-detail", dosed.session)).content.decode()


def test_record_says_when_a_dose_was_entered_late(client, dosed):
    client.force_login(dosed.nurse)
    assert "entered late" not in client.get(url("session-detail", dosed.session)).content.decode()
    record_administration(
        session=dosed.session,
        details=dosed.given(-60, ended_at=dosed.at(-50), amount_mg=Decimal("5.0")),
        actor=dosed.nurse,
    )
    assert "entered late" in client.get(url("session-detail", dosed.session)).content.decode()


def test_entries_are_named_by_the_clinics_time_not_by_utc(client, dosed):
    client.force_login(dosed.nurse)
    page = client.get(url("session-detail", dosed.session)).content.decode()
    for name, at in (("Vital signs", dosed.at(55)), ("Check-in", dosed.at(2))):
        moment = at.astimezone(dosed.clinic.zone)
        assert f"as entered in error: {name} {moment:%Y-%m-%d %H:%M %Z}" in page
        assert f"{name} {at:%Y-%m-%d %H:%M}" not in page


@pytest.mark.parametrize(
    ("role", "name", "status"),
    [
        (Role.NURSE, "session-detail", 200),
        (Role.THERAPIST, "session-detail", 200),
        (Role.PRESCRIBER, "session-detail", 200),
        (Role.NURSE, "order-new", 403),
        (Role.THERAPIST, "order-new", 403),
        (Role.PRESCRIBER, "order-new", 200),
        (Role.NURSE, "order-telephone", 200),
        (Role.THERAPIST, "given", 403),
        (Role.NURSE, "given", 200),
        (Role.NURSE, "start", 200),
        (Role.THERAPIST, "vitals", 200),
        (Role.THERAPIST, "ending", 403),
        (Role.NURSE, "ending", 200),
        (Role.PRESCRIBER, "ending", 200),
        (Role.NURSE, "leaving-check", 200),
        (Role.NURSE, "check-in", 200),
        (Role.THERAPIST, "session-setting", 200),
        (Role.NURSE, "adverse-event", 200),
        (Role.NURSE, "medicine", 200),
    ],
)
def test_pages_open_for_the_right_role(client, dosed, role, name, status):
    person = {Role.NURSE: dosed.nurse, Role.THERAPIST: dosed.therapist, Role.PRESCRIBER: dosed.prescriber}[
        role
    ]
    client.force_login(person)
    assert client.get(url(name, dosed.session)).status_code == status


@pytest.mark.parametrize("role", [Role.COORDINATOR, Role.MANAGER, Role.THERAPIST])
def test_record_stays_closed_when_the_person_has_nothing_to_do_with_it(client, dosed, role):
    stranger = factories.make_member(dosed.clinic, role)
    client.force_login(stranger)
    assert client.get(url("session-detail", dosed.session)).status_code in (403, 404)


def test_record_does_not_exist_for_another_clinic(client, dosed, other_clinic):
    client.force_login(factories.make_member(other_clinic, Role.NURSE))
    assert client.get(url("session-detail", dosed.session)).status_code == 404


def test_implausible_reading_is_kept_and_sent_twice_is_one(client, dosed):
    client.force_login(dosed.nurse)
    typed = {
        "request_key": str(uuid.uuid4()),
        "taken_at": local(dosed.at(60), dosed),
        "systolic": "205",
        "diastolic": "120",
    }
    for _ in range(2):
        assert client.post(url("vitals", dosed.session), typed).status_code == 302
    assert VitalsReading.objects.filter(systolic=205).count() == 1


def test_impossible_reading_is_refused_at_its_field_with_everything_typed_kept(client, dosed):
    client.force_login(dosed.nurse)
    typed = {
        "request_key": str(uuid.uuid4()),
        "taken_at": local(dosed.at(60), dosed),
        "systolic": "80",
        "diastolic": "120",
        "note": "left arm",
    }
    answer = client.post(url("vitals", dosed.session), typed)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "The systolic pressure must be above the diastolic one." in page
    assert 'value="120"' in page
    assert "left arm" in page


def test_refused_start_names_every_reason_and_recording_works(client, dosed):
    client.force_login(dosed.nurse)
    typed = {
        "request_key": str(uuid.uuid4()),
        "drug": "ketamine",
        "route": "im",
        "started_at": local(dosed.at(60), dosed),
        "amount_mg": "20",
    }
    answer = client.post(url("start", dosed.session), typed)
    assert answer.status_code == 422
    assert "There is no active order." in answer.content.decode()
    assert client.post(url("given", dosed.session), typed).status_code == 302
    given = Administration.objects.get(route="im")
    assert "no-order" in {entry["code"] for entry in given.deviations}


def test_discharge_is_refused_in_words_and_leaving_is_recorded(client, dosed):
    client.force_login(dosed.nurse)
    typed = {
        "request_key": str(uuid.uuid4()),
        "ending": "discharged",
        "ended_at": local(dosed.at(65), dosed),
    }
    answer = client.post(url("ending", dosed.session), typed)
    assert answer.status_code == 422
    assert "Escort here, seen and named: nobody named. Nobody overrides it." in answer.content.decode()
    typed |= {"ending": "left-against-advice", "reason": "Walked out."}
    assert client.post(url("ending", dosed.session), typed).status_code == 302


def test_arithmetic_is_shown_while_typing(client, dosed):
    client.force_login(dosed.prescriber)
    typed = {"drug": "ketamine", "route": "iv", "amount": "0.5", "unit": "mg/kg", "infusion_minutes": "40"}
    page = client.post(url("order-preview", dosed.session), typed).content.decode()
    assert "0.5 mg/kg × 68 kg = 34 mg" in page
    page = client.post(url("order-preview", dosed.session), {**typed, "amount": "2"}).content.decode()
    assert "above the clinic&#x27;s limit" in page


def test_log_survives_quotes_and_angle_brackets(client, dosed):
    client.force_login(dosed.therapist)
    words = "“<b>light</b>” 🙂 مرحبا"
    typed = {
        "request_key": str(uuid.uuid4()),
        "at": local(dosed.at(60), dosed),
        "kind": "note",
        "text": words,
    }
    assert client.post(url("log", dosed.session), typed).status_code == 302
    assert LogEntry.objects.get().text == words
    page = client.get(url("session-detail", dosed.session)).content.decode()
    assert "&lt;b&gt;light&lt;/b&gt;" in page


def test_lists_of_the_episode_open(client, dosed):
    client.force_login(dosed.therapist)
    for name in ("session-list", "preparation-list", "preparation-new", "session-plan"):
        address = reverse(f"dosing:{name}", kwargs={"public_id": dosed.episode.public_id})
        assert client.get(address).status_code == 200


def test_preparation_is_written_and_signed_on_its_page(client, dosed):
    client.force_login(dosed.therapist)
    address = reverse("dosing:preparation-new", kwargs={"public_id": dosed.episode.public_id})
    typed = {
        "request_key": str(uuid.uuid4()),
        "held_from": local(dosed.at(-3000), dosed),
        "held_until": local(dosed.at(-2950), dosed),
        "place": "in_person",
        "intention": "To meet what comes",
        "safety_plan": "Sister",
        "instructions": ["fasting"],
        "sign": "yes",
    }
    answer = client.post(address, typed)
    assert answer.status_code == 422
    assert "Mark at least one part that was covered." in answer.content.decode()
    first = dosed.episode.protocol.preparation_parts[0].key
    answer = client.post(address, {**typed, f"covered-{first}": "on"})
    assert answer.status_code == 302
    note = dosed.episode.preparations.get()
    assert note.is_signed


# -- every entry page writes what was typed --------------------------------------------------------------


def as_typed(value, room):
    if isinstance(value, bool):
        return "on" if value else None
    if isinstance(value, datetime):
        return local(value, room)
    return value if isinstance(value, list) else str(value)


def type_in(client, room, name, thing, person, /, kind="", **changes):
    """Open a page, change some fields of what it shows, send it; gives the answer."""
    client.force_login(person)
    address = reverse(f"dosing:{name}", kwargs={"pk": thing.pk} | ({"kind": kind} if kind else {}))
    form = client.get(address).context["form"]
    shown = {field.html_name: field.value() for field in form} | changes
    sent = {name: as_typed(value, room) for name, value in shown.items() if value is not None}
    return client.post(address, {name: value for name, value in sent.items() if value is not None})


def test_check_in_is_asked_again_from_what_was_told_before(client, dosed):
    assert (
        type_in(client, dosed, "check-in", dosed.session, dosed.nurse, escort_name="Sam").status_code == 302
    )
    row = dosed.session.checkins.current().get()
    assert (row.escort_name, row.escort_phone, row.weight_kg, row.nothing_eaten) == (
        "Sam",
        "+1 303 555 0100",
        Decimal("68.0"),
        True,
    )
    assert row.supersedes is not None


def test_infusion_is_stopped_and_corrected(client, dosed):
    running = record_administration(
        session=dosed.session, details=dosed.given(60), actor=dosed.nurse, now=dosed.at(61)
    )
    values = {"ended_at": dosed.at(66), "amount_mg": "5.0"}
    assert type_in(client, dosed, "stop", running, dosed.nurse, **values).status_code == 302
    running.refresh_from_db()
    assert running.ended_at == dosed.at(66)
    values = {"amount_mg": "6.0", "correction_reason": "Misread"}
    assert type_in(client, dosed, "given-correct", running, dosed.nurse, **values).status_code == 302
    row = dosed.session.administrations.current().get(supersedes=running)
    assert (row.amount_mg, row.ended_at, row.started_at) == (Decimal("6.0"), dosed.at(66), dosed.at(60))


def test_reading_is_corrected_from_what_it_said(client, dosed):
    reading = dosed.session.vitalsreadings.get()
    values = {"systolic": "168", "correction_reason": "Typed wrongly"}
    assert type_in(client, dosed, "vitals-correct", reading, dosed.nurse, **values).status_code == 302
    row = dosed.session.vitalsreadings.current().get()
    assert (row.systolic, row.diastolic, row.taken_at, row.correction_reason) == (
        168,
        100,
        dosed.at(55),
        "Typed wrongly",
    )


def test_other_medicine_is_written_down(client, dosed):
    values = {"name": "Ondansetron", "amount": "4 mg", "given_at": dosed.at(20)}
    assert type_in(client, dosed, "medicine", dosed.session, dosed.nurse, **values).status_code == 302
    assert dosed.session.othermedicines.get().name == "Ondansetron"


def test_challenge_is_written_down_and_answered(client, dosed):
    values = {"began_at": dosed.at(20), "steps_taken": ["grounding"], "description": "Flashback"}
    answer = type_in(client, dosed, "challenge", dosed.session, dosed.therapist, kind="trauma", **values)
    assert answer.status_code == 302
    row = dosed.session.challengingexperiences.get()
    assert (row.kind, row.steps_taken) == ("trauma", ["grounding"])
    values = {"continuation": "modify", "answer": "Slower"}
    assert type_in(client, dosed, "challenge-answer", row, dosed.therapist, **values).status_code == 302
    row.refresh_from_db()
    assert (row.continuation, row.answer, row.answered_by) == ("modify", "Slower", dosed.therapist)


def test_challenge_of_an_unknown_kind_has_no_page(client, dosed):
    client.force_login(dosed.therapist)
    assert client.get(f"/dosing/session/{dosed.session.pk}/challenge/wonder/").status_code == 404


def test_adverse_event_is_written_down_brought_up_to_date_and_reviewed(client, dosed):
    values = {"term": "Vomiting", "began_at": dosed.at(20), "grade": "2", "outcome": "ongoing"}
    assert type_in(client, dosed, "adverse-event", dosed.session, dosed.nurse, **values).status_code == 302
    first = dosed.session.adverseevents.get()
    values = {"grade": "1", "correction_reason": "It was milder"}
    assert type_in(client, dosed, "adverse-event-update", first, dosed.nurse, **values).status_code == 302
    row = dosed.session.adverseevents.current().get()
    assert (row.grade, row.term, row.supersedes) == (1, "Vomiting", first)
    assert (
        type_in(client, dosed, "adverse-event-review", row, dosed.prescriber, answer="Seen").status_code
        == 302
    )
    row.refresh_from_db()
    assert (row.review, row.reviewed_by) == ("Seen", dosed.prescriber)


def test_incident_is_answered(client, dosed):
    incident = dosed.session.incidents.get()
    values = {"answer": "No order: talked through"}
    assert type_in(client, dosed, "incident-answer", incident, dosed.prescriber, **values).status_code == 302
    incident.refresh_from_db()
    assert (incident.answer, incident.answered_by) == (values["answer"], dosed.prescriber)


def test_leaving_check_begins_from_what_was_seen_before(client, dosed):
    first = {"is_oriented": "yes", "escort_name": "Rosa", "at": dosed.at(60)}
    assert type_in(client, dosed, "leaving-check", dosed.session, dosed.nurse, **first).status_code == 302
    second = {"walks_steadily": "no", "at": dosed.at(62)}
    assert type_in(client, dosed, "leaving-check", dosed.session, dosed.nurse, **second).status_code == 302
    row = dosed.session.dischargechecks.order_by("at").last()
    assert (row.is_oriented, row.walks_steadily, row.escort_name) == (True, False, "Rosa")
