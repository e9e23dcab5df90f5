"""docker-compose.yml runs the Procfile's programs, and everything it runs is watched."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from kapclinic.runtime.supervisor import programs_of
from tests.databases import ROOT


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    content = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    assert isinstance(content, dict)
    return content


def test_every_service_that_stays_has_a_health_check(compose):
    for name, service in compose["services"].items():
        if name == "migrate":
            assert service["healthcheck"] == {"disable": True}
        else:
            assert service["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}, name


def test_commands_are_those_of_the_procfile(compose):
    for program in programs_of(ROOT / "Procfile", {}):
        assert compose["services"][program.name]["command"] == ["sh", "-c", f"exec {program.command}"]


def test_everything_waits_for_the_migrations(compose):
    for name in ("web", "worker", "documents", "beat"):
        waits = compose["services"][name]["depends_on"]
        assert waits["migrate"] == {"condition": "service_completed_successfully"}
        assert waits["postgres"] == waits["redis"] == {"condition": "service_healthy"}


def test_only_the_migrations_know_the_owners_password(compose):
    for name, service in compose["services"].items():
        knows = "DATABASE_OWNER_URL" in service.get("environment", {})
        assert knows == (name == "migrate")


def test_every_variable_that_must_be_given_stands_in_the_example(compose):
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    needed = {part.split(":?")[0] for part in text.split("${")[1:] if ":?" in part.split("}")[0]}
    assert needed
    for name in needed:
        assert f"\n{name}=" in f"\n{example}", name


def test_image_runs_as_a_user_of_its_own_and_installs_the_lock():
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert "\nUSER kapclinic\n" in lines
    assert "--require-hashes -r requirements/base.txt" in lines
    assert Path(ROOT / ".dockerignore").exists()
