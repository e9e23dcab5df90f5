"""What a password must not lean on: the words that everybody here would try first."""

from typing import Any

from django.core.exceptions import ValidationError

# Compared without regard to case; the list is part of docs/security.md.
CONTEXT_WORDS = (
    "kapclinic", "kap clinic", "kap-clinic", "esketamine", "ketamine", "spravato", "psychotherapy", "psychedelic",
    "prescriber", "therapist", "coordinator", "manager", "nurse", "clinic", "password",
)  # fmt: skip
LEAST_BESIDE = 8


class ContextWordsValidator:
    """Refuses a password that, without the words of this place, has fewer than LEAST_BESIDE characters left."""

    def validate(self, password: str, user: Any = None) -> None:
        """Raises ValidationError in words; `user` is not asked."""
        rest = password.lower()
        for word in CONTEXT_WORDS:
            rest = rest.replace(word, "")
        if len(rest) < len(password) and len(rest) < LEAST_BESIDE:
            raise ValidationError(
                "It leans on words of this clinic or program: add more of your own.",
                code="password_context_words",
            )

    def get_help_text(self) -> str:
        """One sentence for the form."""
        return "Your password can’t lean on words such as the program’s name."
