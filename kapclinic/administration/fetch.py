"""Fetching a clinic's own rows for the administration's pages."""

import uuid
from collections.abc import Callable
from typing import TypeVar, cast

from django.http import Http404

from kapclinic.accounts.policy import Actor
from kapclinic.clinics.models import ClinicalRow

Row = TypeVar("Row", bound=ClinicalRow)


def own_row(model: type[Row], *related: str) -> Callable[..., Row]:
    """A `fetch` for `@page`: the row of `model` with this key at the actor's clinic, or Http404."""

    def fetch(actor: Actor, pk: uuid.UUID) -> Row:
        try:
            return cast(
                Row, model._default_manager.select_related("clinic", *related).get(clinic=actor.clinic, pk=pk)
            )
        except model.DoesNotExist as error:
            raise Http404 from error

    return fetch
