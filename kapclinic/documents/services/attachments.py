"""Taking files in."""

import uuid
from datetime import date, datetime

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils import timezone

from kapclinic.accounts.models import User
from kapclinic.clinics.models import Clinic
from kapclinic.clinics.refusals import Reason, Refused
from kapclinic.documents.files import MAX_BYTES, BadFile, CheckedFile, check_file
from kapclinic.documents.models import Attachment, Blob
from kapclinic.documents.viruses import refuse_infected


def read_upload(upload: UploadedFile, *, field: str | None = "file") -> CheckedFile:
    """The checked bytes of an upload; Refused with the reason at `field` when it is not taken."""
    if upload.size is not None and upload.size > MAX_BYTES:
        raise Refused(
            Reason("file-refused", f"The file is larger than {MAX_BYTES // 1024 // 1024} MB.", field)
        )
    try:
        checked = check_file(upload.read(), upload.name or "file")
        refuse_infected(checked.content)
    except BadFile as error:
        raise Refused(Reason("file-refused", str(error), field)) from error
    return checked


def store_attachment(
    *,
    clinic: Clinic,
    subject_id: uuid.UUID,
    title: str,
    upload: UploadedFile | CheckedFile,
    actor: User,
    dated_on: date | None = None,
    field: str | None = "file",
    now: datetime | None = None,
) -> Attachment:
    """Keep an uploaded file with the episode `subject_id`. The same bytes are stored once per clinic.

    Raises:
        Refused: the file is not taken; the reason stands at `field`.
    """
    now = now or timezone.now()
    checked = upload if isinstance(upload, CheckedFile) else read_upload(upload, field=field)
    with transaction.atomic():
        return Attachment.objects.create(
            clinic=clinic,
            subject_id=subject_id,
            title=title.strip()[:200] or checked.filename,
            filename=checked.filename,
            media_type=checked.media_type,
            blob=keep_bytes(clinic, checked.content, checked.sha256, actor=actor, now=now),
            dated_on=dated_on,
            created_at=now,
            created_by=actor,
        )


def keep_bytes(clinic: Clinic, content: bytes, sha256: str, *, actor: User | None, now: datetime) -> Blob:
    """The clinic's blob with these bytes; the same bytes are kept once."""
    blob, _ = Blob.objects.defer("content").get_or_create(
        clinic=clinic,
        sha256=sha256,
        defaults={"size": len(content), "content": content, "created_at": now, "created_by": actor},
    )
    return blob
