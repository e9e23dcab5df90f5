"""Which events wait for the disk: every one but that of a POST, whose history is durable already."""

import pytest
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext

from kapclinic.audit.access import record_access
from kapclinic.audit.models import AccessEvent, Outcome


@pytest.mark.parametrize(
    ("method", "outcome", "waits"),
    [
        ("GET", Outcome.ALLOWED, True),
        ("POST", Outcome.ALLOWED, False),
        ("POST", Outcome.FORBIDDEN, True),
        ("POST", Outcome.FAILED, True),
    ],
)
def test_event_waits_for_the_disk_unless_history_stands_beside_it(
    shared_db: str, method: str, outcome: Outcome, waits: bool
) -> None:
    request = RequestFactory().generic(method, "/")
    before = AccessEvent.objects.count()
    with CaptureQueriesContext(connection) as captured:
        record_access(request, action="chart.view", outcome=outcome, user_id=None)
    assert any("synchronous_commit" in query["sql"] for query in captured) is not waits
    assert AccessEvent.objects.count() == before + 1
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('synchronous_commit') = reset_val FROM pg_settings WHERE name = 'synchronous_commit'"
        )
        assert cursor.fetchone() == (True,)
