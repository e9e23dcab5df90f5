"""What a person was typing when they were called away."""

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone

from kapclinic.encryption import EncryptedTextField, key_index


class Draft(models.Model):
    """One unsent form of one person, encrypted. It is no clinical record: it goes when the form is sent, or with age."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=200)
    body = EncryptedTextField()
    updated_at = models.DateTimeField(default=timezone.now)

    # Read by the grants of the application's database role: drafts are dropped once their form was accepted.
    rows_may_be_deleted = True

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="desk_one_draft_per_form")]
        indexes = [
            models.Index(fields=["updated_at"], name="desk_draft_age"),
            key_index("body", name="desk_draft_key"),
        ]

    def __str__(self) -> str:
        return self.key
