"""What the account page shows of a person's e-mail."""

from typing import Any

from django import template
from django.template.context import Context

from kapclinic.accounts.models import User
from kapclinic.notices.forms import EmailForm
from kapclinic.notices.models import DigestState, EmailChoice, EmailDigest

register = template.Library()


@register.inclusion_tag("notices/_email_card.html", takes_context=True)
def email_card(context: Context, user: User) -> dict[str, Any]:
    """The choice about e-mail, and what became of the last one."""
    choice = EmailChoice.objects.filter(user=user).first() or EmailChoice(user=user)
    last = EmailDigest.objects.filter(receiver=user).exclude(state=DigestState.DROPPED).first()
    return {"csrf_token": context.get("csrf_token"), "form": EmailForm(instance=choice), "last": last}
