"""Drafts: kept encrypted, for one person alone, dropped with age."""

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from kapclinic.accounts.models import User
from kapclinic.clinics.refusals import Refused
from kapclinic.desk.drafts import KEPT_FOR, LONGEST, discard_draft, load_draft, save_draft
from kapclinic.desk.models import Draft

pytestmark = pytest.mark.django_db

BODY = json.dumps({"narrative": ["She spoke of the sea."], "parts": ["themes", "goals"]})


def test_draft_comes_back_when_its_person_asks(therapist: User) -> None:
    save_draft(user=therapist, key="integration-note:1", body=BODY)
    found = load_draft(user=therapist, key="integration-note:1")
    assert found is not None
    assert found[0]["narrative"] == ["She spoke of the sea."]


def test_draft_stays_hidden_when_somebody_else_asks(therapist: User, prescriber: User) -> None:
    save_draft(user=therapist, key="integration-note:1", body=BODY)
    assert load_draft(user=prescriber, key="integration-note:1") is None


def test_newest_text_wins_when_a_draft_is_kept_twice(therapist: User) -> None:
    save_draft(user=therapist, key="k", body=BODY)
    save_draft(user=therapist, key="k", body=json.dumps({"narrative": ["Later."]}))
    found = load_draft(user=therapist, key="k")
    assert found is not None
    assert found[0] == {"narrative": ["Later."]}
    assert Draft.objects.count() == 1


def test_database_holds_no_clear_text_when_a_draft_is_kept(therapist: User) -> None:
    save_draft(user=therapist, key="k", body=BODY)
    with connection.cursor() as cursor:
        cursor.execute("SELECT body FROM desk_draft")
        stored = cursor.fetchone()[0]
    assert "sea" not in stored
    assert stored.startswith("v1.")


def test_draft_is_gone_when_its_form_was_accepted(therapist: User) -> None:
    save_draft(user=therapist, key="k", body=BODY)
    discard_draft(user=therapist, key="k")
    discard_draft(user=therapist, key="k")
    assert load_draft(user=therapist, key="k") is None
    assert not Draft.objects.exists()


@pytest.mark.parametrize(("seconds", "is_back"), [(-1, True), (0, True), (1, False)])
def test_draft_comes_back_only_while_it_is_young(therapist: User, seconds: int, is_back: bool) -> None:
    kept_at = timezone.now()
    save_draft(user=therapist, key="k", body=BODY, now=kept_at)
    found = load_draft(user=therapist, key="k", now=kept_at + KEPT_FOR + timedelta(seconds=seconds))
    assert (found is not None) is is_back


def test_old_drafts_go_when_a_new_one_is_kept(therapist: User) -> None:
    now = timezone.now()
    save_draft(user=therapist, key="old", body=BODY, now=now - KEPT_FOR - timedelta(seconds=1))
    save_draft(user=therapist, key="new", body=BODY, now=now)
    assert list(Draft.objects.values_list("key", flat=True)) == ["new"]


@pytest.mark.parametrize(
    "body",
    ["", "no json", "[]", '{"a": "text"}', '{"a": [1]}', json.dumps({"a": ["x" * (LONGEST + 1)]})],
    ids=["empty", "text", "list", "bare value", "number", "too long"],
)
def test_body_is_refused_when_it_is_no_form(therapist: User, body: str) -> None:
    with pytest.raises(Refused):
        save_draft(user=therapist, key="k", body=body)


@pytest.mark.parametrize("key", ["", "k" * 201])
def test_draft_is_refused_when_its_form_has_no_usable_name(therapist: User, key: str) -> None:
    with pytest.raises(Refused):
        save_draft(user=therapist, key=key, body=BODY)
