"""Two roles on one document, PAdES, incremental updates only: the officer, then the agency.

Officer: top left of page 1, name and time of capture (Thông tư 01/2023/TT-VPCP Điều 8). Agency: top right, form of
copy, agency and time in +07:00, size 10, black, no picture of a seal (Nghị định 30/2020, phần II.I; Thông tư
05/2025/TT-BNV Điều 8). The file arrives as PDF/A-2b and stays so.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable
from pathlib import Path

from pyhanko.pdf_utils.misc import PdfError
from pyhanko.sign.general import SigningError
from pyhanko.sign.timestamps import TimeStamper, TimestampRequestError
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.sign.validation.generic_cms import extract_certs_for_validation

from pipeline.errors import Unavailable
from pipeline.files import write_whole
from pipeline.model import Document, Level, SignatureRole, SignedDocument
from signing.appearance import variants
from signing.cms import SourceSigner, sign
from signing.evidence import Evidence, Gate, Trust, Use
from signing.keys import KeySource, holder
from signing.lettering import Lettering
from signing.placement import Rectangle, place
from signing.revision import Look, add_document_timestamp, add_evidence, add_signature, stamp_tokens
from signing.templates import HANOI, Templates, fill

FIELDS = {SignatureRole.OFFICER: "sohoa-officer", SignatureRole.AGENCY: "sohoa-agency"}
STAMP_FIELD = "sohoa-timestamp"
ORDER = (SignatureRole.OFFICER, SignatureRole.AGENCY)


class PadesSigner:
    """Signs as officer and agency at one level. `demo` marks every visible signature."""

    def __init__(
        self,
        *,
        officer: KeySource,
        agency: KeySource,
        officer_name: str,
        agency_name: str,
        trust: Trust,
        timestamper: TimeStamper | None,
        level: Level,
        demo: bool,
        templates: Templates,
        clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    ) -> None:
        if level is not Level.B and timestamper is None:
            raise ValueError(f"level {level} needs a time-stamp authority")
        self._signers = {
            SignatureRole.OFFICER: SourceSigner(officer),
            SignatureRole.AGENCY: SourceSigner(agency),
        }
        self._names = {SignatureRole.OFFICER: officer_name, SignatureRole.AGENCY: agency_name}
        self._gate = Gate(trust, clock=clock)
        self._timestamper = timestamper if level is not Level.B else None
        self._level = level
        self._demo = demo
        self._templates = templates
        self._clock = clock
        self._lettering = Lettering()

    def sign(self, document: Document, out: Path) -> SignedDocument:
        """Both signatures, evidence and time-stamp as the level asks; then the file appears whole at `out`."""
        content = document.pdf.path.read_bytes()
        taken: list[Rectangle] = []
        proofs: list[Evidence] = []
        try:
            for role in ORDER:
                signer = self._signers[role]
                proofs.append(self._pass(signer, Use.DOCUMENTS))
                look = self._look(role, document, taken)
                taken.append(look.place)
                content, message = add_signature(
                    content,
                    field=FIELDS[role],
                    look=look,
                    signer=signer,
                    timestamper=self._timestamper,
                    now=self._clock(),
                )
                proofs += self._stamp_proofs(message)
            content = self._lasting(content, proofs)
        except TimestampRequestError as error:
            raise Unavailable(
                f"the time-stamp authority does not answer: {error}",
                vi="Máy chủ dấu thời gian không trả lời; sẽ thử lại",
            ) from error
        except (SigningError, SignatureValidationError, PdfError) as error:
            raise Unavailable(f"signing failed: {error}", vi=f"Không ký được: {error}") from error
        pdf = write_whole(out, content, "application/pdf")
        return SignedDocument(document=document, pdf=pdf, level=self._level, roles=ORDER)

    def attest(self, content: bytes, role: SignatureRole) -> bytes:
        """A detached CMS (CAdES) over bytes that must not be changed, such as a manifest; DER."""
        signer = self._signers[role]
        self._pass(signer, Use.DOCUMENTS)
        digest = hashlib.sha256(content).digest()
        return sign(signer, digest, timestamper=self._timestamper, pdf=False)

    def self_test(self) -> str:
        """Check both certificates and sign a few bytes with each key."""
        names = []
        for signer in self._signers.values():
            self._pass(signer, Use.DOCUMENTS)
            signer.source.sign_digest(hashlib.sha256(b"sohoa self-test").digest())
            names.append(holder(signer.source.certificate))
        return ", ".join(names)

    def _pass(self, signer: SourceSigner, use: Use) -> Evidence:
        return self._gate.pass_through(signer.source.certificate, signer.source.chain, use)

    def _stamp_proofs(self, message: bytes) -> list[Evidence]:
        """Evidence of the authorities whose tokens a signature carries, when it must last."""
        if self._level not in (Level.LT, Level.LTA):
            return []
        found = []
        for token in stamp_tokens(message):
            certificates = extract_certs_for_validation(token)
            others = [one.dump() for one in certificates.other_certs]
            found.append(self._gate.pass_through(certificates.signer_cert.dump(), others, Use.TIME_STAMPS))
        return found

    def _lasting(self, content: bytes, proofs: list[Evidence]) -> bytes:
        if self._level in (Level.LT, Level.LTA):
            content = add_evidence(content, proofs)
        if self._level is Level.LTA and self._timestamper is not None:
            content = add_document_timestamp(content, field=STAMP_FIELD, timestamper=self._timestamper)
        return content

    def _look(self, role: SignatureRole, document: Document, taken: list[Rectangle]) -> Look:
        now = self._clock()
        template = self._templates.of(role, now.astimezone(HANOI).date())
        lines = fill(
            template,
            name=self._names[role],
            agency=self._names[SignatureRole.AGENCY],
            captured=document.captured_at,
            signed=now,
            demo=self._demo,
        )
        font = self._lettering.program("".join(lines))
        groups = variants(lines, font, template.size)
        box, shape = place(document.pages[0], groups, right=role is SignatureRole.AGENCY, taken=taken)
        return Look(shape=shape, font=font, place=box)
