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
    """A paginator that looks for keys alone, once and up to `MOST_ROWS`, and reads the rows of the page by them.

    Who sees few of many rows waits for one walk through them, not for one to count and one to show.
    """

    @cached_property
    def _keys(self) -> list[Any]:
        rows: QuerySet[Any] = self.object_list  # type: ignore[assignment]  # only querysets are paged here
        return list(rows.values_list("pk", flat=True)[: MOST_ROWS + 1])

    @cached_property
    def count(self) -> int:
        """Rows that can be shown, never more than `MOST_ROWS`."""
        return min(len(self._keys), MOST_ROWS)

    @property
    def is_cut(self) -> bool:
        """True when more rows match than are counted."""
        return len(self._keys) > MOST_ROWS

    def page(self, number: int | str) -> Page:
        """The rows of one page; raises InvalidPage for a number that there is not."""
        number = self.validate_number(number)
        first = (number - 1) * self.per_page
        keys = self._keys[: self.count][first : first + self.per_page]
        rows: QuerySet[Any] = self.object_list  # type: ignore[assignment]  # only querysets are paged here
        return Page(rows.filter(pk__in=keys), number, self)


def page_of(request: HttpRequest, rows: QuerySet[Any], *, size: int = PAGE_SIZE) -> Page:
    """The page of `rows` (an ordered queryset) that the request asks for; nonsense gives the first or last one."""
    return BoundedPaginator(rows, size).get_page(request.GET.get("page"))


def query_without_page(request: HttpRequest) -> str:
    """The request's filters, url-encoded, for links to other pages."""
    values = request.GET.copy()
    values.pop("page", None)
    return values.urlencode()
