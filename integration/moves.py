"""Why a plan moves a session, in one sentence. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Move:
    """How a session lies now and how it would lie then. `lost`: in words, what took its time away.

    `nearer`: the clinician then stands nearer to the patient than the one now.
    """

    lost: str = ""
    is_inside: bool = True
    is_worked: bool = True
    has_room: bool = True
    nearer: bool = False
    was_preferred: bool = True
    will_be_preferred: bool = True


NO_TIME = "It had no time."
OUTSIDE = "It lies outside its window now."
NOT_WORKED = "Its clinician does not work then."
NO_ROOM = "Its room cannot be used then."
NEARER = "Somebody nearer to the patient can take it: their own therapist before covers."
PREFERRED = "It comes into the preferred part of its window."
FOR_OTHERS = "It makes room for another session."


def why_it_moves(move: Move) -> str:
    """The first thing that holds of: lost, outside its window, not worked, without a room, better so, for others."""
    if move.lost:
        return move.lost
    found = (
        (not move.is_inside, OUTSIDE),
        (not move.is_worked, NOT_WORKED),
        (not move.has_room, NO_ROOM),
        (move.nearer, NEARER),
        (move.will_be_preferred and not move.was_preferred, PREFERRED),
    )
    return next((words for holds, words in found if holds), FOR_OTHERS)
