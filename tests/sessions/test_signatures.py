"""Signed notes: what the signature covers, what the database refuses, and what the page says of it."""

from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse

from kapclinic.documents.notes import Addendum, SignedNote, row_is_final, signed_is_final
from tests.sessions.situations import Room

pytestmark = pytest.mark.django_db
NOTES = [model for model in apps.get_models() if issubclass(model, SignedNote)]
ADDENDA = [model for model in apps.get_models() if issubclass(model, Addendum)]

# Fields that the signature need not cover, and why: it covers the note's key, version, signer and time by itself; to whom and
# to what the note belongs is bound by its key, and the database lets none of it change.
NOT_CONTENT = {
    "id", "clinic", "episode", "appointment", "created_at", "created_by", "entered_in_error_at", "entered_in_error_by",
    "entered_in_error_reason", "state", "version", "content_hash", "signed_by", "signed_at", "request_key",
    # Of handoffs: what led to the text. The document's own hash covers what was shown.
    "sources", "author", "updated_at", "supersedes", "session", "edition", "kind",
}  # fmt: skip


@pytest.mark.parametrize("model", NOTES, ids=lambda model: model.__name__)
def test_every_field_of_a_note_is_signed_when_it_is_not_named_here(model: type[SignedNote]) -> None:
    # The names stand in content() where a field is covered.
    said = set(model.content.__code__.co_names)
    bare = {
        field.name
        for field in model._meta.concrete_fields
        if field.name not in NOT_CONTENT and not {field.name, field.attname} & said
    }
    assert not bare


@pytest.mark.parametrize("model", [*NOTES, *ADDENDA], ids=lambda model: model.__name__)
def test_note_and_addendum_have_their_triggers_in_the_database(model: type) -> None:
    final = signed_is_final() if issubclass(model, SignedNote) else row_is_final()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgname FROM pg_trigger WHERE tgrelid = %s::regclass AND NOT tgisinternal AND tgenabled <> 'D'",
            [f'"{model._meta.db_table}"'],  # type: ignore[attr-defined]  # a model
        )
        names = " ".join(row[0] for row in cursor.fetchall())
    assert final.name in names
    assert "never_deleted" in names


def test_page_says_that_the_signature_holds_and_when_it_does_not(room: Room, client: Client) -> None:
    note = room.prepare()
    client.force_login(room.therapist)
    url = reverse("dosing:preparation-detail", kwargs={"pk": note.pk})
    page = client.get(url).content.decode()
    assert "signature holds" in page
    assert note.content_hash in page
    assert room.therapist.full_name in page
    with pytest.raises(IntegrityError, match="cannot be changed"), transaction.atomic():
        type(note).objects.filter(pk=note.pk).update(intention="Forged")
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("RESET ROLE")
        cursor.execute(f'ALTER TABLE "{note._meta.db_table}" DISABLE TRIGGER USER')
        cursor.execute(f"UPDATE \"{note._meta.db_table}\" SET intention = 'Forged' WHERE id = %s", [note.pk])
        cursor.execute(f'ALTER TABLE "{note._meta.db_table}" ENABLE TRIGGER USER')
    page = client.get(url).content.decode()
    assert "The signature does not hold." in page
    assert "signature holds" not in page


def test_addendum_is_final_when_it_is_written(room: Room) -> None:
    from sessions.services import add_preparation_addendum

    addendum: Any = add_preparation_addendum(
        note=room.prepare(), text="A made-up line.", actor=room.therapist
    )
    with pytest.raises(IntegrityError, match="cannot be changed"), transaction.atomic():
        type(addendum).objects.filter(pk=addendum.pk).update(text="Forged")


def test_words_of_a_signature_carry_no_markup_of_its_signer() -> None:
    said = render_to_string(
        "documents/_signature.html",
        {"holds": False, "note": {"signed_by": "<b>Demo</b>", "content_hash": "x"}},
    )
    assert "<b>Demo</b>" not in said
