from datetime import UTC, datetime

import pytest


@pytest.fixture
def timezone_now() -> datetime:
    """An instant of its own choosing."""
    return datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
