"""Extensions of PostgreSQL that the tables above rest on; both are trusted, so the database's owner may create them."""

from django.contrib.postgres.operations import BtreeGistExtension, TrigramExtension
from django.db import migrations


class Migration(migrations.Migration):
    initial = True
    dependencies: list[tuple[str, str]] = []
    # Every table is made after this.
    run_before = [("clinics", "0001_initial")]
    operations = [BtreeGistExtension(), TrigramExtension()]
