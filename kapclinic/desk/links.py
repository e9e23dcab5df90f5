"""Addresses of other rooms' pages."""

from django.urls import NoReverseMatch, reverse


def link(name: str, **kwargs: object) -> str:
    """The address of the named page, or "" when this installation has no such page."""
    try:
        return reverse(name, kwargs=kwargs or None)
    except NoReverseMatch:
        return ""
