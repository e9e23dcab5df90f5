"""What the application's database role may do, granted after every migration by the owner.

Rows of ours are inserted and updated, never deleted; history is read alone (triggers of the owner write it); the record's own
tables are added to; nothing is truncated.
"""

from typing import Any

from django.apps import AppConfig, apps
from django.conf import settings
from django.db import connections, models

# Apps of the framework that delete their own rows (expired sign-ins, second steps that were taken away and the like).
_DELETING_APPS = frozenset({"sessions", "auth", "contenttypes", "account", "mfa", "socialaccount"})


def rights_of(model: type[models.Model]) -> str:
    """The SQL rights that the application role has on the model's table."""
    app = apps.get_app_config(model._meta.app_label)
    if model._meta.label == "pghistory.Context" or issubclass(model, _event_base()):
        return "SELECT"
    if app.label == "audit":
        return "SELECT, INSERT"
    if app.name.startswith("django.") or (app.label in _DELETING_APPS and not _is_ours(app)):
        return "SELECT, INSERT, UPDATE, DELETE"
    if getattr(model, "rows_may_be_deleted", False):
        return "SELECT, INSERT, UPDATE, DELETE"
    return "SELECT, INSERT, UPDATE"


def _is_ours(app: AppConfig) -> bool:
    return app.name.startswith("kapclinic.") or "." not in app.name


def _event_base() -> type[models.Model]:
    from pghistory.models import Event

    return Event


def grant_application_rights(using: str = "default", **_kwargs: Any) -> None:
    """Give the application role exactly its rights; runs as the owner after `migrate`.

    Raises RuntimeError when the role is missing (docs/operations.md says how to make it).
    """
    connection = connections[using]
    role = settings.DATABASE_APP_ROLE
    quote = connection.ops.quote_name
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
        if cursor.fetchone() is None:
            raise RuntimeError(
                f"the database role {role} does not exist; see docs/operations.md, 'Database roles'"
            )
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
        existing = {row[0] for row in cursor.fetchall()}
        cursor.execute(f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {quote(role)}")
        cursor.execute(f"GRANT USAGE ON SCHEMA public TO {quote(role)}")
        cursor.execute(f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {quote(role)}")
        if "django_migrations" in existing:
            cursor.execute(f"GRANT SELECT ON django_migrations TO {quote(role)}")
        for model in apps.get_models(include_auto_created=True):
            if model._meta.managed and not model._meta.proxy and model._meta.db_table in existing:
                cursor.execute(f"GRANT {rights_of(model)} ON {quote(model._meta.db_table)} TO {quote(role)}")
