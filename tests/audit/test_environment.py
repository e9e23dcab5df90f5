"""Reading the environment: a bad value stops the start with its name."""

from functools import partial
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from kapclinic.environment import database_from_url, env_bool, env_int, env_list, env_str


def test_value_is_read_from_a_file_when_one_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("made up\n")
    monkeypatch.setenv("KAP_X", "plain")
    monkeypatch.setenv("KAP_X_FILE", str(secret))
    assert env_str("KAP_X") == "made up"
    monkeypatch.setenv("KAP_X_FILE", str(tmp_path / "missing"))
    with pytest.raises(ImproperlyConfigured, match="KAP_X_FILE"):
        env_str("KAP_X")


def test_missing_value_is_named_when_there_is_no_default() -> None:
    with pytest.raises(ImproperlyConfigured, match="KAP_NOT_SET is not set"):
        env_str("KAP_NOT_SET")
    assert env_str("KAP_NOT_SET", "default") == "default"


@pytest.mark.parametrize(
    ("text", "value"), [("1", True), ("TRUE", True), ("on", True), ("0", False), ("no", False), ("", False)]
)
def test_yes_and_no_are_read_in_the_usual_words(
    monkeypatch: pytest.MonkeyPatch, text: str, value: bool
) -> None:
    monkeypatch.setenv("KAP_X", text)
    assert env_bool("KAP_X", not value) is value


@pytest.mark.parametrize(
    ("name", "text"), [("bool", "perhaps"), ("int", "many"), ("int", "1.5"), ("int", "0")]
)
def test_value_is_refused_when_it_has_another_kind(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str
) -> None:
    monkeypatch.setenv("KAP_X", text)
    read = partial(env_bool, default=False) if name == "bool" else partial(env_int, default=5, least=1)
    with pytest.raises(ImproperlyConfigured, match="KAP_X must be"):
        read("KAP_X")


def test_list_drops_blanks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAP_X", " a, ,b,")
    assert env_list("KAP_X") == ["a", "b"]
    assert env_list("KAP_NOT_SET", "c") == ["c"]


def test_database_address_is_taken_apart() -> None:
    found = database_from_url("postgresql://kap:p%40ss@db.example:5433/clinic?sslmode=require")
    assert (found["USER"], found["PASSWORD"], found["HOST"], found["PORT"]) == (
        "kap",
        "p@ss",
        "db.example",
        "5433",
    )
    assert (found["NAME"], found["OPTIONS"]["sslmode"]) == ("clinic", "require")


def test_database_address_may_name_a_socket() -> None:
    assert database_from_url("postgresql://kap@/clinic?host=/run/postgresql")["HOST"] == "/run/postgresql"


@pytest.mark.parametrize("url", ["mysql://x/y", "postgresql://host", "postgresql://host/", "sqlite:///x", ""])
def test_database_address_is_refused_when_it_is_of_no_use(url: str) -> None:
    with pytest.raises(ImproperlyConfigured):
        database_from_url(url)
