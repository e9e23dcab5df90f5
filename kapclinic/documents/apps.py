from django.apps import AppConfig


class DocumentsConfig(AppConfig):
    """Immutable documents: snapshots, renditions, charts, attachments; and the base of signed notes."""

    name = "kapclinic.documents"
    label = "documents"

    def ready(self) -> None:
        from kapclinic.documents import checks, jobs  # noqa: F401  importing registers them
