"""Protocols and their versions."""

from django.db import models
from django.db.models import Q

from episodes.protocols import ProtocolSpec
from kapclinic.audit.history import tracked
from kapclinic.clinics.models import ClinicalRow
from kapclinic.documents.notes import never_deleted, row_is_final


@tracked
class Protocol(ClinicalRow):
    """A named way of treating; its content is in versions."""

    slug = models.SlugField(max_length=40)
    name = models.CharField(max_length=100)
    summary = models.CharField(max_length=300, blank=True)
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["clinic", "slug"], name="episodes_protocol_once")]

    def __str__(self) -> str:
        return self.name

    @property
    def latest(self) -> "ProtocolVersion":
        """The newest version."""
        return self.versions.order_by("-number").select_related("protocol")[0]


@tracked
class ProtocolVersion(ClinicalRow):
    """One version of a protocol; it never changes, and an episode keeps the one it began with."""

    protocol = models.ForeignKey(Protocol, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    data = models.JSONField()
    change_note = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-number"]
        triggers = [row_is_final(), never_deleted()]
        constraints = [
            models.UniqueConstraint(fields=["protocol", "number"], name="episodes_protocol_version_once"),
            models.CheckConstraint(name="episodes_protocol_version_from_one", condition=Q(number__gte=1)),
        ]

    def __str__(self) -> str:
        return f"{self.protocol.name}, version {self.number}"

    @property
    def spec(self) -> ProtocolSpec:
        """The typed protocol."""
        return ProtocolSpec.from_data(self.data)
