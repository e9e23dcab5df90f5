"""Ties every change made during a request to the person and the request."""

import uuid
from collections.abc import Callable

import pghistory
from django.http import HttpRequest, HttpResponse


class HistoryMiddleware:
    """Gives the history of each request its person and a request id; the address is the route, never the query."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method in {"GET", "HEAD", "OPTIONS"}:
            return self.get_response(request)
        user = getattr(request, "user", None)
        with pghistory.context(
            user=str(user.pk) if user is not None and user.is_authenticated else None,
            request=uuid.uuid4().hex,
            path=request.path,
        ):
            return self.get_response(request)
