"""How long a handoff takes to print, over bare WeasyPrint on the same HTML: `python benchmarks/documents.py [--json]`.

Ours is everything between the stored snapshot and a checked PDF: hash, charts, template, rendering, reading back. Bare is
WeasyPrint alone on the finished HTML, with the same style sheet and fonts already read. Both are measured in one run, in
turns, so that a busy machine slows both. Needs no database. Exit 1 when the median ratio is above the bar.
"""

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

BAR = 1.3
START = datetime(2026, 3, 10, 15, 0, tzinfo=UTC)
DENVER = ZoneInfo("America/Denver")


def set_up() -> None:
    """Django without a database: nothing here connects to one."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kapclinic.settings")
    os.environ.setdefault("KAP_MODE", "demo")
    os.environ.setdefault("SECRET_KEY", "benchmark")
    for name in ("KAP_ENCRYPTION_KEYS", "KAP_AUDIT_KEYS"):
        os.environ.setdefault(name, "benchmark:" + "A" * 43 + "=")
    os.environ.setdefault("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    os.environ.setdefault("REDIS_URL", "redis://127.0.0.1:1/0")
    import django

    django.setup()


def handoff_snapshot() -> dict[str, Any]:
    """A handoff after the sixth dose as clinics write it: seven sections, two charts, their tables."""
    from kapclinic.documents import snapshots
    from kapclinic.documents.categories import ConsentCategory
    from kapclinic.documents.charts import Band, DoseMark, Given, Limit, ScoreLine, ScorePoint, VitalsPoint
    from kapclinic.documents.snapshots import Letterhead, PatientBlock, Signature, prose, section

    minutes = (-12, 15, 30, 45, 60, 75, 90)
    readings = [
        VitalsPoint(
            START + timedelta(minutes=m),
            128 + m % 30,
            80 + m % 12,
            72 + m % 20,
            14,
            96 + m % 3,
            5 - (m == 30) * 2,
        )
        for m in minutes
    ]
    given = [Given(START, START + timedelta(minutes=40), "IV 34 mg")]
    bands = (Band(0, 4, "Minimal"), Band(5, 9, "Mild"), Band(10, 14, "Moderate"), Band(15, 27, "Severe"))
    lines = [
        ScoreLine(
            name,
            top,
            bands,
            tuple(ScorePoint(START + timedelta(days=7 * n - 90), first - n) for n in range(13)),
        )
        for name, top, first in (("PHQ-9", 27, 19), ("GAD-7", 21, 15))
    ]
    doses = [DoseMark(n + 1, START + timedelta(days=7 * n - 35)) for n in range(6)]
    text = (
        "She asked for help and let it come. Grief for her father, less fear of the silence afterwards. " * 4
    )
    sections = [
        section("dose", "Dose and route", ConsentCategory.DOSE, [
            prose(text),
            snapshots.facts([("Dose", "IV ketamine 34 mg"), ("Began", "10 Mar 2026, 09:00 MDT"), ("Left", "Discharged")]),
            snapshots.vitals(readings, given, [Limit("systolic", 180, "call at 180")], DENVER, "Vital signs, dose 6"),
        ]),
        section("response", "Response and experience", ConsentCategory.DOSE, [prose(text)]),
        section("adverse_events", "Adverse events", ConsentCategory.ADVERSE_EVENTS, [prose("None.")]),
        section("mental_status", "Mental status at discharge", ConsentCategory.SAFETY, [prose(text)]),
        section("focus", "Recommended integration focus", ConsentCategory.THEMES, [prose(text)]),
        section("safety", "Safety", ConsentCategory.SAFETY, [snapshots.facts([("Allergies", "latex")])]),
        section("scores", "Outcome scores", ConsentCategory.SCORES, [
            snapshots.scores(lines, doses, DENVER, "PHQ-9 and GAD-7"),
        ]),
    ]  # fmt: skip
    return snapshots.snapshot(
        heading="Handoff to the therapist after dose 6",
        letterhead=Letterhead(
            "Demo Clinic", "1200 Sample Street\nDenver, CO 80000", "+1 303 555 0100", is_demo=True
        ),
        patient=PatientBlock("Demo, Mei", "14 Mar 1987", "KC-7Q4M", "she/her"),
        facts_on_top=[("From", "Demo Prescriber, MD"), ("To", "Demo Therapist, LCSW")],
        sections=sections,
        signature=Signature("Demo Prescriber, MD", "Prescriber", "10 Mar 2026, 11:00 MDT", 1),
    )


def measure(rounds: int) -> dict[str, Any]:
    """Medians in milliseconds of both ways, and the median of the ratios of each round."""
    from weasyprint import HTML

    from kapclinic.documents.kinds import DocumentKind, register
    from kapclinic.documents.models import Document
    from kapclinic.documents.rendering import _engine
    from kapclinic.documents.services import make_pdf, render_html

    register(DocumentKind("benchmark", "Handoff to the therapist", "handoff-to-therapist", "handoff.read"))
    document = Document(
        kind="benchmark", title="Handoff", language="en", snapshot=handoff_snapshot(), version=1
    )
    document.subject_id = document.pk
    document.content_hash = document.hash_now()
    html = render_html(document)
    fetcher, fonts, style = _engine()

    def ours() -> int:
        return make_pdf(document).pages

    def bare() -> int:
        page = HTML(string=html, url_fetcher=fetcher)
        return len(page.write_pdf(stylesheets=[style], font_config=fonts, pdf_variant="pdf/ua-1"))

    pages = ours()
    bare()
    pairs = [(timed(ours), timed(bare)) for _ in range(rounds)]
    return {
        "rounds": rounds,
        "pages": pages,
        "handoff_ms": round(1000 * statistics.median(mine for mine, _ in pairs), 1),
        "bare_weasyprint_ms": round(1000 * statistics.median(other for _, other in pairs), 1),
        "ratio": round(statistics.median(mine / other for mine, other in pairs), 3),
        "bar": BAR,
    }


def timed(work: Callable[[], object]) -> float:
    """Seconds that `work` takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main() -> int:
    """Measure, print, and say by the exit code whether the bar was met."""
    parser = argparse.ArgumentParser(description="Handoff render time over bare WeasyPrint on the same HTML.")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--rounds", type=int, default=9, help="how often each is measured (default 9)")
    options = parser.parse_args()
    set_up()
    result = measure(options.rounds)
    is_met = result["ratio"] <= BAR
    if options.json:
        print(json.dumps({**result, "met": is_met}))
    else:
        print(f"Handoff of {result['pages']} pages, median of {result['rounds']} rounds in turns")
        print(f"  {'from snapshot to checked PDF':32} {result['handoff_ms']:8.1f} ms")
        print(f"  {'bare WeasyPrint, same HTML':32} {result['bare_weasyprint_ms']:8.1f} ms")
        print(f"  {'ratio':32} {result['ratio']:8.3f}    bar {BAR}: {'met' if is_met else 'MISSED'}")
    return 0 if is_met else 1


if __name__ == "__main__":
    raise SystemExit(main())
