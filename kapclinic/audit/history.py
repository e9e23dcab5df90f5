"""Change history by database trigger: bulk updates and raw SQL are written down too."""

from collections.abc import Callable
from typing import TypeVar

import pghistory
from django.db import models

ModelClass = TypeVar("ModelClass", bound=type[models.Model])


def _track(model: ModelClass, exclude: list[str] | None = None) -> ModelClass:
    return pghistory.track(
        pghistory.InsertEvent(),
        pghistory.UpdateEvent(),
        pghistory.DeleteEvent(),
        exclude=exclude,
        append_only=True,
        model_name=f"{model.__name__}History",
        # The history outlives and never constrains the row that it tells of.
        obj_field=pghistory.ObjForeignKey(related_name="history", db_constraint=False),
        context_field=pghistory.ContextForeignKey(null=True, related_name="+"),
    )(model)


def tracked(model: ModelClass) -> ModelClass:
    """Class decorator for every clinical model: each insert, update and delete is written to `<Model>History`."""
    return _track(model)


def tracked_without(*fields: str) -> Callable[[ModelClass], ModelClass]:
    """Like `tracked`, for models with encrypted bodies or large content: `fields` stay out of the history."""
    return lambda model: _track(model, list(fields))
