"""The world that is attacked."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django.plugin import DjangoDbBlocker


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Any]:
    """The world of the walk over every address, made once in a transaction that is never committed."""
    # It is made of models, so it can be imported only now.
    from tests.walk import standing_world

    # Each refusal and each error is logged with its traceback; the tests count them themselves.
    logging.disable(logging.CRITICAL)
    with standing_world(django_db_blocker) as made:
        yield made
    logging.disable(logging.NOTSET)
