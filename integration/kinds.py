"""Which kind of appointment serves which part of what a dose owes."""

from integration.models import NeedPart
from kapclinic.scheduling.models import AppointmentKind

KIND_OF_PART = {
    NeedPart.PRIMARY: AppointmentKind.INTEGRATION,
    NeedPart.SECONDARY: AppointmentKind.SECONDARY_INTEGRATION,
}
PART_OF_KIND = {kind: part for part, kind in KIND_OF_PART.items()}
