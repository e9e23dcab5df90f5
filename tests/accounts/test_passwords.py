"""Passwords that lean on the words of this place."""

import pytest
from django.core.exceptions import ValidationError

from kapclinic.accounts.passwords import ContextWordsValidator


@pytest.mark.parametrize(
    "password", ["KapClinic-2026", "ketamine123456", "Nurse-Password-1", "spravatospravato"]
)
def test_password_is_refused_when_little_is_left_without_the_words(password: str) -> None:
    with pytest.raises(ValidationError):
        ContextWordsValidator().validate(password)


@pytest.mark.parametrize("password", ["a long made-up password", "short", "ketamine seven green doors"])
def test_password_passes_when_enough_is_the_persons_own(password: str) -> None:
    ContextWordsValidator().validate(password)
