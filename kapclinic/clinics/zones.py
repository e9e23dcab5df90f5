"""Time zones to choose from."""

import zoneinfo

# Zones of the United States come first.
_HOME = (
    "America/New_York", "America/Chicago", "America/Denver", "America/Phoenix", "America/Los_Angeles", "America/Anchorage",
    "Pacific/Honolulu", "America/Puerto_Rico", "Pacific/Guam",
)  # fmt: skip


def zone_choices() -> list[tuple[str, list[tuple[str, str]]]]:
    """Every zone of the IANA list, those of the United States first."""
    others = sorted(name for name in zoneinfo.available_timezones() if "/" in name and name not in _HOME)
    return [
        ("United States", [(name, name) for name in _HOME]),
        ("All others", [(name, name) for name in others]),
    ]
