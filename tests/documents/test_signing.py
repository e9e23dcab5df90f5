"""PDFs signed with the clinic's certificate: a validator that is not ours finds the signature whole, or broken."""

import asyncio
import io
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID
from pyhanko.keys import load_cert_from_pemder
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext
from pytest_django import Settings

from kapclinic.documents import checks
from kapclinic.documents.models import Document
from kapclinic.documents.rendering import RenderedPdf
from kapclinic.documents.services import make_pdf
from kapclinic.documents.signing import sign_pdf

PASSPHRASE = "a made-up passphrase"


def make_certificate(folder: Path, *, days: int = 30) -> Path:
    """A self-made certificate with its key in a PKCS#12 file, and beside it the certificate alone."""
    now = datetime.now(UTC)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Demo Clinic (made up)")])
    begins = now - timedelta(days=60)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(True, True, False, False, False, True, False, False, False), critical=True
        )
        .sign(key, hashes.SHA256())
    )
    lock = serialization.BestAvailableEncryption(PASSPHRASE.encode())
    path = folder / f"clinic-{days}.p12"
    path.write_bytes(pkcs12.serialize_key_and_certificates(b"clinic", key, certificate, None, lock))
    path.with_suffix(".pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def certificate(tmp_path: Path, settings: Settings) -> Path:
    """A configured certificate."""
    path = make_certificate(tmp_path)
    settings.DOCUMENT_SIGNING_CERTIFICATE = str(path)
    settings.DOCUMENT_SIGNING_PASSPHRASE = PASSPHRASE
    return path


def validated(data: bytes, certificate: Path) -> tuple[bool, bool, str]:
    """Whether the one signature is intact, covers the whole file and is trusted; and its kind."""
    (signature,) = PdfFileReader(io.BytesIO(data)).embedded_signatures
    trust = ValidationContext(trust_roots=[load_cert_from_pemder(str(certificate.with_suffix(".pem")))])
    with ThreadPoolExecutor(max_workers=1) as own_thread:
        status = own_thread.submit(validate_pdf_signature, signature, trust).result()
    return status.intact, status.bottom_line, str(signature.sig_object["/SubFilter"])


def test_pdf_is_signed_and_validates_when_a_certificate_is_configured(
    document: Document, certificate: Path
) -> None:
    pdf = make_pdf(document)
    assert pdf.signed_with.startswith("Common Name: Demo Clinic (made up), serial ")
    assert validated(pdf.data, certificate) == (True, True, "/ETSI.CAdES.detached")
    # A byte inside what was signed breaks it.
    at = pdf.data.index(b"/Title") + 8
    changed = pdf.data[:at] + bytes([pdf.data[at] ^ 1]) + pdf.data[at + 1 :]
    assert validated(changed, certificate)[0] is False


def test_pdf_is_signed_where_an_event_loop_runs_already(
    document: Document, certificate: Path, settings: Settings
) -> None:
    settings.DOCUMENT_SIGNING_CERTIFICATE = ""
    bare = make_pdf(document)
    settings.DOCUMENT_SIGNING_CERTIFICATE = str(certificate)

    async def sign_within() -> RenderedPdf:
        return sign_pdf(bare)

    # In a thread of its own: the browser of other tests may keep a loop running in this one.
    with ThreadPoolExecutor(max_workers=1) as own_thread:
        signed = own_thread.submit(asyncio.run, sign_within()).result()
    assert signed.signed_with.startswith("Common Name: Demo Clinic")


def test_pdf_is_not_signed_when_no_certificate_is_configured(document: Document) -> None:
    pdf = make_pdf(document)
    assert pdf.signed_with == ""
    assert not PdfFileReader(io.BytesIO(pdf.data)).embedded_signatures


def test_start_is_refused_when_the_certificate_cannot_sign(
    certificate: Path, tmp_path: Path, settings: Settings
) -> None:
    assert checks.documents_can_be_signed(None) == []
    for path, passphrase, expected in (
        (certificate, "another passphrase", "documents.E003"),
        (tmp_path / "none.p12", PASSPHRASE, "documents.E003"),
        (certificate.with_suffix(".pem"), PASSPHRASE, "documents.E003"),
        (make_certificate(tmp_path, days=-1), PASSPHRASE, "documents.E004"),
    ):
        settings.DOCUMENT_SIGNING_CERTIFICATE = str(path)
        settings.DOCUMENT_SIGNING_PASSPHRASE = passphrase
        assert [problem.id for problem in checks.documents_can_be_signed(None)] == [expected]
