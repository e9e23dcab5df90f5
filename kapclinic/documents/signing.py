"""Signing PDFs (PAdES baseline B, ETSI EN 319 142-1) with the clinic's certificate, where one is configured.

`KAP_SIGNING_CERTIFICATE` names a PKCS#12 file, `KAP_SIGNING_PASSPHRASE` opens it. Without them nothing is signed.
"""

from __future__ import annotations

import hashlib
import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings

if TYPE_CHECKING:
    from asn1crypto.x509 import Certificate
    from pyhanko.sign.signers import SimpleSigner

    from kapclinic.documents.rendering import RenderedPdf

FIELD = "ClinicSignature"


class SigningFailed(Exception):
    """The configured certificate cannot be read or does not sign."""


def is_configured() -> bool:
    """Whether documents are signed."""
    return bool(settings.DOCUMENT_SIGNING_CERTIFICATE)


def sign_pdf(pdf: RenderedPdf) -> RenderedPdf:
    """The same PDF with an invisible signature over all of it; as it is when no certificate is configured.

    Raises:
        SigningFailed: the certificate cannot be read, or signing failed.
    """
    if not is_configured():
        return pdf
    # Loaded when it is needed: only the documents' worker of a clinic with a certificate signs.
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign.fields import SigSeedSubFilter
    from pyhanko.sign.signers import PdfSignatureMetadata
    from pyhanko.sign.signers import sign_pdf as write_signature

    signer, certificate = load_signer(
        settings.DOCUMENT_SIGNING_CERTIFICATE, settings.DOCUMENT_SIGNING_PASSPHRASE
    )
    metadata = PdfSignatureMetadata(field_name=FIELD, md_algorithm="sha256", subfilter=SigSeedSubFilter.PADES)
    signed = io.BytesIO()
    try:
        # The library runs an event loop of its own, which a thread that has one already does not allow.
        with ThreadPoolExecutor(max_workers=1) as own_thread:
            own_thread.submit(
                write_signature,
                IncrementalPdfFileWriter(io.BytesIO(pdf.data)),
                metadata,
                signer=signer,
                output=signed,
            ).result()
    except Exception as error:  # the library raises many kinds; none may carry a part of the document
        raise SigningFailed(type(error).__name__) from error
    data = signed.getvalue()
    words = f"{certificate.subject.human_friendly}, serial {certificate.serial_number:x}"
    return replace(pdf, data=data, sha256=hashlib.sha256(data).hexdigest(), signed_with=words[:300])


@cache
def load_signer(path: str, passphrase: str) -> tuple[SimpleSigner, Certificate]:
    """The signer of a PKCS#12 file and its certificate, read once.

    Raises:
        SigningFailed: the file cannot be read or opened, or holds no key.
    """
    from pyhanko.sign.signers import SimpleSigner

    try:
        signer = SimpleSigner.load_pkcs12_data(
            Path(path).read_bytes(), other_certs=[], passphrase=passphrase.encode() or None
        )
    except OSError as error:
        raise SigningFailed("the file cannot be read") from error
    except Exception as error:  # a wrong passphrase, another format, no key: the library raises as it comes
        raise SigningFailed(
            "the passphrase does not open it, or it holds no key with its certificate"
        ) from error
    if signer.signing_cert is None:
        raise SigningFailed("it holds no certificate")
    return signer, signer.signing_cert
