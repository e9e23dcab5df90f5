"""Process notes: the author's alone, encrypted, never lost between two tabs, final once signed."""

import re
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from episodes.models import Episode, EpisodeEvent
from kapclinic.accounts.models import Role, User
from kapclinic.accounts.policy import HIDDEN_ACTIONS, TABLE, Relation, can, in_scope
from kapclinic.clinics.models import Clinic
from kapclinic.clinics.refusals import Refused
from kapclinic.encryption import rotation
from kapclinic.process_notes.models import ProcessNote
from kapclinic.process_notes.services import (
    MOST_CHARACTERS,
    add_addendum,
    create_note,
    save_note,
    sign_note,
    strike_note,
)
from tests import factories
from tests.process_notes.situations import TEXT, write

pytestmark = pytest.mark.django_db


@pytest.fixture
def note(episode: Episode, therapist: User) -> ProcessNote:
    """A draft of the therapist's."""
    return write(episode, therapist)


@pytest.fixture
def signed(episode: Episode, therapist: User) -> ProcessNote:
    """A signed note of the therapist's."""
    return write(episode, therapist, signed=True)


def as_stored() -> str:
    """Every word that the database holds in any table of the program, as text."""
    found = []
    with connection.cursor() as cursor:
        for model in apps.get_models(include_auto_created=True):
            if model._meta.managed and not model._meta.proxy:
                cursor.execute(
                    f"SELECT string_agg(row_to_json(t)::text, ' ') FROM \"{model._meta.db_table}\" t"
                )
                found.append(cursor.fetchone()[0] or "")
    return " ".join(found)


def test_no_table_holds_a_word_when_a_note_is_written_signed_and_added_to(
    note: ProcessNote, signed: ProcessNote, therapist: User, client: Client
) -> None:
    add_addendum(note=signed, text="The heron came back.", actor=therapist)
    save_note(note=note, version=1, about_on=note.about_on, text="A second heron.", actor=therapist)
    strike_note(note=note, actor=therapist)
    client.force_login(therapist)
    draft = {"action": "save", "key": f"process-note:{note.pk}:2", "body": '{"text": ["A third heron."]}'}
    assert client.post(reverse("desk:draft"), draft).status_code == 204
    everything = as_stored()
    assert "heron" not in everything
    assert str(signed.pk) in everything, "the search looks where the notes are"
    # No hash of the text either: that of a short one can be guessed.
    assert signed.hash_now() not in everything


def test_episode_tells_nothing_when_a_note_is_written(signed: ProcessNote, episode: Episode) -> None:
    assert not EpisodeEvent.objects.filter(kind__contains="process").exists()
    assert not EpisodeEvent.objects.filter(episode=episode, created_at__gte=signed.created_at).exists()


def test_history_grows_without_the_text_and_not_at_all_when_a_key_changes(
    signed: ProcessNote, settings: Any
) -> None:
    history = apps.get_model("process_notes", "ProcessNoteHistory")
    assert not {"text", "seal"} & {field.name for field in history._meta.fields}
    before = history.objects.filter(pgh_obj_id=signed.pk).count()
    assert before == 2
    settings.ENCRYPTION_KEYS = ["new:" + "A" * 43 + "=", *settings.ENCRYPTION_KEYS]
    for store in rotation.stores():
        for _ in rotation.renew_all(store):
            pass
    assert history.objects.filter(pgh_obj_id=signed.pk).count() == before
    fresh = ProcessNote.objects.get(pk=signed.pk)
    assert (fresh.text, fresh.seal_holds()) == (TEXT, True)
    assert {key for store in rotation.stores() for key in store.key_ids()} == {"new"}


@pytest.mark.parametrize("action", sorted(action for action in TABLE if action.startswith("process-note.")))
def test_table_grants_no_text_by_team_duty_or_clinic(action: str) -> None:
    shows_text = action in {"process-note.hold", "process-note.receive", "process-note.read-released"}
    assert shows_text is (action in HIDDEN_ACTIONS)
    if shows_text:
        assert set().union(*TABLE[action].values()) == {Relation.OWN}
        assert Role.MANAGER not in TABLE[action]


@pytest.mark.parametrize("role", list(Role))
def test_note_does_not_exist_for_anybody_else(
    role: Role, note: ProcessNote, episode: Episode, clinic: Clinic, client: Client
) -> None:
    other = factories.make_member(clinic, role)
    actor = factories.make_actor(other, clinic)
    assert not can(actor, "process-note.hold", note)
    assert not in_scope(actor, note, "process-note.hold")
    client.force_login(other)
    for name in ("detail", "strike", "addendum", "release", "open"):
        url = reverse(f"process_notes:{name}", kwargs={"pk": note.pk})
        assert client.get(url).status_code in {404, 405}
        assert client.post(url).status_code == 404


def test_colleague_on_the_team_sees_no_sign_of_it(
    signed: ProcessNote, episode: Episode, prescriber: User, clinic: Clinic, client: Client
) -> None:
    second = factories.make_member(clinic, Role.THERAPIST)
    factories.make_cover(episode, second)
    episode.team.filter(user=second).update(covering=True)
    client.force_login(second)
    page = client.get(reverse("process_notes:of-episode", kwargs={"public_id": episode.public_id}))
    assert page.status_code == 200
    assert str(signed.pk) not in page.content.decode()
    client.force_login(prescriber)
    chart = client.get(reverse("desk:chart", kwargs={"public_id": episode.public_id}))
    assert chart.status_code == 200
    assert "process-note" not in chart.content.decode().replace("/process-notes/episodes/", "")
    assert "Process note" not in chart.content.decode()


def test_author_off_the_team_keeps_the_note_and_without_the_role_does_not(
    signed: ProcessNote, episode: Episode, therapist: User, client: Client
) -> None:
    episode.team.filter(user=therapist).update(ends_at=timezone.now())
    client.force_login(therapist)
    url = reverse("process_notes:detail", kwargs={"pk": signed.pk})
    assert TEXT in client.get(url).content.decode()
    therapist.memberships.update(ended_at=timezone.now())
    assert client.get(url).status_code == 403


def test_both_texts_are_shown_when_two_tabs_save_different_ones(
    note: ProcessNote, therapist: User, client: Client
) -> None:
    client.force_login(therapist)
    url = reverse("process_notes:detail", kwargs={"pk": note.pk})
    sent = {"about_on": note.about_on.isoformat(), "version": "1", "then": "draft"}
    assert client.post(url, sent | {"text": "From the first tab."}).status_code == 302
    page = client.post(url, sent | {"text": "From the second tab.", "then": "sign"})
    assert page.status_code == 422
    body = page.content.decode()
    assert "From the first tab." in body
    assert "From the second tab." in body
    assert ProcessNote.objects.get(pk=note.pk).text == "From the first tab."
    # Pressing again is a decision by somebody who saw both.
    version = page.context["form"]["version"].value()
    assert client.post(url, sent | {"text": "Both together.", "version": version}).status_code == 302
    assert ProcessNote.objects.get(pk=note.pk).text == "Both together."


def test_text_of_the_other_tab_is_shown_when_the_note_was_signed_meanwhile(
    note: ProcessNote, therapist: User
) -> None:
    sign_note(note=note, version=1, actor=therapist)
    with pytest.raises(Refused) as refused:
        save_note(note=note, version=1, about_on=note.about_on, text="Late words.", actor=therapist)
    assert [reason.code for reason in refused.value.reasons] == ["signed"]


def test_same_button_twice_makes_one_note_one_version_one_addendum(episode: Episode, therapist: User) -> None:
    key, addendum_id = uuid.uuid4(), uuid.uuid4()
    day = timezone.localdate(timezone=episode.clinic.zone)
    notes = {
        create_note(episode=episode, about_on=day, text=TEXT, actor=therapist, request_key=key).pk
        for _ in range(2)
    }
    note = ProcessNote.objects.get(pk=notes.pop())
    assert not notes
    for _ in range(2):
        assert save_note(note=note, version=1, about_on=day, text="Changed.", actor=therapist).version == 2
    for _ in range(2):
        sign_note(note=note, version=2, actor=therapist)
        add_addendum(note=note, text="More.", actor=therapist, addendum_id=addendum_id)
    assert note.addenda.count() == 1


@pytest.mark.parametrize(
    ("text", "days", "field"),
    [
        ("", 0, "text"),
        ("  \n", 0, "text"),
        ("x" * (MOST_CHARACTERS + 1), 0, "text"),
        ("Fine.", 1, "about_on"),
    ],
    ids=["empty", "blank", "too long", "tomorrow"],
)
def test_bad_note_is_refused_at_its_field(
    episode: Episode, therapist: User, text: str, days: int, field: str
) -> None:
    day = timezone.localdate(timezone=episode.clinic.zone) + timedelta(days=days)
    with pytest.raises(Refused) as refused:
        create_note(episode=episode, about_on=day, text=text, actor=therapist)
    assert [reason.field for reason in refused.value.reasons] == [field]


@pytest.mark.parametrize(
    "change",
    [
        "about_on = about_on - 1",
        "version = 9",
        "state = 'draft', signed_at = NULL",
        "text = text || 'x'",
        "seal = ''",
    ],
)
def test_database_refuses_to_change_a_signed_note(signed: ProcessNote, change: str) -> None:
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE process_notes_processnote SET {change} WHERE id = %s", [signed.pk])


def test_page_says_so_when_the_text_is_not_what_was_signed(
    signed: ProcessNote, therapist: User, client: Client, settings: Any
) -> None:
    client.force_login(therapist)
    url = reverse("process_notes:detail", kwargs={"pk": signed.pk})
    assert "the text is what was signed" in client.get(url).content.decode()
    # Whoever has the keys can go round the trigger by another key; the seal still shows it.
    settings.ENCRYPTION_KEYS = ["other:" + "A" * 43 + "=", *settings.ENCRYPTION_KEYS]
    forged = ProcessNote.objects.get(pk=signed.pk)
    forged.text = "Something else."
    forged.save(update_fields=["text"])
    assert "the text is not what was signed" in client.get(url).content.decode()


def test_form_says_what_may_not_stand_there_alone(episode: Episode, therapist: User, client: Client) -> None:
    client.force_login(therapist)
    page = client.get(
        reverse("process_notes:create", kwargs={"public_id": episode.public_id})
    ).content.decode()
    assert "No scores, doses, vital signs or times here alone" in page
    assert "maxlength" not in page.split('id="id_text"')[0].rsplit("<textarea", 1)[1]


def test_paper_shows_no_word_of_it(
    note: ProcessNote, signed: ProcessNote, therapist: User, client: Client
) -> None:
    client.force_login(therapist)
    for one in (note, signed):
        page = client.get(reverse("process_notes:detail", kwargs={"pk": one.pk})).content.decode()
        before, _, inside = page.partition('<div class="never-printed">')
        assert TEXT not in before
        assert TEXT in inside.partition("never here alone")[0]
    rules = (settings.BASE_DIR / "static/css/print.css").read_text()
    assert re.search(r"@media print \{.*\.never-printed,[^}]*display: none !important", rules, re.DOTALL)
