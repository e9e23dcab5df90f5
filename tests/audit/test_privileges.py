"""What the application's database role may not do, whatever the program asks of it."""

import psycopg
import pytest
from django.apps import apps
from django.db import connection
from pghistory.models import Event

from kapclinic.accounts.models import CachedValue, Role, User
from kapclinic.audit.privileges import rights_of
from kapclinic.clinics.models import ClinicalRow, Room
from tests import databases, factories

CLINICAL = sorted(
    (model for model in apps.get_models() if issubclass(model, ClinicalRow)),
    key=lambda model: model._meta.label,
)
HISTORIES = sorted(
    (model for model in apps.get_models() if issubclass(model, Event)), key=lambda model: model._meta.label
)


def _refused(statement: str) -> None:
    with (
        pytest.raises(psycopg.errors.InsufficientPrivilege),
        psycopg.connect(databases.app_url(connection.settings_dict["NAME"]), autocommit=True) as other,
    ):
        other.execute(statement)


def _rights(table: str) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT privilege FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER']) privilege "
            "WHERE has_table_privilege(current_user, %s, privilege)",
            [f'"{table}"'],
        )
        return {row[0] for row in cursor.fetchall()}


def test_role_has_exactly_its_rights_on_every_table(committed_db: str) -> None:
    for model in apps.get_models(include_auto_created=True):
        if model._meta.managed and not model._meta.proxy:
            expected = set(rights_of(model).split(", "))
            assert _rights(model._meta.db_table) == expected, model._meta.label


def test_clinical_rows_have_no_delete_and_history_no_change_when_granted() -> None:
    assert CLINICAL
    assert HISTORIES
    for model in CLINICAL:
        if not getattr(model, "rows_may_be_deleted", False):
            assert "DELETE" not in rights_of(model), model._meta.label
    for model in HISTORIES:
        assert rights_of(model) == "SELECT", model._meta.label
    assert "DELETE" in rights_of(CachedValue)


def test_application_cannot_delete_change_or_empty_when_it_tries(committed_db: str) -> None:
    clinic = factories.make_clinic()
    factories.make_member(clinic, Role.NURSE)
    history = Room.history.rel.related_model._meta.db_table  # type: ignore[attr-defined]  # made by pghistory
    room, user = Room._meta.db_table, User._meta.db_table
    for statement in (
        f'DELETE FROM "{room}"',
        f'TRUNCATE "{room}" CASCADE',
        f'DELETE FROM "{user}"',
        f"UPDATE \"{history}\" SET name = 'forged'",
        f'DELETE FROM "{history}"',
        f'TRUNCATE "{history}"',
        f'DROP TABLE "{room}"',
        f'ALTER TABLE "{room}" DISABLE TRIGGER ALL',
        f'ALTER TABLE "{room}" ADD COLUMN forged text',
        "CREATE TABLE forged (id int)",
        "SET ROLE kap_owner",
    ):
        _refused(statement)
    assert Room.objects.count() == 3
