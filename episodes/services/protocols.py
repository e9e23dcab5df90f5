"""Protocols: the ones that come with the program, and new versions of them."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils import timezone

from episodes.models import Protocol, ProtocolVersion
from episodes.protocols import ProtocolError, ProtocolSpec
from kapclinic.accounts.models import User
from kapclinic.clinics.models import Clinic
from kapclinic.clinics.refusals import Reason, Refused

_FOLDER = Path(__file__).resolve().parent.parent / "data" / "protocols"


def install_protocols(
    *, clinic: Clinic, actor: User | None = None, now: datetime | None = None
) -> list[Protocol]:
    """Give a clinic the protocols that come with the program; those it has are left alone."""
    now = now or timezone.now()
    protocols = []
    with transaction.atomic():
        for path in sorted(_FOLDER.glob("*.json")):
            data = json.loads(path.read_text(encoding="utf-8"))
            ProtocolSpec.from_data(data)
            protocol, made = Protocol.objects.get_or_create(
                clinic=clinic, slug=data["slug"],
                defaults={"name": data["name"], "summary": data["summary"], "created_at": now, "created_by": actor},
            )  # fmt: skip
            if made:
                ProtocolVersion.objects.create(
                    clinic=clinic, protocol=protocol, number=1, data=data, change_note="As shipped", created_at=now,
                    created_by=actor,
                )  # fmt: skip
            protocols.append(protocol)
    return protocols


def save_protocol_version(
    *, protocol: Protocol, data: dict[str, Any], change_note: str, actor: User, now: datetime | None = None
) -> ProtocolVersion:
    """Add a version; episodes that run keep theirs. Raises Refused with what is wrong in the data."""
    now = now or timezone.now()
    try:
        ProtocolSpec.from_data(data)
    except ProtocolError as error:
        raise Refused(Reason("protocol-data", f"{str(error)[:1].upper()}{str(error)[1:]}.")) from error
    if not change_note.strip():
        raise Refused(Reason("no-note", "Say what changed and why.", field="change_note"))
    with transaction.atomic():
        protocol = Protocol.objects.select_for_update(of=("self",)).get(pk=protocol.pk)
        newest = protocol.versions.order_by("-number")[0]
        if newest.data == data:
            return newest
        return ProtocolVersion.objects.create(
            clinic=protocol.clinic, protocol=protocol, number=newest.number + 1, data=data, change_note=change_note.strip(),
            created_at=now, created_by=actor,
        )  # fmt: skip
