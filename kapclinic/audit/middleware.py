"""Ties every change made during a request to the person and the request."""

import uuid
from collections.abc import Callable
from typing import Any

import pghistory
from django.http import HttpRequest, HttpResponse


class HistoryMiddleware:
    """Gives the history of each request its person, a request id and the name of its address.

    Never the address itself: some hold secrets, and a query might hold health data. Reading requests too, for a page that is
    opened may write (a first draft, a feed's last reading).
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user = getattr(request, "user", None)
        request.audit_id = uuid.uuid4().hex  # type: ignore[attr-defined]  # read by kapclinic/audit/access.py
        with pghistory.context(
            user=str(user.pk) if user is not None and user.is_authenticated else None,
            request=request.audit_id,  # type: ignore[attr-defined]  # set just above
        ):
            return self.get_response(request)

    def process_view(
        self,
        request: HttpRequest,
        _view: Callable[..., HttpResponse],
        _args: list[Any],
        _kwargs: dict[str, Any],
    ) -> None:
        """The name of the address is known only now."""
        if request.resolver_match is not None:
            pghistory.context(route=request.resolver_match.view_name)
