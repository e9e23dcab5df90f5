"""When vital signs are read after the start of a dose: how the times are written down, and for what they may differ.

Pure. A clinic sets times for each (rulebook 0.15); a protocol version may add times of its own.
"""

import itertools

# Keys as the dosing record knows them: racemic ketamine by its route, esketamine (nasal spray alone) by name.
GIVEN_WORDS = {
    "iv": "intravenous ketamine",
    "im": "intramuscular ketamine",
    "sl": "sublingual ketamine",
    "oral": "oral ketamine",
    "in": "intranasal ketamine",
    "esketamine": "esketamine",
}
LATEST_MINUTES = 480  # eight hours after the start; POLICY


def parse_offsets(text: str) -> tuple[int, ...]:
    """Minutes after D0 from "15, 30, 45"; ValueError with a sentence for the person who typed it."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts:
        raise ValueError("Name at least one time, in minutes after the start of the dose.")
    if not all(part.isdecimal() for part in parts):
        raise ValueError("Whole minutes only, separated by commas.")
    minutes = [int(part) for part in parts]
    if any(late <= early for early, late in itertools.pairwise(minutes)) or minutes[0] == 0:
        raise ValueError("The times must rise, and the first must be after the start.")
    if minutes[-1] > LATEST_MINUTES:
        raise ValueError("Eight hours is the latest.")
    return tuple(minutes)
