"""Files that are not what they seem, names that lead elsewhere, and cells that a spreadsheet would run."""

import csv
import io
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from episodes.models import Consent, Episode
from kapclinic.accounts.models import User
from kapclinic.documents.models import Attachment
from kapclinic.jobs.services import run_due
from screening.models import ImportBatch
from tests import factories
from tests.attacks.forms import forms_of
from tests.documents.test_files import a_pdf, a_picture, a_zip

pytestmark = pytest.mark.django_db

SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>kap()</script></svg>'
HOSTILE = {
    "an SVG": ("x.svg", SVG, "image/svg+xml"),
    "an SVG called PNG": ("x.png", SVG, "image/png"),
    "a page called PDF": ("x.pdf", b"<html><script>kap()</script>", "application/pdf"),
    "a GIF with a script": ("x.gif", b"GIF89a/*" + b"\0" * 20 + b"*/=kap();", "image/gif"),
    "a PDF with an archive behind it": ("x.pdf", a_pdf() + a_zip(), "application/pdf"),
    "a picture with a page behind it": ("x.png", a_picture("PNG") + b"<script>kap()</script>", "image/png"),
    "a photo with a PDF in front": ("x.jpg", b"\xff\xd8\xff%PDF-1.7" + a_pdf(), "image/jpeg"),
    "a PDF with a script": ("x.pdf", a_pdf(script="kap()"), "application/pdf"),
    "a PDF with a program in it": ("x.pdf", a_pdf(attachment="MZ"), "application/pdf"),
    "a PDF that is cut off": ("x.pdf", a_pdf()[:-20], "application/pdf"),
    "a program": ("x.exe", b"MZ" + b"\0" * 100, "application/pdf"),
    "nothing": ("x.pdf", b"", "application/pdf"),
    "eleven megabytes": ("x.png", a_picture("PNG") + b"\0" * 11 * 1024 * 1024, "image/png"),
}
NAMES = {
    "../../../etc/passwd.pdf": "passwd.pdf",
    "..\\..\\windows\\win.ini.pdf": "win.ini.pdf",
    "a\x00.html.pdf": None,
    "\u202egpj.pdf": None,
    'a"; filename="b.html.pdf': None,
    "=cmd|calc.pdf": None,
    "con\r\nSet-Cookie: kap=1.pdf": None,
    "x" * 300 + ".pdf": None,
}


def send_paper(client: Client, episode: Episode, name: str, content: bytes, media_type: str) -> Any:
    upload = SimpleUploadedFile("placeholder", content, media_type)
    # The test client would make the name harmless before it is sent.
    upload._name = name
    fields = {
        "kind": "treatment", "text_version": "2026-1", "signed_on": date(2026, 1, 5).isoformat(),
        "signed_by_name": "Mei Demo", "names_off_label": "on", "paper": upload,
    }  # fmt: skip
    return client.post(reverse("episodes:consents", kwargs={"public_id": episode.public_id}), fields)


@pytest.mark.parametrize("what", HOSTILE)
def test_file_is_refused_at_its_field_and_nothing_is_kept(what: str, episode: Episode, nurse: User) -> None:
    client = Client()
    client.force_login(nurse)
    answer = send_paper(client, episode, *HOSTILE[what])
    assert answer.status_code == 422
    assert answer.context["form"].errors["paper"]
    assert not Attachment.objects.exists()
    assert not Consent.objects.exists(), "neither is kept without the other"


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_name_of_a_file_leads_nowhere(name: str, episode: Episode, nurse: User) -> None:
    client = Client()
    client.force_login(nurse)
    assert send_paper(client, episode, name, a_pdf(), "text/html").status_code == 302
    attachment = Attachment.objects.get()
    kept = attachment.filename
    assert NAMES[name] in {None, kept}
    assert kept.endswith(".pdf")
    assert len(kept) <= 120
    assert not set(kept) & set('/\\\0\r\n"<>:|?*\u202e')
    served = client.get(reverse("documents:attachment", kwargs={"pk": attachment.pk}))
    assert served["Content-Type"] == "application/pdf"
    assert served["Content-Disposition"].startswith("attachment")
    assert served["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in served["Content-Security-Policy"]
    assert "Set-Cookie: kap" not in str(served.headers)


CELLS = (
    "=1+1",
    "+1+1",
    "-1+cmd|calc",
    "@SUM(A1)",
    "\t=1+1",
    "\r=1+1",
    '=HYPERLINK("http://evil.example")',
    "|calc",
    "%1",
)


def test_cells_that_a_spreadsheet_would_run_are_made_harmless(
    clinic: Any, manager: User, record_property: Callable[[str, object], None]
) -> None:
    """What came in with an import goes out again in the list of refused rows."""
    client = Client()
    client.force_login(manager)
    factories.prove(client, manager)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["patient_id", "completed_at", *(f"q{number}" for number in range(1, 10)), "difficulty"])
    for cell in CELLS:
        writer.writerow([cell, cell, cell, *["0"] * 9])
    upload = SimpleUploadedFile("=cmd.csv", text.getvalue().encode(), "text/csv")
    answer = client.post(reverse("screening:import"), {"file": upload})
    batch = ImportBatch.objects.get()
    assert answer.status_code == 302, answer.content.decode()[:2000]
    prepared = client.get(reverse("screening:import-prepare", kwargs={"pk": batch.pk}))
    assert prepared.status_code == 200
    form = next(form for form in forms_of(prepared.content.decode()) if "mapping" in form.values())
    started = client.post(
        reverse("screening:import-prepare", kwargs={"pk": batch.pk}), form.values() | {"start": ["1"]}
    )
    assert started.status_code == 302, started.context["file_reasons"] or started.context["form"].errors
    run_due()
    refused = client.get(reverse("screening:import-refused", kwargs={"pk": batch.pk}))
    assert refused.status_code == 200
    rows = list(csv.reader(io.StringIO(refused.content.decode("utf-8-sig"))))
    cells = [cell for row in rows[1:] for cell in row]
    assert len(rows) > len(CELLS), "each row was refused, and says so"
    dangerous = [cell for cell in cells if cell[:1] in set("=+-@\t\r|%")]
    assert not dangerous
    record_property("counts", f"{len(CELLS)} cells, {len(cells)} written out; {len(dangerous)} dangerous")
