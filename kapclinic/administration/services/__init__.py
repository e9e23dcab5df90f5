"""Verbs by which a clinic is run."""

from kapclinic.administration.services.invitations import invite, resend_invitation, revoke_invitation
from kapclinic.administration.services.rooms import change_room, create_room
from kapclinic.administration.services.settings import decide_setting, propose_setting, withdraw_proposal

__all__ = [
    "change_room",
    "create_room",
    "decide_setting",
    "invite",
    "propose_setting",
    "resend_invitation",
    "revoke_invitation",
    "withdraw_proposal",
]
