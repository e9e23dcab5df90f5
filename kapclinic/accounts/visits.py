"""What the gate and the sign-in write on the record (kapclinic/audit/access.py)."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cached_property
from http import HTTPStatus
from typing import Any, cast

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.utils import timezone

from kapclinic.accounts.models import User
from kapclinic.accounts.pace import TooFast, is_reading, seconds_to_wait
from kapclinic.accounts.policy import HOUSE_ACTIONS, Relation
from kapclinic.accounts.sign_ins import BACKGROUND_HEADER, Unlock
from kapclinic.audit.access import is_on_record, record_access
from kapclinic.audit.models import Outcome

SIGN_IN, UNLOCK = "account.sign-in", "account.unlock"
# Being let in to a page of the house is no news, but for these, which bring whole tables in or out.
_TELLING = ("import.", "audit.")
_REPEATS_WITHIN = timedelta(minutes=30)
_DENIED = {403: Outcome.FORBIDDEN, 404: Outcome.NOT_FOUND, HTTPStatus.TOO_MANY_REQUESTS: Outcome.LOCKED_OUT}
# Arguments of an address that name a thing; others (a slug, a calendar feed's secret) are not kept.
_NAMING = ("pk", "public_id", "person")


class Visit:
    """One request at the gate: filled in on its way, and written down at its end."""

    def __init__(self, request: HttpRequest, action: str, arguments: dict[str, Any]) -> None:
        self._request = request
        self._action = action
        self._asked_for = next((str(arguments[name]) for name in _NAMING if name in arguments), "")
        self.thing: Any = None
        self.relation: Relation | None = None

    @contextmanager
    def refusals_recorded(self) -> Iterator[None]:
        """Write down a refusal that is raised, after what the request had begun is rolled back."""
        try:
            yield
        except PermissionDenied:
            self.record(403)
            raise
        except Http404:
            self.record(404)
            raise
        except TooFast:
            self.record(HTTPStatus.TOO_MANY_REQUESTS)
            raise

    def hold_back(self) -> None:
        """Raises TooFast for a person who has read more than hands can; what a page asks for by itself does not count."""
        if not is_reading(self._request.method, self._action) or not _is_telling(self._action):
            return
        if self._is_repeated:
            return
        seconds = seconds_to_wait(cast(User, self._request.user).pk, now=timezone.now())
        if seconds:
            raise TooFast(seconds)

    def record(self, status: int) -> None:
        """Write down how the visit ended; `status` is the answer's."""
        outcome = _DENIED.get(status, Outcome.ALLOWED)
        if outcome is Outcome.ALLOWED and (not _is_telling(self._action) or self._is_repeated):
            return
        actor = getattr(self._request, "actor", None)
        record_access(
            self._request,
            action=self._action,
            outcome=outcome,
            user_id=self._request.user.pk,
            clinic_id=actor.clinic.pk if actor is not None else None,
            relation=self.relation.value if self.relation is not None else "",
            thing=self.thing,
            object_id=self._asked_for,
        )

    @cached_property
    def _is_repeated(self) -> bool:
        """A page that asks by itself each minute is one read in half an hour, not thirty."""
        if BACKGROUND_HEADER not in self._request.headers:
            return False
        return is_on_record(
            self._request,
            user_id=self._request.user.pk,
            object_id=str(getattr(self.thing, "pk", self._asked_for)),
            since=timezone.now() - _REPEATS_WITHIN,
        )


def _is_telling(action: str) -> bool:
    return action not in HOUSE_ACTIONS or action.startswith(_TELLING)


def on_signed_in(sender: Any, request: HttpRequest, user: User, **_kwargs: Any) -> None:
    """Receiver of Django's signal."""
    record_access(request, action=SIGN_IN, outcome=Outcome.SIGNED_IN, user_id=user.pk)


def on_signed_out(sender: Any, request: HttpRequest, user: User | None, **_kwargs: Any) -> None:
    """Receiver of Django's signal."""
    if user is not None:
        record_access(request, action=SIGN_IN, outcome=Outcome.SIGNED_OUT, user_id=user.pk)


def on_sign_in_failed(
    sender: Any, credentials: dict[str, Any], request: HttpRequest | None = None, **_kwargs: Any
) -> None:
    """Receiver of Django's signal. An address that nobody has is not kept: it may be a mistyped password."""
    if request is not None:
        _failed(request, credentials, Outcome.FAILED)


def on_locked_out(request: HttpRequest, credentials: dict[str, Any]) -> None:
    """Too many tries: the password was not even looked at."""
    _failed(request, credentials, Outcome.LOCKED_OUT)


def _failed(request: HttpRequest, credentials: dict[str, Any], outcome: Outcome) -> None:
    user = User.objects.filter(email__iexact=str(credentials.get("email") or "")).only("pk").first()
    record_access(request, action=SIGN_IN, outcome=outcome, user_id=user.pk if user is not None else None)


def on_unlock_tried(request: HttpRequest, user: User, result: Unlock) -> None:
    """A locked screen met a password; one that opens it is no news."""
    if result is not Unlock.OPEN:
        outcome = Outcome.LOCKED_OUT if result is Unlock.OVER else Outcome.FAILED
        record_access(request, action=UNLOCK, outcome=outcome, user_id=user.pk)
