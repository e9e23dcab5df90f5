"""The world that is attacked."""

import logging
from collections.abc import Iterator

import pytest
from pytest_django.plugin import DjangoDbBlocker

from tests.walk import World, standing_world


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    """The world of the walk over every address, made once in a transaction that is never committed."""
    # Each refusal and each error is logged with its traceback; the tests count them themselves.
    logging.disable(logging.CRITICAL)
    with standing_world(django_db_blocker) as made:
        yield made
    logging.disable(logging.NOTSET)
