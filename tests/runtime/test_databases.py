"""The databases that tests get have the application's real rights."""

import threading

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction

from kapclinic.jobs.models import Heartbeat
from tests.databases import app_url


def current_role() -> tuple[str, str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT session_user, current_user")
        session, current = cursor.fetchone()
    return session, current


@pytest.mark.django_db
def test_transaction_of_a_test_has_the_rights_of_the_application():
    assert current_role()[1] == "kapclinic_app"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE mine (id int)",
        "TRUNCATE jobs_heartbeat",
        "DELETE FROM jobs_heartbeat",
        "ALTER TABLE jobs_heartbeat DISABLE TRIGGER ALL",
        "UPDATE clinics_clinichistory SET name = 'x'",
        "UPDATE django_migrations SET name = name",
    ],
)
def test_application_may_not_change_schema_or_history(statement):
    with pytest.raises(DatabaseError, match=r"permission denied|must be owner"), transaction.atomic():
        connection.cursor().execute(statement)


@pytest.mark.django_db
def test_rights_stay_when_a_savepoint_is_rolled_back():
    with pytest.raises(DatabaseError), transaction.atomic():
        connection.cursor().execute("SELECT 1/0")
    assert current_role()[1] == "kapclinic_app"


def test_committed_database_is_the_login_roles_and_commits(committed_db, timezone_now):
    assert current_role() == ("kap_app", "kap_app")
    Heartbeat.objects.create(name="sweep", at=timezone_now)
    with psycopg.connect(app_url(committed_db)) as other:
        assert other.execute("SELECT count(*) FROM jobs_heartbeat").fetchone() == (1,)


def test_threads_work_on_the_committed_database_too(committed_db, timezone_now):
    def write() -> None:
        Heartbeat.objects.create(name="thread", at=timezone_now)
        connection.close()

    thread = threading.Thread(target=write)
    thread.start()
    thread.join()
    assert Heartbeat.objects.filter(name="thread").exists()


def test_every_committed_database_is_a_new_one(committed_db, owner_connection):
    assert Heartbeat.objects.count() == 0
    row = owner_connection.execute("SELECT current_user, current_database()").fetchone()
    assert row == ("kap_owner", committed_db)
