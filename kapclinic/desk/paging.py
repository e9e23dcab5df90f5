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
    """A paginator that looks for keys alone, as far as the page `up_to` and one row more, and reads that page by them.

    Who sees few of many rows waits for one walk as far as the page, not for one through all of them to count.
    """

    def __init__(self, rows: QuerySet[Any], per_page: int, *, up_to: int = 1) -> None:
        super().__init__(rows, per_page)
        self._rows = rows
        self._shown = min(MOST_ROWS, max(1, up_to) * per_page)

    @cached_property
    def _keys(self) -> list[Any]:
        return list(self._rows.values_list("pk", flat=True)[: self._shown + 1])

    @cached_property
    def count(self) -> int:
        """Rows that are known and can be shown, never more than `MOST_ROWS`."""
        return min(len(self._keys), MOST_ROWS)

    @property
    def is_cut(self) -> bool:
        """True when there are more rows than were looked for."""
        return len(self._keys) > self._shown

    def page(self, number: int | str) -> Page:
        """The rows of one page; raises InvalidPage for a number that there is not."""
        number = self.validate_number(number)
        first = (number - 1) * self.per_page
        keys = self._keys[: self._shown][first : first + self.per_page]
        return Page(self._rows.filter(pk__in=keys), number, self)


def page_of(request: HttpRequest, rows: QuerySet[Any], *, size: int = PAGE_SIZE) -> Page:
    """The page of `rows` (an ordered queryset) that the request asks for; nonsense gives the first or last one."""
    asked = request.GET.get("page", "")
    up_to = int(asked) if asked.isdecimal() and len(asked) < 6 else 1
    return BoundedPaginator(rows, size, up_to=up_to).get_page(asked)


def query_without_page(request: HttpRequest) -> str:
    """The request's filters, url-encoded, for links to other pages."""
    values = request.GET.copy()
    values.pop("page", None)
    return values.urlencode()
