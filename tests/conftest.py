"""Fixtures for every test: databases with the application's real rights, a live clinic, a browser.

- `db` / `pytest.mark.django_db`: a transaction that is rolled back, on a database migrated by the owner, with the rights of
  the application's role.
- `committed_db`: a database of its own in which commits are real, as the application's login role. No processes.
- `live_clinic`: the same, with gunicorn, the Celery workers, beat and a broker as real processes.
- `page`, `new_page`: Chromium on the live clinic.

Without DATABASE_URL in the environment, a Postgres and a Valkey are started for the run and thrown away after it.
"""

import gc
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import django
import psycopg
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from pytest_django.plugin import DjangoDbBlocker

from kapclinic.embedded import SUPERUSER, Postgres, Valkey
from kapclinic.environment import database_from_url
from kapclinic.runtime import keys, roles
from tests import databases
from tests.live import LiveClinic

_RUN = "KAP_TEST_RUN"
_servers = ExitStack()
# Files whose tests start processes or a browser, or walk every address.
_LONG = (
    "tests/browser/",
    "tests/test_access.py",
    "tests/faults/",
    "tests/runtime/",
    "tests/scheduling/planner/",
)


def _is_xdist_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def pytest_configure(config: pytest.Config) -> None:
    """Prepare the environment of the run, set Django up, and bring the people of tests/people.py to every test."""
    if not _is_xdist_worker(config):
        _prepare_environment()
    django.setup()
    # The people are made of models, so they can be imported only now.
    config.pluginmanager.import_plugin("tests.people")


def _prepare_environment() -> None:
    """Give the run a name and, when the environment names no database, servers of its own."""
    os.environ[_RUN] = secrets.token_hex(4)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kapclinic.settings")
    os.environ.setdefault("KAP_MODE", "demo")
    os.environ.setdefault("SECRET_KEY", keys.django_secret())
    os.environ.setdefault("KAP_ENCRYPTION_KEYS", keys.encryption_key())
    os.environ.setdefault("KAP_AUDIT_KEYS", keys.encryption_key())
    os.environ.pop("KAP_DATABASE_ROLE", None)
    if "DATABASE_URL" not in os.environ or "REDIS_URL" not in os.environ:
        _start_servers()


def _start_servers() -> None:
    folder = Path(tempfile.mkdtemp(prefix="kaptest-"))
    _servers.callback(shutil.rmtree, folder, ignore_errors=True)
    os.environ["KAP_VAR"] = str(folder / "var")
    if "DATABASE_URL" not in os.environ:
        postgres = Postgres(folder / "postgres", say=lambda _line: None, throw_away=True)
        _servers.callback(postgres.remove)
        postgres.start()
        with psycopg.connect(postgres.url(SUPERUSER, "postgres"), autocommit=True) as connection:
            roles.ensure_roles(connection)
        os.environ["DATABASE_URL"] = postgres.url(roles.APP, roles.DATABASE)
        os.environ["DATABASE_OWNER_URL"] = postgres.url(roles.OWNER, roles.DATABASE)
    if "REDIS_URL" not in os.environ:
        valkey = Valkey(folder / "valkey")
        _servers.callback(valkey.stop)
        valkey.start()
        os.environ["REDIS_URL"] = valkey.url


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that no process waits for the other at the end."""
    items.sort(key=lambda item: not item.nodeid.startswith(_LONG))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Leave out of garbage collection what the run keeps to its end: walking it anew took an eighth of the tests' time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Throw away the run's databases and servers."""
    if _is_xdist_worker(config) or _RUN not in os.environ:
        return
    try:
        databases.drop_run(os.environ[_RUN])
    finally:
        _servers.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what tests counted, and repeat what the other checks of bin/test found, just above pytest's closing line."""
    reports = [report for state in ("passed", "failed") for report in terminalreporter.stats.get(state, [])]
    counted = [
        f"{report.nodeid.partition('::')[2]}: {text}"
        for report in reports
        for name, text in getattr(report, "user_properties", [])
        if name == "counts" and report.when == "call"
    ]
    if counted:
        terminalreporter.section("counts")
        for line in counted:
            terminalreporter.line(line)
    failed = os.environ.get("KAP_FAILED_CHECKS")
    if failed:
        terminalreporter.section("checks before the tests FAILED", red=True, bold=True)
        terminalreporter.line(f"{failed}; what they said stands above the tests")


@pytest.fixture(scope="session")
def migrated_template(request: pytest.FixtureRequest) -> str:
    """Name of the migrated database that every other one is a clone of; `--create-db` makes it anew."""
    renew = os.environ[_RUN] if request.config.getoption("create_db") else None
    return databases.migrated_template(renew=renew)


def _fresh_name(what: str) -> str:
    return f"{databases.PREFIX}_{os.environ[_RUN]}_{what}_{secrets.token_hex(4)}"


def _point_django_at(url: str) -> None:
    from django.db import connection

    connection.close()
    # Threads that open a connection of their own read the same dictionary.
    connection.settings_dict.update(database_from_url(url))


@contextmanager
def on_database(url: str, blocker: DjangoDbBlocker) -> Iterator[None]:
    """Use the ORM on another database, with real commits, and go back afterwards."""
    from django.db import connection

    earlier = dict(connection.settings_dict)
    with blocker.unblock():
        _point_django_at(url)
        try:
            yield
        finally:
            connection.close()
            connection.settings_dict.update(earlier)


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None, django_db_blocker: DjangoDbBlocker, migrated_template: str
) -> Iterator[None]:
    """A clone of the template for this process's `db` tests; replaces pytest-django's own set-up."""
    name = _fresh_name("db")
    databases.clone(migrated_template, name)
    with on_database(databases.owner_url(name), django_db_blocker):
        django_db_blocker.block()
        yield
        django_db_blocker.restore()
    databases.drop(name)


@pytest.fixture(autouse=True)
def application_rights(request: pytest.FixtureRequest) -> None:
    """Give `db` tests the application's rights: the connection is the owner's, the transaction is the application's."""
    marker = request.node.get_closest_marker("django_db")
    if marker is None and "db" not in request.fixturenames:
        return
    if "transactional_db" in request.fixturenames or (
        marker is not None and marker.kwargs.get("transaction")
    ):
        pytest.fail("emptying tables would fire the history's triggers: use committed_db for real commits")
    request.getfixturevalue("_django_db_helper")
    take_application_rights()


def take_application_rights() -> None:
    """Give the open transaction the rights of the application's role until it ends."""
    from django.conf import settings
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {connection.ops.quote_name(settings.DATABASE_APP_ROLE)}")


@pytest.fixture(autouse=True)
def quick_passwords(request: pytest.FixtureRequest) -> Iterator[None]:
    """Hash passwords cheaply: a test makes a dozen people. A live clinic's own processes hash as in production."""
    if "running_clinic" in request.fixturenames:
        yield
        return
    from django.test import override_settings

    with override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]):
        yield


@pytest.fixture
def committed_db(migrated_template: str, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """A database of this test's own with real commits, as the application's login role; its name."""
    name = _fresh_name("own")
    databases.clone(migrated_template, name)
    with on_database(databases.app_url(name), django_db_blocker):
        yield name
    databases.drop(name)


@pytest.fixture(scope="module")
def module_database(migrated_template: str) -> Iterator[str]:
    """A database that the tests of one module share; ask for `shared_db` to work on it."""
    name = _fresh_name("module")
    databases.clone(migrated_template, name)
    yield name
    databases.drop(name)


@pytest.fixture
def shared_db(module_database: str, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """Like `committed_db`, but the module's tests see each other's rows: for many tests that put back what they change."""
    with on_database(databases.app_url(module_database), django_db_blocker):
        yield module_database


@pytest.fixture
def owner_connection(committed_db: str) -> Iterator[psycopg.Connection]:
    """A connection of the owner's to `committed_db`, in autocommit, for what the application may not do."""
    with psycopg.connect(databases.owner_url(committed_db), autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def running_clinic(migrated_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveClinic]:
    """The processes of one live clinic, shared by the tests of a module; ask for `live_clinic` instead."""
    name = _fresh_name("live")
    databases.clone(migrated_template, name)
    clinic = LiveClinic(database=name, folder=tmp_path_factory.mktemp("clinic"))
    try:
        clinic.start()
        yield clinic
    finally:
        clinic.stop()
        databases.drop(name)


@pytest.fixture
def live_clinic(running_clinic: LiveClinic, django_db_blocker: DjangoDbBlocker) -> Iterator[LiveClinic]:
    """A clinic of real processes; the test's own ORM works on the same database, with real commits.

    Its database lives as long as the module, so tests of one module see each other's rows.
    """
    with on_database(databases.app_url(running_clinic.database), django_db_blocker):
        yield running_clinic


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium (KAP_CHROMIUM names another one), without a window."""
    path = os.environ.get("KAP_CHROMIUM") or shutil.which("chromium")
    assert path, "Chromium is missing: sudo apt-get install -y chromium"
    # Playwright's synchronous interface keeps an event loop in this thread, which Django takes for asynchronous code.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    quiet = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
    quiet += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=quiet)
        yield chromium
        chromium.close()


@pytest.fixture
def new_page(browser: Browser, live_clinic: LiveClinic) -> Iterator[Callable[[], Page]]:
    """Opens a page in a browser profile of its own: one for each person at work. A script error or a refused resource
    (Content-Security-Policy) on any of them fails the test."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_page() -> Page:
        context = browser.new_context(base_url=live_clinic.base_url, viewport={"width": 1280, "height": 900})
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
        page.on(
            "console",
            lambda message: (
                complaints.append(f"{page.url}: {message.text}")
                if "Content Security Policy" in message.text
                else None
            ),
        )
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def page(new_page: Callable[[], Page]) -> Page:
    """One page on the live clinic."""
    return new_page()
