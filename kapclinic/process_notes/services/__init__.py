"""What may be done with process notes."""

from kapclinic.process_notes.services.notes import (
    MOST_CHARACTERS,
    add_addendum,
    create_note,
    save_note,
    sign_note,
    strike_note,
)
from kapclinic.process_notes.services.releases import read_released, release_note, revoke_release
from kapclinic.process_notes.services.transfers import (
    authors_of,
    custodians_of,
    is_sealed_for,
    open_note,
    receive_transfer,
    start_transfer,
    withdraw_transfer,
)

__all__ = [
    "MOST_CHARACTERS",
    "add_addendum",
    "authors_of",
    "create_note",
    "custodians_of",
    "is_sealed_for",
    "open_note",
    "read_released",
    "receive_transfer",
    "release_note",
    "revoke_release",
    "save_note",
    "sign_note",
    "start_transfer",
    "strike_note",
    "withdraw_transfer",
]
