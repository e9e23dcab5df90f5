"""Encrypted values: bound to their row, under a ring of keys, loud when something is wrong."""

import base64

import pytest
from django.core.exceptions import FieldError, ImproperlyConfigured
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from kapclinic.accounts.models import User
from kapclinic.desk.models import Draft
from kapclinic.encryption import DecryptionError, KeyRing

OLD = "k1:" + base64.b64encode(b"1" * 32).decode()
NEW = "k2:" + base64.b64encode(b"2" * 32).decode()


@given(st.text(), st.text(min_size=1, max_size=80))
def test_text_comes_back_when_read_where_it_was_written(text: str, place: str) -> None:
    ring = KeyRing.from_pairs([OLD])
    assert ring.decrypt(ring.encrypt(text, bound_to=place), bound_to=place) == text


def test_same_text_looks_different_when_sealed_twice() -> None:
    ring = KeyRing.from_pairs([OLD])
    assert ring.encrypt("made up", bound_to="a") != ring.encrypt("made up", bound_to="a")


def test_value_does_not_open_when_moved_to_another_row() -> None:
    ring = KeyRing.from_pairs([OLD])
    sealed = ring.encrypt("made up", bound_to="notes.body:1")
    for place in ("notes.body:2", "notes.other:1", "drafts.body:1"):
        with pytest.raises(DecryptionError):
            ring.decrypt(sealed, bound_to=place)


def test_old_value_opens_and_new_ones_use_the_newest_key_when_a_key_is_added() -> None:
    sealed = KeyRing.from_pairs([OLD]).encrypt("made up", bound_to="a")
    ring = KeyRing.from_pairs([NEW, OLD])
    assert ring.decrypt(sealed, bound_to="a") == "made up"
    assert ring.encrypt("made up", bound_to="a").startswith("v1.k2.")


def test_value_does_not_open_when_its_key_left_the_ring() -> None:
    sealed = KeyRing.from_pairs([OLD]).encrypt("made up", bound_to="a")
    with pytest.raises(DecryptionError, match="k1 is not in the ring"):
        KeyRing.from_pairs([NEW]).decrypt(sealed, bound_to="a")


def test_value_does_not_open_when_another_key_has_its_id() -> None:
    sealed = KeyRing.from_pairs([OLD]).encrypt("made up", bound_to="a")
    impostor = "k1:" + base64.b64encode(b"9" * 32).decode()
    with pytest.raises(DecryptionError):
        KeyRing.from_pairs([impostor]).decrypt(sealed, bound_to="a")


@pytest.mark.parametrize("stored", ["made up", "", "v0.k1.AAAA", "v1.k1.", "v1.k1.AAAA", "v1.k1.Ω", "v1"])
def test_value_does_not_open_when_it_is_no_sealed_text(stored: str) -> None:
    with pytest.raises(DecryptionError):
        KeyRing.from_pairs([OLD]).decrypt(stored, bound_to="a")


@pytest.mark.parametrize(
    "pairs",
    [
        [],
        ["k1"],
        ["k1:not base64!"],
        ["k1:" + base64.b64encode(b"short").decode()],
        ["bad id:" + "A" * 44],
        [OLD, OLD],
    ],
)
def test_ring_is_refused_when_a_key_is_wrong(pairs: list[str]) -> None:
    with pytest.raises(ImproperlyConfigured):
        KeyRing.from_pairs(pairs)


@pytest.fixture
def draft(nurse: User) -> Draft:
    """A kept draft, whose body rests encrypted."""
    return Draft.objects.create(user=nurse, key="made-up:1", body="words of nobody")


@pytest.mark.django_db
def test_database_holds_no_clear_text_when_a_field_is_encrypted(draft: Draft) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT body FROM {Draft._meta.db_table} WHERE id = %s", [draft.pk])
        (stored,) = cursor.fetchone()
    assert stored.startswith("v1.")
    assert "nobody" not in stored
    assert Draft.objects.get(pk=draft.pk).body == "words of nobody"


@pytest.mark.django_db
def test_field_raises_when_the_ciphertext_was_copied_from_another_row(draft: Draft, nurse: User) -> None:
    other = Draft.objects.create(user=nurse, key="made-up:2", body="other words")
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {Draft._meta.db_table} SET body = (SELECT body FROM {Draft._meta.db_table} WHERE id = %s) WHERE id = %s",
            [draft.pk, other.pk],
        )
    with pytest.raises(DecryptionError):
        _ = Draft.objects.get(pk=other.pk).body


@pytest.mark.django_db
def test_field_keeps_its_value_when_loaded_later_and_saved_again(draft: Draft) -> None:
    late = Draft.objects.defer("body").get(pk=draft.pk)
    assert late.body == "words of nobody"
    late.save()
    assert Draft.objects.get(pk=draft.pk).body == "words of nobody"


@pytest.mark.django_db
def test_look_up_by_content_is_impossible_when_a_field_is_encrypted(draft: Draft) -> None:
    with pytest.raises(FieldError):
        list(Draft.objects.filter(body="words of nobody"))
