"""Today: what must I do now? A page of cards, each built for one person by one function with a fixed number of queries."""

from kapclinic.desk.today.registry import Card, Place, Row, card, cards_for, live_card_for

__all__ = ["Card", "Place", "Row", "card", "cards_for", "live_card_for"]
