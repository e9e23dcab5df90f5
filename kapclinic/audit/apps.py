from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AuditConfig(AppConfig):
    """Who read and who changed what: the lowest room, everyone writes to it."""

    name = "kapclinic.audit"
    label = "audit"

    def ready(self) -> None:
        from kapclinic.audit.privileges import grant_application_rights
        from kapclinic.audit.protection import protect_record

        post_migrate.connect(protect_record, sender=self, dispatch_uid="audit.protection")
        post_migrate.connect(grant_application_rights, sender=self, dispatch_uid="audit.privileges")
