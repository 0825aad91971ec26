"""What the signatures inside a PDF say of themselves, nothing verified: evidence for what a pen wrote on the paper."""

from __future__ import annotations

import logging
from pathlib import Path

from pyhanko.pdf_utils.reader import PdfFileReader

from pipeline.model import SignedBy

logger = logging.getLogger(__name__)
MOST = 20


def stated_signers(pdf: Path) -> tuple[SignedBy, ...]:
    """Name and stated time of each signature, oldest first; nothing for what cannot be read.

    Called in a child with limits on time and memory, since the file is from outside.
    """
    found = []
    try:
        with pdf.open("rb") as stream:
            for signature in PdfFileReader(stream, strict=False).embedded_regular_signatures[:MOST]:
                name = signature.signer_cert.subject.native.get("common_name")
                if isinstance(name, str):
                    found.append(SignedBy(name=name[:200], at=signature.self_reported_timestamp))
    except Exception as error:  # any damage: it is judged when the paper is kept, here it only tells nothing
        logger.info("signatures of %s tell nothing: %s", pdf.name, type(error).__name__)
    return tuple(found)
