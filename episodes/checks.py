"""System checks of the spine."""

from typing import Any

from django.core.checks import Error, register

from episodes import guards


@register()
def every_guarded_action_has_a_guard(**_kwargs: Any) -> list[Error]:
    """An action that must be guarded and is not stops the start."""
    return [
        Error(f"no guard is registered for {action}", id="episodes.E001")
        for action in sorted(guards.unguarded())
    ]
