"""Every change of a clinical row is written down, however it was made."""

import uuid

import pghistory
import pytest
from django.apps import apps
from django.db import connection
from django.test import Client
from django.urls import reverse

from kapclinic.accounts.models import User
from kapclinic.clinics.models import Clinic, ClinicalRow, Room

pytestmark = pytest.mark.django_db
CLINICAL = sorted(
    (model for model in apps.get_models() if issubclass(model, ClinicalRow)),
    key=lambda model: model._meta.label,
)


def _names(room: Room) -> list[tuple[str, str]]:
    return list(room.history.order_by("pgh_id").values_list("pgh_label", "name"))


@pytest.mark.parametrize("model", CLINICAL, ids=lambda model: model._meta.label)
def test_clinical_model_is_tracked_when_it_exists(model: type[ClinicalRow]) -> None:
    history = getattr(model, "history", None)
    assert history is not None, f"put @tracked on {model._meta.label} (kapclinic/audit/history.py)"
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_trigger WHERE tgrelid = %s::regclass AND NOT tgisinternal AND tgenabled <> 'D'",
            [f'"{model._meta.db_table}"'],
        )
        assert cursor.fetchone()[0] >= 3, "insert, update and delete"


def test_history_grows_when_rows_are_saved_in_bulk_or_by_raw_sql(clinic: Clinic) -> None:
    room = Room.objects.create(clinic=clinic, name="A", kind="dosing")
    room.name = "B"
    room.save()
    Room.objects.filter(pk=room.pk).update(name="C")
    room.name = "D"
    Room.objects.bulk_update([room], ["name"])
    with connection.cursor() as cursor:
        cursor.execute("UPDATE clinics_room SET name = 'E' WHERE id = %s", [room.pk])
    assert _names(room) == [("insert", "A"), *(("update", name) for name in "BCDE")]


def test_history_grows_when_rows_are_made_in_bulk(clinic: Clinic) -> None:
    rooms = Room.objects.bulk_create(
        [Room(clinic=clinic, name=f"made up {n}", kind="office") for n in range(3)]
    )
    assert [_names(room) for room in rooms] == [[("insert", f"made up {n}")] for n in range(3)]


def test_history_stays_as_it_was_when_nothing_changed(clinic: Clinic) -> None:
    room = Room.objects.create(clinic=clinic, name="A", kind="dosing")
    room.save()
    assert len(_names(room)) == 1


def test_history_names_person_and_route_when_a_page_changes_something(
    client: Client, clinic: Clinic, manager: User
) -> None:
    client.force_login(manager)
    client.post(reverse("administration:rooms"), {"name": "Aspen", "kind": "dosing"})
    entry = Room.objects.get(name="Aspen").history.select_related("pgh_context").get()
    assert entry.pgh_context.metadata["user"] == str(manager.pk)
    assert entry.pgh_context.metadata["route"] == "administration:rooms"


def test_history_keeps_no_address_and_no_query(client: Client, clinic: Clinic, manager: User) -> None:
    client.force_login(manager)
    client.post(reverse("administration:rooms") + "?q=Demo", {"name": "Aspen", "kind": "dosing"})
    metadata = Room.objects.get(name="Aspen").history.get().pgh_context.metadata
    assert metadata.keys() == {"user", "request", "route"}
    assert "Demo" not in str(metadata)
    assert "/" not in str(metadata)


def test_history_ties_rows_of_one_request_together(clinic: Clinic) -> None:
    with pghistory.context(request=uuid.uuid4().hex):
        rooms = [Room.objects.create(clinic=clinic, name=name, kind="dosing") for name in "AB"]
    assert len({room.history.get().pgh_context_id for room in rooms}) == 1


def test_history_leaves_out_passwords_and_secrets() -> None:
    kept = {
        f"{model._meta.label}.{field.name}"
        for model in apps.get_models()
        if hasattr(model, "pgh_tracked_model")
        for field in model._meta.get_fields()
    }
    assert kept
    assert not {name for name in kept if name.endswith((".password", ".token_digest", ".last_login"))}
