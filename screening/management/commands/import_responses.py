"""`manage.py import_responses FILE --mapping NAME [--reference] [--dry-run] [--json]`."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from kapclinic.clinics.models import Clinic
from screening.importing.mappings import ColumnMapping, MappingInvalid, mapping_from, mappings
from screening.importing.rows import FileRefused
from screening.importing.services import import_file, named_population
from screening.importing.tally import Tally
from screening.models import ImportDestination

_REFUSALS_SHOWN = 20


class Command(BaseCommand):
    """Import answered questionnaires from a file."""

    help = (
        "Import answered questionnaires from a CSV (with a column mapping) or FHIR R4 QuestionnaireResponse JSON. Without "
        "--reference the rows go to the histories of patients with that identifier elsewhere; twice adds nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--mapping", required=True, help=f"one of {', '.join(mappings())}, or the path of a mapping file"
        )
        parser.add_argument(
            "--reference", action="store_true", help="fill a reference sample: no persons, no dates"
        )
        parser.add_argument("--dry-run", action="store_true", help="only say what would happen")
        parser.add_argument("--json", action="store_true", help="print the report as JSON")
        parser.add_argument("--clinic", help="the clinic's name; needed for histories when there are several")
        parser.add_argument(
            "--population", help="name of the reference population, where the mapping has none"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        if not path.is_file():
            raise CommandError(f"There is no file {path}.")
        mapping = self._mapping(options["mapping"])
        destination = ImportDestination.REFERENCE if options["reference"] else ImportDestination.HISTORY
        clinic = self._clinic(options["clinic"], is_needed=destination == ImportDestination.HISTORY)
        population = named_population(path.name, options["population"]) if options["population"] else None
        try:
            tally = import_file(
                path=path,
                mapping=mapping,
                destination=destination,
                clinic=clinic,
                is_dry_run=options["dry_run"],
                population=population,
            )
        except FileRefused as refusal:
            if options["json"]:
                self.stdout.write(json.dumps({"file_refused": list(refusal.reasons)}, ensure_ascii=False))
            raise CommandError("The file was refused. " + " ".join(refusal.reasons)) from refusal
        if options["json"]:
            report = {
                "file": path.name,
                "mapping": mapping.name,
                "dry_run": options["dry_run"],
                **tally.as_json(),
            }
            self.stdout.write(json.dumps(report, ensure_ascii=False, indent=2))
        else:
            self._print(tally, is_dry_run=options["dry_run"])

    @staticmethod
    def _mapping(name: str) -> ColumnMapping:
        known = mappings()
        if name in known:
            return known[name]
        path = Path(name)
        if path.suffix == ".json" and path.is_file():
            try:
                return mapping_from(path.stem, json.loads(path.read_text(encoding="utf-8")))
            except (MappingInvalid, ValueError, AttributeError) as error:
                raise CommandError(f"The mapping file cannot be used. {error}") from error
        raise CommandError(f"There is no mapping {name}. There are: {', '.join(known)}.")

    @staticmethod
    def _clinic(name: str | None, *, is_needed: bool) -> Clinic | None:
        if name:
            clinic = Clinic.objects.filter(name=name).first()
            if clinic is None:
                raise CommandError(f"There is no clinic called {name}.")
            return clinic
        if not is_needed:
            return None
        clinics = list(Clinic.objects.all()[:2])
        if len(clinics) != 1:
            what = "There are several clinics: say --clinic NAME." if clinics else "There is no clinic yet."
            raise CommandError(what)
        return clinics[0]

    def _print(self, tally: Tally, *, is_dry_run: bool) -> None:
        if is_dry_run:
            self.stdout.write("Dry run: nothing was stored.")
        for label, value in (
            ("Rows read", tally.rows_read),
            ("New", tally.new),
            ("Already there", tally.already_there),
            ("Refused", tally.refused),
            ("Complete", tally.complete),
            ("Incomplete", tally.incomplete),
        ):
            self.stdout.write(f"{label:<16}{value:>10,}")
        for figures in tally.by_instrument.values():
            data = figures.as_json()
            self.stdout.write(f"\n{figures.definition.short_title}")
            self.stdout.write(f"{'Sum of totals':<16}{figures.total_sum:>10,}")
            if figures.mean is not None:
                self.stdout.write(f"{'Mean':<16}{figures.mean:>10.3f}")
            for band, count in figures.bands.items():
                self.stdout.write(f"  {band:<18}{count:>6,}")
            if "safety_item" in data:
                item = data["safety_item"]
                self.stdout.write(
                    f"  Item {item['item']} endorsed: {item['endorsed']:,}, of them with a total below 10: "
                    f"{item['endorsed_with_total_below_10']:,}; blank: {item['missing']:,}"
                )
        for kind, count in tally.skipped.items():
            self.stdout.write(f"Passed over: {count:,} {kind}")
        for note in tally.notes:
            self.stdout.write(note)
        if tally.refused:
            self.stdout.write("")
        for row in tally.refusals[:_REFUSALS_SHOWN]:
            reasons = "; ".join(str(problem) for problem in row.problems)
            self.stdout.write(f"Row {row.row} refused: {reasons}")
        if tally.refused > _REFUSALS_SHOWN:
            self.stdout.write(f"… and {tally.refused - _REFUSALS_SHOWN:,} more; --json lists them.")
