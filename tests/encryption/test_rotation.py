"""Changing the keys while the clinic works, and not starting without one that is in use."""

import base64
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from kapclinic.accounts.models import Role, User
from kapclinic.desk.drafts import load_draft, save_draft
from kapclinic.desk.models import Draft
from kapclinic.embedded import Valkey
from kapclinic.encryption import DecryptionError, EncryptedTextField, KeyRing, rotation
from kapclinic.runtime.processes import free_port
from tests import factories
from tests.databases import ROOT, app_url

OLD = "k1:" + base64.b64encode(b"1" * 32).decode()
NEW = "k2:" + base64.b64encode(b"2" * 32).decode()
COLUMN = rotation.Column(Draft._meta.get_field("body"))  # type: ignore[arg-type]  # it is the encrypted field


@pytest.fixture
def person(committed_db: str, settings: Any) -> Iterator[User]:
    """Somebody whose drafts rest under the old key, in a database of its own with real commits."""
    settings.ENCRYPTION_KEYS = [OLD]
    return factories.make_member(factories.make_clinic(), Role.THERAPIST)


def keep(person: User, count: int) -> list[Draft]:
    """So many drafts with a text of their own."""
    return Draft.objects.bulk_create(
        [Draft(user=person, key=f"made-up:{number}", body=f"words {number}") for number in range(count)]
    )


def rotate(**options: Any) -> str:
    out = StringIO()
    call_command("rotate_keys", stdout=out, stderr=out, **options)
    return out.getvalue()


def test_everything_is_under_the_new_key_and_the_old_one_may_leave_when_rotated(
    person: User, settings: Any
) -> None:
    drafts = keep(person, 250)
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    assert "250 values put under k2" in rotate(batch=40)
    settings.ENCRYPTION_KEYS = [NEW]
    rotation.refuse_missing_keys()
    assert {draft.body for draft in Draft.objects.all()} == {f"words {number}" for number in range(250)}
    assert len(drafts) == 250
    assert COLUMN.key_ids() == {"k2"}


def test_rest_is_done_when_an_interrupted_rotation_is_run_again(person: User, settings: Any) -> None:
    keep(person, 90)
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    steps = rotation.renew_all(COLUMN, batch=20)
    assert next(steps).done + next(steps).done == 40
    steps.close()
    assert COLUMN.key_ids() == {"k1", "k2"}
    assert "50 values put under k2" in rotate(batch=20)
    assert "desk_draft.body: 0 values" in rotate(batch=20)


def test_no_text_is_lost_when_people_write_during_the_rotation(person: User, settings: Any) -> None:
    keep(person, 120)
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    written: dict[str, str] = {}
    over = threading.Event()

    def write() -> None:
        turn = 0
        while not over.is_set():
            turn += 1
            key, text = f"made-up:{turn * 7 % 120}", f"later words {turn}"
            save_draft(user=person, key=key, body=f'{{"text": ["{text}"]}}')
            written[key] = text
        connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        while len(written) < 5:
            pass
        for step in rotation.renew_all(COLUMN, batch=5):
            assert not step.unreadable
    finally:
        over.set()
        writer.join()
    settings.ENCRYPTION_KEYS = [NEW]
    assert COLUMN.key_ids() == {"k2"}
    for key, text in written.items():
        found = load_draft(user=person, key=key)
        assert found is not None
        assert found[0] == {"text": [text]}
    untouched = Draft.objects.exclude(key__in=written)
    assert all(draft.body == f"words {draft.key.removeprefix('made-up:')}" for draft in untouched)


def test_rotation_says_which_row_does_not_open_and_does_the_others(person: User, settings: Any) -> None:
    drafts = keep(person, 12)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE desk_draft SET body = (SELECT body FROM desk_draft WHERE id = %s) WHERE id = %s",
            [drafts[0].pk, drafts[1].pk],
        )
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    said = StringIO()
    with pytest.raises(CommandError, match=r"desk_draft\.body: k1"):
        call_command("rotate_keys", batch=5, stdout=said, stderr=said)
    assert f"desk_draft.body {drafts[1].pk} does not open" in said.getvalue()
    assert "words" not in said.getvalue()
    assert sum(1 for draft in Draft.objects.exclude(pk=drafts[1].pk) if draft.body) == 11
    with pytest.raises(DecryptionError):
        _ = Draft.objects.get(pk=drafts[1].pk).body


def test_rotation_does_not_begin_when_a_key_in_use_is_missing(person: User, settings: Any) -> None:
    keep(person, 1)
    settings.ENCRYPTION_KEYS = [NEW]
    with pytest.raises(CommandError, match=r"k1 \(desk_draft\.body\)"):
        rotate()
    with pytest.raises(ImproperlyConfigured, match="k1"):
        rotation.refuse_missing_keys()
    answer = Client().get("/readyz")
    assert (answer.status_code, answer.json()["checks"]["keys"]) == (503, "1 missing")
    assert "desk_draft.body: k1" in rotate(check=True)


def test_keys_in_use_are_read_from_the_index_alone(person: User, owner_connection: Any) -> None:
    keep(person, 3000)
    owner_connection.execute("VACUUM ANALYZE desk_draft")
    with connection.cursor() as cursor:
        cursor.execute(
            "EXPLAIN SELECT split_part(body, '.', 2) FROM desk_draft WHERE split_part(body, '.', 2) > '' "
            "ORDER BY 1 LIMIT 1"
        )
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "desk_draft_key" in plan
    assert "Sort" not in plan


def test_field_is_refused_at_start_when_it_has_no_key_index() -> None:
    class Bare(Draft):
        more = EncryptedTextField()

        class Meta:
            app_label = "desk"
            managed = False

    try:
        assert [found.id for found in Bare._meta.get_field("more").check()] == ["encryption.E001"]
        assert Draft._meta.get_field("body").check() == []
    finally:
        from django.apps import apps

        del apps.all_models["desk"]["bare"]
        apps.clear_cache()


@pytest.fixture
def without_key(committed_db: str, person: User, tmp_path: Any) -> Iterator[dict[str, str]]:
    """The environment of a process that lacks the key under which a draft rests."""
    keep(person, 1)
    broker = Valkey(tmp_path / "valkey")
    broker.start()
    yield {
        **os.environ,
        "KAP_MODE": "demo",
        "KAP_VAR": str(tmp_path),
        "KAP_ENCRYPTION_KEYS": NEW,
        "DATABASE_URL": app_url(committed_db),
        "REDIS_URL": broker.url,
        "DJANGO_SETTINGS_MODULE": "kapclinic.settings",
        "PORT": str(free_port()),
    }
    broker.stop()


PROCESSES = {
    "web": ["gunicorn", "kapclinic.wsgi", "--config", "kapclinic/runtime/gunicorn_conf.py"],
    "worker": ["celery", "-A", "kapclinic", "worker", "--pool", "solo"],
}


@pytest.mark.parametrize("process", PROCESSES)
def test_process_does_not_start_when_a_key_in_use_is_missing(
    process: str, without_key: dict[str, str]
) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", *PROCESSES[process]],
        cwd=ROOT,
        env=without_key,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1, ended.stderr
    assert "KAP_ENCRYPTION_KEYS lacks keys that stored values need: k1 (desk_draft.body)" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_ring_names_its_keys() -> None:
    ring = KeyRing.from_pairs([NEW, OLD])
    assert (ring.newest, ring.key_ids) == ("k2", {"k1", "k2"})
