"""Two windows with different versions of a note: both texts are shown, nothing is lost, the next press is a decision."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from integration.models import IntegrationSession
from integration.services import record_session
from kapclinic.accounts.models import User
from kapclinic.handoffs.models import Handoff
from kapclinic.process_notes.models import ProcessNote
from sessions.models import PreparationSession
from tests import factories
from tests.attacks.forms import FoundForm, forms_of
from tests.process_notes.situations import write
from tests.sessions import situations as dosing

pytestmark = pytest.mark.django_db
FIRST, SECOND = "Written in the first window.", "Written in the second window."


@dataclass(frozen=True)
class Case:
    """A note that can be open twice: its address, its author, a field of text in it, and how to read what is saved."""

    url: str
    author: User
    field: str
    saved: Callable[[], str]
    button: tuple[str, str]


@pytest.fixture
def room(clinic: Any, coordinator: User, nurse: User, therapist: User, prescriber: User) -> Any:
    """A patient with a dose that was given and ended."""
    patient = factories.make_patient(clinic, coordinator)
    made = dosing.make_room(clinic, patient, nurse, therapist, prescriber)
    made.whole_dose()
    return made


def _integration(room: Any) -> Case:
    note = record_session(
        episode=room.episode, held_from=room.at(24 * 60), held_until=room.at(25 * 60), therapist=room.therapist,
        actor=room.therapist, now=room.at(26 * 60),
    )  # fmt: skip
    return Case(
        reverse("integration:session-detail", kwargs={"pk": note.pk}),
        room.therapist,
        "themes",
        lambda: IntegrationSession.objects.get(pk=note.pk).themes,
        ("then", "draft"),
    )


def _preparation(room: Any) -> Case:
    note = PreparationSession.objects.create(
        clinic=room.clinic, episode=room.episode, therapist=room.therapist, created_by=room.therapist,
        held_from=room.at(-60 * 40), held_until=room.at(-60 * 39), place="in_person",
    )  # fmt: skip
    return Case(
        reverse("dosing:preparation-edit", kwargs={"pk": note.pk}),
        room.therapist,
        "intention",
        lambda: PreparationSession.objects.get(pk=note.pk).intention,
        ("", ""),
    )


def _process_note(room: Any) -> Case:
    note = write(room.episode, room.therapist)
    return Case(
        reverse("process_notes:detail", kwargs={"pk": note.pk}),
        room.therapist,
        "text",
        lambda: ProcessNote.objects.get(pk=note.pk).text,
        ("then", "draft"),
    )


def _handoff(room: Any) -> Case:
    return Case(
        reverse("handoffs:write-to-therapist", kwargs={"pk": room.session.pk}),
        room.prescriber,
        "",
        lambda: " ".join(Handoff.objects.get(session=room.session).body.values()),
        ("intent", "draft"),
    )


CASES = {
    "integration note": _integration,
    "preparation": _preparation,
    "process note": _process_note,
    "handoff": _handoff,
}


def _form(page: HttpResponse, field: str) -> tuple[FoundForm, str]:
    """The form of the note, and the name of its field of text."""
    for form in forms_of(page.content.decode()):
        areas = [control.name for control in form.controls if control.kind == "textarea"]
        if form.method == "post" and (field in areas or (not field and areas)):
            return form, field or areas[0]
    raise AssertionError("the page has no such form")


def _post(client: Client, case: Case, form: FoundForm, name: str, text: str) -> HttpResponse:
    values = {
        key: kept
        for key, kept in form.values().items()
        if not any(control.name == key and control.kind == "submit" for control in form.controls)
    }
    if case.button[0]:
        values[case.button[0]] = [case.button[1]]
    return client.post(case.url, values | {name: [text]})


@pytest.mark.parametrize("kind", CASES)
def test_both_texts_are_shown_and_the_next_press_decides_when_two_windows_save(kind: str, room: Any) -> None:
    case = CASES[kind](room)
    client = Client()
    client.force_login(case.author)
    if kind == "handoff":
        # The first save of all makes the draft that both windows then open.
        form, name = _form(client.get(case.url), case.field)
        assert _post(client, case, form, name, "Begun.").status_code == 302
    form, name = _form(client.get(case.url), case.field)
    assert _post(client, case, form, name, FIRST).status_code == 302
    page = _post(client, case, form, name, SECOND)
    assert page.status_code == 422
    body = page.content.decode()
    assert FIRST in body
    assert SECOND in body
    assert FIRST in case.saved()
    again, _ = _form(page, name)
    assert dict(again.values())[name] == [SECOND]
    assert _post(client, case, again, name, SECOND).status_code == 302
    assert SECOND in case.saved()


@pytest.mark.parametrize("kind", ["integration note", "preparation", "process note"])
def test_typed_text_comes_back_when_the_note_was_signed_meanwhile(kind: str, room: Any) -> None:
    case = CASES[kind](room)
    client = Client()
    client.force_login(case.author)
    form, name = _form(client.get(case.url), case.field)
    _sign(kind, case)
    page = _post(client, case, form, name, SECOND)
    assert page.status_code == 422
    assert SECOND in page.content.decode()
    assert "addendum" in page.content.decode()
    assert SECOND not in case.saved()


def _sign(kind: str, case: Case) -> None:
    from django.utils import timezone

    from kapclinic.process_notes.services import sign_note

    if kind == "process note":
        note = ProcessNote.objects.get()
        sign_note(note=note, version=note.version, actor=case.author)
        return
    model = IntegrationSession if kind == "integration note" else PreparationSession
    signed = model.objects.order_by("-created_at")[0]
    # Signed as it is: what a signature asks for is tested where it lives.
    signed.apply_signature(signer=case.author, signed_at=timezone.now())
    signed.save()


def test_own_press_is_no_conflict_when_the_signature_was_refused(room: Any) -> None:
    """A draft that was saved and could not be signed is saved again without a word of another window."""
    case = _preparation(room)
    client = Client()
    client.force_login(case.author)
    form, name = _form(client.get(case.url), case.field)
    page = client.post(case.url, form.values() | {name: [FIRST], "sign": ["yes"]})
    assert page.status_code == 422
    again, _ = _form(page, name)
    assert _post(client, case, again, name, SECOND).status_code == 302
    assert case.saved() == SECOND


@pytest.fixture(autouse=True)
def _silence() -> Iterator[None]:
    import logging

    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)
