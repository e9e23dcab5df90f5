"""Verbs by which a clinic is run."""

from kapclinic.administration.services.invitations import invite, resend_invitation, revoke_invitation
from kapclinic.administration.services.reviews import find_unusual_reads, review_read
from kapclinic.administration.services.rooms import change_room, create_room
from kapclinic.administration.services.settings import decide_setting, propose_setting, withdraw_proposal

__all__ = [
    "change_room",
    "create_room",
    "decide_setting",
    "find_unusual_reads",
    "invite",
    "propose_setting",
    "resend_invitation",
    "review_read",
    "revoke_invitation",
    "withdraw_proposal",
]
