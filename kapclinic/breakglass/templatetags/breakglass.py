"""What the banner of an emergency access shows."""

from django import template
from django.utils import timezone

from kapclinic.breakglass.models import EmergencyAccess

register = template.Library()


@register.filter
def minutes_left(access: EmergencyAccess) -> int:
    """Whole minutes until it ends, now."""
    return access.minutes_left(timezone.now())
