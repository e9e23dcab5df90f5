from django.apps import AppConfig


class DeskConfig(AppConfig):
    """Pages that draw on every stage."""

    name = "kapclinic.desk"
    label = "desk"

    def ready(self) -> None:
        from kapclinic.desk.today import owed, rooms

        # Importing them registers their cards.
        self.cards = (owed, rooms)
