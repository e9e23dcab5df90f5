from django.apps import AppConfig


class DeskConfig(AppConfig):
    """Pages that draw on every stage."""

    name = "kapclinic.desk"
    label = "desk"

    def ready(self) -> None:
        from kapclinic.desk import flags
        from kapclinic.desk.today import handoffs, history, owed, readiness, rooms, windows

        # Importing them registers their cards and flags.
        self.parts = (flags, handoffs, history, owed, readiness, rooms, windows)
