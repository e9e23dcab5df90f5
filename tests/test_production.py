"""What a clinic's browser gets in production mode: asked of the real settings in a process of its own."""

import json
import os
import subprocess
import sys

import pytest

from tests.databases import ROOT

_ASK = """
import json, django
django.setup()
from django.conf import settings
from django.core.management import CommandError, call_command
from django.test import Client
# Nothing is collected here, and how files are named is not the question.
settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
found = {}
plain, secure = Client(), Client(headers={"X-Forwarded-Proto": "https"})
answer = plain.get("/livez")
found["livez"] = answer.status_code
answer = plain.get("/account/password/reset/done/")
found["plain"] = [answer.status_code, answer.headers.get("Location", "")]
answer = secure.get("/account/password/reset/")
found["status"] = answer.status_code
found["headers"] = dict(answer.headers)
found["cookies"] = {name: {key: morsel[key] for key in ("secure", "httponly", "samesite", "path", "domain")}
                    for name, morsel in answer.cookies.items()}
found["session"] = {name: getattr(settings, "SESSION_COOKIE_" + name)
                    for name in ("NAME", "SECURE", "HTTPONLY", "SAMESITE", "DOMAIN")}
found["second_step"] = settings.MFA_REQUIRED
try:
    call_command("load_demo", "--show-sign-ins")
except CommandError as error:
    found["demo"] = str(error)
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> dict:
    """Answers of production mode, which trusts the proxy in front of it for TLS."""
    folder = tmp_path_factory.mktemp("production")
    environment = {
        **os.environ,
        "KAP_MODE": "production",
        "KAP_VAR": str(folder),
        "ALLOWED_HOSTS": "testserver",
        "DJANGO_SETTINGS_MODULE": "kapclinic.settings",
    }
    environment.pop("REQUIRE_SECOND_STEP", None)
    done = subprocess.run(
        [sys.executable, "-c", _ASK], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    found: dict = json.loads(done.stdout.splitlines()[-1])
    return found


def test_everything_but_the_probes_moves_to_tls(production: dict) -> None:
    assert production["livez"] == 200
    assert production["plain"] == [301, "https://testserver/account/password/reset/done/"]


def test_browsers_remember_tls_for_a_year_with_every_subdomain(production: dict) -> None:
    sent = production["headers"]["Strict-Transport-Security"]
    assert sent == "max-age=31536000; includeSubDomains; preload"


def test_cookies_are_bound_to_the_host_and_closed_to_scripts(production: dict) -> None:
    session = {"NAME": "__Host-session", "SECURE": True, "HTTPONLY": True, "SAMESITE": "Lax", "DOMAIN": None}
    assert production["session"] == session
    token = {"secure": True, "httponly": True, "samesite": "Lax", "path": "/", "domain": ""}
    assert production["cookies"] == {"__Host-csrf": token}


def test_second_step_is_required(production: dict) -> None:
    assert production["second_step"] is True


def test_demo_with_its_public_passwords_is_not_loaded(production: dict) -> None:
    assert "KAP_MODE=demo alone" in production["demo"]
