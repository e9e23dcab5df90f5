"""Paging that costs the same at a thousand rows and at a million: it counts only as far as anybody turns pages."""

from functools import cached_property
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest

PAGE_SIZE = 50
MOST_ROWS = 200
"""Rows that can be paged through; beyond them a filter or the search is the way (POLICY)."""


class BoundedPaginator(Paginator):
    """A paginator whose count stops at `MOST_ROWS`."""

    @cached_property
    def _counted(self) -> int:
        rows: QuerySet[Any] = self.object_list  # type: ignore[assignment]  # only querysets are paged here
        # Keys alone: what a list shows beside each row is not worked out to count them.
        return rows.order_by().values("pk")[: MOST_ROWS + 1].count()

    @cached_property
    def count(self) -> int:
        """Rows that can be shown, never more than `MOST_ROWS`."""
        return min(self._counted, MOST_ROWS)

    @property
    def is_cut(self) -> bool:
        """True when more rows match than are counted."""
        return self._counted > MOST_ROWS


def page_of(request: HttpRequest, rows: QuerySet[Any], *, size: int = PAGE_SIZE) -> Page:
    """The page of `rows` (an ordered queryset) that the request asks for; nonsense gives the first or last one."""
    return BoundedPaginator(rows, size).get_page(request.GET.get("page"))


def query_without_page(request: HttpRequest) -> str:
    """The request's filters, url-encoded, for links to other pages."""
    values = request.GET.copy()
    values.pop("page", None)
    return values.urlencode()
