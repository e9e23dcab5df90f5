"""Opening a page as somebody who may."""

from django.http import HttpResponse

from kapclinic.accounts.policy import TABLE
from tests.walk import Address, Walker, World, ask


def first_page(address: Address, world: World, url: str) -> tuple[Walker, HttpResponse] | None:
    """The first person who gets a page there, and the page; those are asked first whose role the access table names."""
    granted = TABLE.get(address.action or "", {})
    for walker in sorted(world.walkers, key=lambda walker: walker.role not in granted):
        answer = ask("GET", url, world.signed_in[walker.user.pk])
        if answer.status_code == 200 and "html" in answer.headers["Content-Type"]:
            return walker, answer
        if answer.status_code == 405:
            return None
    return None
