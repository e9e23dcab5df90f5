"""Which function does which kind of job. The app that owns a kind registers its handler from `AppConfig.ready`."""

from collections.abc import Callable
from datetime import datetime, time
from typing import Any, Protocol


class Handler(Protocol):
    """Does one job: ids in, service calls, idempotent. Raises when the work could not be done yet.

    Gives back the instant at which to look again, or None when the work is done.
    """

    def __call__(self, payload: dict[str, Any], *, now: datetime) -> datetime | None: ...


_handlers: dict[str, Handler] = {}
_daily: dict[str, time] = {}


def handler(kind: str) -> Callable[[Handler], Handler]:
    """Register the decorated function for `kind`; a second one for the same kind is a programming error."""

    def register(function: Handler) -> Handler:
        known = _handlers.get(kind)
        if known is not None and known is not function:
            raise ValueError(f"job kind {kind} has two handlers")
        _handlers[kind] = function
        return function

    return register


def handler_of(kind: str) -> Handler:
    """The handler of `kind`; KeyError when no app registered one."""
    return _handlers[kind]


def kinds() -> frozenset[str]:
    """Every registered kind."""
    return frozenset(_handlers)


def daily(kind: str, *, at: time) -> Callable[[Handler], Handler]:
    """Register the decorated function for `kind`, and have it asked for once a day for each clinic from `at`, clinic time."""

    def register(function: Handler) -> Handler:
        _daily[kind] = at
        return handler(kind)(function)

    return register


def daily_kinds() -> dict[str, time]:
    """Every kind that is asked for daily, with its time of day."""
    return dict(_daily)
