"""Addresses of pages, by name."""

from django.urls import reverse


def link(name: str, **kwargs: object) -> str:
    """The address of the named page with these arguments; NoReverseMatch for a page that does not exist."""
    return reverse(name, kwargs=kwargs or None)
