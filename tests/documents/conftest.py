"""Fixtures of documents. The situations are made of models, so they are imported once Django is set up."""

from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture(autouse=True)
def known_kinds() -> Iterator[None]:
    """A kind of document for every shelf."""
    from tests.documents.situations import kinds_of_every_shelf

    yield from kinds_of_every_shelf()


@pytest.fixture
def issue(episode: Any, therapist: Any) -> Any:
    """Issues documents about the episode."""
    from tests.documents.situations import issuer

    return issuer(episode, therapist)


@pytest.fixture
def document(issue: Any) -> Any:
    """A document that was just issued; its PDF is still to be made."""
    return issue()
