"""The probes tell what is down, and tell it in time."""

import time
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from kapclinic.embedded import Valkey
from kapclinic.jobs.models import Heartbeat, Job
from tests.live import LiveClinic


@pytest.fixture
def broker(tmp_path, settings):
    broker = Valkey(tmp_path / "valkey")
    broker.start()
    settings.REDIS_URL = broker.url
    yield broker
    broker.stop()


@pytest.fixture
def sweeping_clinic(db, broker):
    Heartbeat.objects.create(name="sweep", at=timezone.now())


def test_livez_answers_without_a_database(client: Client):
    response = client.get("/livez")
    assert (response.status_code, response.content) == (200, b"ok")
    assert "no-store" in response["Cache-Control"]


@pytest.mark.django_db
def test_readyz_is_200_when_the_database_is_migrated(client: Client):
    response = client.get("/readyz")
    assert response.status_code == 200
    assert response.json() == {"status": "ok", "checks": {"database": "ok", "migrations": "ok", "keys": "ok"}}


def test_readyz_is_503_when_a_migration_is_missing(client: Client, committed_db, owner_connection):
    owner_connection.execute("DELETE FROM django_migrations WHERE app = 'jobs'")
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["checks"]["migrations"].endswith("not applied")


def test_readyz_is_503_when_the_database_is_away(client: Client, committed_db):
    from django.db import connection

    connection.close()
    name = connection.settings_dict["NAME"]
    connection.settings_dict["NAME"] = "kaptest_no_such_database"
    try:
        response = client.get("/readyz")
    finally:
        connection.settings_dict["NAME"] = name
    assert response.status_code == 503
    assert response.json() == {"status": "failing", "checks": {"database": "OperationalError"}}


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/healthz"])
def test_probes_change_nothing(client: Client, path):
    assert client.post(path).status_code == 405


def test_healthz_is_200_when_everything_moves(client: Client, sweeping_clinic):
    response = client.get("/healthz")
    assert response.status_code == 200, response.content
    body = response.json()
    assert set(body["checks"].values()) == {"ok"}
    assert body["oldest_due_job_seconds"] == 0
    assert body["failed_jobs"] == 0
    assert body["last_sweep_at"]


def test_healthz_is_503_within_seconds_when_the_broker_is_down(client: Client, sweeping_clinic, broker):
    broker.stop()
    started = time.monotonic()
    response = client.get("/healthz")
    assert time.monotonic() - started < 5
    assert response.status_code == 503
    assert response.json()["checks"]["broker"] == "ConnectionError"
    assert response.json()["checks"]["database"] == "ok"


@pytest.mark.parametrize(("seconds", "state"), [(115, "ok"), (125, "late"), (None, "late")])
def test_healthz_tells_when_the_sweep_is_late(client: Client, db, broker, seconds, state):
    if seconds is not None:
        Heartbeat.objects.create(name="sweep", at=timezone.now() - timedelta(seconds=seconds))
    response = client.get("/healthz")
    assert response.json()["checks"]["sweep"] == state
    assert response.status_code == (200 if state == "ok" else 503)


@pytest.mark.parametrize(("minutes", "state"), [(9, "ok"), (11, "late")])
def test_healthz_tells_how_long_the_oldest_due_job_waits(client: Client, sweeping_clinic, minutes, state):
    due_at = timezone.now() - timedelta(minutes=minutes)
    Job.objects.create(kind="made-up", key="late", due_at=due_at)
    Job.objects.create(kind="made-up", key="later", due_at=timezone.now() + timedelta(hours=1))
    body = client.get("/healthz").json()
    assert body["checks"]["jobs"] == state
    assert body["oldest_due_job_at"] == due_at.isoformat()
    assert abs(body["oldest_due_job_seconds"] - minutes * 60) <= 5


def test_live_clinic_is_healthy_and_stays_so_when_a_worker_and_beat_are_replaced(live_clinic: LiveClinic):
    client = Client()

    def healthy() -> bool:
        return client.get("/healthz").json()["checks"].get("sweep") == "ok"

    live_clinic.wait_for(healthy, "beat and the worker sweep", seconds=60)
    live_clinic.kill("worker")
    live_clinic.kill("beat")
    Heartbeat.objects.all().update(at=timezone.now() - timedelta(hours=1))
    assert not healthy()
    live_clinic.start_program("worker")
    live_clinic.start_program("beat")
    live_clinic.wait_for(healthy, "the new beat and worker sweep", seconds=60)
