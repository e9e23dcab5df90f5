"""A server of their own for tests of sealing."""

from collections.abc import Iterator

import pytest

from tests import databases


@pytest.fixture(scope="module")
def module_database(migrated_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The migrated template on a server of its own, which the environment names meanwhile."""
    with databases.server_apart(migrated_template, tmp_path_factory.mktemp("cluster")) as name:
        yield name
