"""Two roles on one document, PAdES, incremental updates only: the officer, then the agency.

Officer: top left of page 1, name and time of capture (Thông tư 01/2023/TT-VPCP Điều 8). Agency: top right, form of
copy, agency and time in +07:00, size 10, black, no picture of a seal (Nghị định 30/2020, phần II.I; Thông tư
05/2025/TT-BNV Điều 8). The file arrives as PDF/A-2b and stays so.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pyhanko.pdf_utils.misc import PdfError
from pyhanko.sign.general import SigningError
from pyhanko.sign.timestamps import TimeStamper, TimestampRequestError
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.sign.validation.generic_cms import extract_certs_for_validation

from pipeline.errors import AwaitsSignature, SohoaError, Unavailable
from pipeline.files import write_whole
from pipeline.model import Document, Level, SignatureRole, SignedDocument
from signing.appearance import variants
from signing.cms import Builders, SourceSigner, run, sign
from signing.evidence import Evidence, Gate, Trust, Use
from signing.evidence_token import EvidenceStamper
from signing.keys import KeySource, holder
from signing.lettering import Lettering
from signing.placement import Rectangle, place
from signing.policy import ORDER, RANK, Policy, Step
from signing.revision import (
    Look,
    Present,
    Rooms,
    SharedFont,
    add_document_timestamp,
    add_evidence,
    add_signature,
    present,
    stamp_tokens,
)
from signing.signer import KeyState
from signing.templates import HANOI, Templates, fill

FIELDS = {SignatureRole.OFFICER: "sohoa-officer", SignatureRole.AGENCY: "sohoa-agency"}
STAMP_FIELD = "sohoa-timestamp"
LASTING = (Level.LT, Level.LTA)


class PadesSigner:
    """Signs as officer and agency as `policy` says, or both at `level`. `demo` marks every visible signature.

    Without an `officer` that signature is made elsewhere: documents wait for it.
    """

    def __init__(
        self,
        *,
        officer: KeySource | None,
        agency: KeySource,
        officer_name: str,
        agency_name: str,
        trust: Trust,
        timestamper: TimeStamper | None,
        level: Level,
        demo: bool,
        templates: Templates,
        policy: Policy | None = None,
        clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    ) -> None:
        step = Step(level=level)
        self.policy = policy or Policy(counter_first=step, counter=step, backfile=step)
        steps = (self.policy.counter_first, self.policy.counter, self.policy.backfile)
        if timestamper is None and any(one.level is not Level.B for one in steps):
            raise ValueError(f"level {level} needs a time-stamp authority")
        self._builders = {SignatureRole.AGENCY: Builders(agency)}
        if officer is not None:
            self._builders[SignatureRole.OFFICER] = Builders(officer)
        self._names = {SignatureRole.OFFICER: officer_name, SignatureRole.AGENCY: agency_name}
        self._gate = Gate(trust, clock=clock)
        self._timestamper = timestamper
        self._level = level
        self._demo = demo
        self._templates = templates
        self._clock = clock
        self._lettering = Lettering()
        self._rooms = Rooms()
        self._letters = unicodedata.normalize("NFC", officer_name + agency_name) + templates.letters

    @property
    def roles(self) -> tuple[SignatureRole, ...]:
        """The roles whose keys are here."""
        return tuple(role for role in ORDER if role in self._builders)

    def sign(self, document: Document, out: Path) -> SignedDocument:
        """The first step of the document's flow; then the file appears whole at `out`."""
        return self.extend(document, document.pdf.path.read_bytes(), (), self.policy.first(document), out)

    def extend(
        self,
        document: Document,
        content: bytes,
        have: tuple[SignatureRole, ...],
        step: Step,
        out: Path,
    ) -> SignedDocument:
        """What `step` asks for beyond the signatures that `content` carries, as further revisions.

        Raises AwaitsSignature when a key of another machine must sign, Unavailable when one here cannot.
        """
        missing = [role for role in ORDER if role in step.roles and role not in have]
        if any(role not in self._builders for role in missing):
            raise AwaitsSignature(
                "it waits for the officer's signature; run `sohoa sign export`, sign there, `sohoa sign import`",
                vi="Chờ cán bộ ký ở máy khác: `sohoa sign export`, ký, rồi `sohoa sign import`",
            )
        stamped = RANK[step.level] >= RANK[Level.T]
        with _sentences():
            there = present(content)
            taken = [one.place for one in there if one.place is not None]
            proofs, bare = self._before(there, lasting=step.level in LASTING)
            messages = [one.message.dump() for one in there]
            font = SharedFont()
            for role in missing:
                signer = self._signer(role)
                proofs.append(self._pass(signer, Use.DOCUMENTS))
                look = self._look(role, document, taken)
                taken.append(look.place)
                content, message = add_signature(
                    content,
                    field=FIELDS[role],
                    look=look,
                    signer=signer,
                    timestamper=self._timestamper if stamped else None,
                    now=self._clock(),
                    rooms=self._rooms,
                    font=font,
                )
                messages.append(message)
                if step.level in LASTING:
                    proofs += self._stamp_proofs(message)
            content = self._lasting(content, proofs, messages, step.level, bare=bare)
        pdf = write_whole(out, content, "application/pdf")
        roles = tuple(role for role in ORDER if role in have or role in missing)
        return SignedDocument(document=document, pdf=pdf, level=step.level, roles=roles)

    def renew(self, content: bytes) -> bytes:
        """Fresh evidence of the last document time-stamp, and one more over all of it.

        What is older is proven by that time-stamp already; a signer's certificate may have ended since.
        """
        with _sentences():
            there = present(content)
            stamps = [one.message["content"] for one in there if one.is_stamp]
            proofs = self._token_proofs(stamps[-1:]) if stamps else self._before(there, lasting=True)[0]
            if (
                self._timestamper is not None
            ):  # it may be another authority, of which the file holds no evidence yet
                own = run(self._timestamper.async_dummy_response("sha256"))
                proofs += self._token_proofs([own["content"]])
            messages = [one.message.dump() for one in there]
            return self._lasting(content, proofs, messages, Level.LTA, bare=False)

    def signer_proof(self, certificate: bytes, others: list[bytes]) -> Evidence:
        """The proof that a signer's certificate, of whichever machine, is good now. Raises Unavailable."""
        return self._gate.pass_through(certificate, others, Use.DOCUMENTS)

    def attest(self, content: bytes, role: SignatureRole) -> bytes:
        """A detached CMS (CAdES) over bytes that must not be changed, such as a manifest; DER."""
        signer = self._signer(role)
        self._pass(signer, Use.DOCUMENTS)
        digest = hashlib.sha256(content).digest()
        timestamper = self._timestamper if self._level is not Level.B else None
        return sign(signer, digest, timestamper=timestamper, pdf=False)

    def evidence_stamper(self) -> EvidenceStamper:
        """The same authority and the same gate, for evidence records."""
        return EvidenceStamper(self._timestamper, self._gate)

    def self_test(self) -> str:
        """Check both certificates and sign a few bytes with each key."""
        return ", ".join(self._test(role) for role in self.roles)

    def key_states(self) -> list[KeyState]:
        """Each key tried now, whatever the others do."""
        return [self._state(role) for role in self.roles]

    def close(self) -> None:
        """Let go of all keys."""
        for builders in self._builders.values():
            builders.source.close()

    def _state(self, role: SignatureRole) -> KeyState:
        try:
            name = self._test(role)
        except SohoaError as error:
            return KeyState(role=role, holder=None, ends=None, error=error)
        return KeyState(role=role, holder=name, ends=self._signer(role).ends, error=None)

    def _test(self, role: SignatureRole) -> str:
        signer = self._signer(role)
        self._pass(signer, Use.DOCUMENTS)
        signer.source.sign_digest(hashlib.sha256(b"sohoa self-test").digest())
        return holder(signer.source.certificate)

    def _signer(self, role: SignatureRole) -> SourceSigner:
        return self._builders[role].here()

    def _pass(self, signer: SourceSigner, use: Use) -> Evidence:
        return self._gate.pass_through(signer.source.certificate, signer.source.chain, use)

    def _before(self, there: list[Present], *, lasting: bool) -> tuple[list[Evidence], bool]:
        """Of the signatures that are there: their proofs, whether one lacks a time-stamp."""
        proofs: list[Evidence] = []
        bare = False
        for one in there:
            tokens = [one.message["content"]] if one.is_stamp else stamp_tokens(one.message.dump())
            bare = bare or not tokens
            if not lasting:
                continue
            if not one.is_stamp:
                found = extract_certs_for_validation(one.message["content"])
                others = [other.dump() for other in found.other_certs]
                proofs.append(self._gate.pass_through(found.signer_cert.dump(), others, Use.DOCUMENTS))
            proofs += self._token_proofs(tokens)
        return proofs, bare

    def _stamp_proofs(self, message: bytes) -> list[Evidence]:
        """Evidence of the authorities whose tokens a signature carries."""
        return self._token_proofs(stamp_tokens(message))

    def _token_proofs(self, tokens: list[object]) -> list[Evidence]:
        found = []
        for token in tokens:
            certificates = extract_certs_for_validation(token)
            others = [one.dump() for one in certificates.other_certs]
            found.append(self._gate.pass_through(certificates.signer_cert.dump(), others, Use.TIME_STAMPS))
        return found

    def _lasting(
        self, content: bytes, proofs: list[Evidence], messages: list[bytes], level: Level, *, bare: bool
    ) -> bytes:
        if level in LASTING:
            content = add_evidence(content, proofs, messages)
        if self._timestamper is not None and (level is Level.LTA or (level is not Level.B and bare)):
            content = add_document_timestamp(
                content, field=STAMP_FIELD, timestamper=self._timestamper, rooms=self._rooms
            )
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
        font = self._lettering.program("".join(lines) + self._letters)  # of both roles: one font in the file
        groups = variants(lines, font, template.size)
        box, shape = place(document.pages[0], groups, right=role is SignatureRole.AGENCY, taken=taken)
        return Look(shape=shape, font=font, place=box)


@contextmanager
def _sentences() -> Iterator[None]:
    """Errors of the library as ours."""
    try:
        yield
    except TimestampRequestError as error:
        raise Unavailable(
            f"the time-stamp authority does not answer: {error}",
            vi="Máy chủ dấu thời gian không trả lời; sẽ thử lại",
        ) from error
    except (SigningError, SignatureValidationError, PdfError) as error:
        raise Unavailable(f"signing failed: {error}", vi=f"Không ký được: {error}") from error
