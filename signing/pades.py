"""Two roles on one document, PAdES, incremental updates only: the officer, then the agency.

Officer: top left of page 1, name and time of capture (Thông tư 01/2023/TT-VPCP Điều 8). Agency: top right, form of
copy, agency and time in +07:00, size 10, black, no picture of a seal (Nghị định 30/2020, phần II.I; Thông tư
05/2025/TT-BNV Điều 8). The file arrives as PDF/A-2b and stays so.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from asn1crypto import crl as asn1_crl
from pyhanko.pdf_utils.font.opentype import GlyphAccumulatorFactory
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.layout import AxisAlignment, InnerScaling, Margins, SimpleBoxLayoutRule
from pyhanko.pdf_utils.text import TextBoxStyle
from pyhanko.sign.fields import SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.general import SigningError
from pyhanko.sign.signers.pdf_signer import PdfSignatureMetadata, PdfSigner
from pyhanko.sign.timestamps import TimeStamper, TimestampRequestError
from pyhanko.stamp import TextStampStyle
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.errors import ValidationError

from pipeline.errors import Unavailable
from pipeline.files import write_whole
from pipeline.model import Document, Level, SignatureRole, SignedDocument
from signing.keys import CachedSigner, Identity, check_usable
from signing.placement import Rectangle, place

FONT = Path(__file__).parent / "fonts" / "NotoSerif-Vietnamese.ttf"
HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
FONT_SIZE = 10
LEADING = 12
FIELDS = {SignatureRole.OFFICER: "sohoa.officer", SignatureRole.AGENCY: "sohoa.agency"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """What the signatures' validation evidence is made of, offline."""

    roots: tuple[Path, ...]
    crls: tuple[Path, ...]


class PadesSigner:
    """Signs as officer and agency at one level. `demo` marks every visible signature."""

    def __init__(
        self,
        *,
        officer: Identity,
        agency: Identity,
        agency_name: str,
        officer_name: str,
        trust: Trust,
        timestamper: TimeStamper | None,
        level: Level,
        demo: bool,
    ) -> None:
        self._signers = {
            SignatureRole.OFFICER: (officer, CachedSigner(officer)),
            SignatureRole.AGENCY: (agency, CachedSigner(agency)),
        }
        self._agency_name = agency_name
        self._officer_name = officer_name
        self._trust = trust
        self._timestamper = timestamper if level is not Level.B else None
        self._level = level
        self._demo = demo

    def sign(self, document: Document, out: Path) -> SignedDocument:
        """Both signatures, then the file appears whole at `out`."""
        now = dt.datetime.now(dt.UTC)
        content = document.pdf.path.read_bytes()
        taken: list[Rectangle] = []
        for role in (SignatureRole.OFFICER, SignatureRole.AGENCY):
            lines = self._text(role, document, now)
            box = place(document.pages[0], right=role is SignatureRole.AGENCY, taken=taken, **_size(lines))
            taken.append(box)
            content = self._one(content, role, lines, box, now)
        pdf = write_whole(out, content, "application/pdf")
        return SignedDocument(
            document=document, pdf=pdf, level=self._level, roles=(SignatureRole.OFFICER, SignatureRole.AGENCY)
        )

    def self_test(self) -> str:
        """Check both certificates and sign a few bytes with each key."""
        now = dt.datetime.now(dt.UTC)
        names = []
        for identity, signer in self._signers.values():
            check_usable(identity, now=now)
            asyncio.run(signer.async_sign_raw(b"sohoa self-test", "sha256"))
            names.append(identity.name)
        return ", ".join(names)

    def _one(
        self, content: bytes, role: SignatureRole, lines: Sequence[str], box: Rectangle, now: dt.datetime
    ) -> bytes:
        identity, signer = self._signers[role]
        check_usable(identity, now=now)
        last = role is SignatureRole.AGENCY
        long_term = last and self._level in (Level.LT, Level.LTA)
        metadata = PdfSignatureMetadata(
            field_name=FIELDS[role],
            md_algorithm="sha256",
            subfilter=SigSeedSubFilter.PADES,
            embed_validation_info=long_term,
            use_pades_lta=last and self._level is Level.LTA,
            validation_context=self._context() if long_term else None,
            signer_key_usage={"non_repudiation"},
        )
        field = SigFieldSpec(FIELDS[role], box=_rounded(box))
        worker = PdfSigner(
            metadata,
            signer,
            timestamper=self._timestamper,
            stamp_style=_style("\n".join(lines)),
            new_field_spec=field,
        )
        out = io.BytesIO()
        try:
            worker.sign_pdf(IncrementalPdfFileWriter(io.BytesIO(content)), output=out)
        except TimestampRequestError as error:
            raise Unavailable(
                f"the time-stamp authority does not answer: {error}",
                vi="Máy chủ dấu thời gian không trả lời; sẽ thử lại",
            ) from error
        except (SigningError, ValidationError) as error:
            raise Unavailable(
                f"{identity.name} cannot sign: {error}", vi=f"{identity.name} không ký được: {error}"
            ) from error
        return out.getvalue()

    def _context(self) -> ValidationContext:
        return ValidationContext(
            trust_roots=_certificates(self._trust.roots),
            crls=[asn1_crl.CertificateList.load(path.read_bytes()) for path in self._trust.crls],
            allow_fetching=False,
            revocation_mode="require",
        )

    def _text(self, role: SignatureRole, document: Document, now: dt.datetime) -> tuple[str, ...]:
        mark = ("DEMO - không có giá trị pháp lý",) if self._demo else ()
        captured = document.captured_at.astimezone(HANOI)
        if role is SignatureRole.OFFICER:
            return (*mark, self._officer_name, captured.strftime("%d/%m/%Y %H:%M:%S %z")[:-2] + ":00")
        moment = now.astimezone(HANOI).strftime("%d/%m/%Y %H:%M:%S %z")[:-2] + ":00"
        return (*mark, "SAO Y", self._agency_name, moment)


def _rounded(box: Rectangle) -> tuple[int, int, int, int]:
    left, bottom, right, top = (round(edge) for edge in box)
    return left, bottom, right, top


def _size(lines: Sequence[str]) -> dict[str, float]:
    """Width and height in points that the text needs at size 10."""
    widest = max(_width(line) for line in lines)
    return {"width": widest + 8, "height": len(lines) * LEADING + 6}


@cache
def _advances() -> tuple[dict[int, str], dict[str, tuple[int, int]]]:
    from fontTools.ttLib import TTFont

    font = TTFont(FONT)
    return font.getBestCmap(), dict(font["hmtx"].metrics)


def _width(line: str) -> float:
    cmap, metrics = _advances()
    missing = [sign for sign in line if ord(sign) not in cmap]
    if missing:
        raise Unavailable(f"the signature font has no letter for {missing[0]!r} in {line!r}")
    return sum(metrics[cmap[ord(sign)]][0] for sign in line) * FONT_SIZE / 1000


def _style(text: str) -> TextStampStyle:
    return TextStampStyle(
        stamp_text=text.replace("%", "%%"),
        text_box_style=TextBoxStyle(
            font=GlyphAccumulatorFactory(str(FONT), font_size=FONT_SIZE), font_size=FONT_SIZE, leading=LEADING
        ),
        border_width=0,
        inner_content_layout=SimpleBoxLayoutRule(
            x_align=AxisAlignment.ALIGN_MIN,
            y_align=AxisAlignment.ALIGN_MID,
            margins=Margins(left=2, right=2, top=1, bottom=1),
            inner_content_scaling=InnerScaling.SHRINK_TO_FIT,
        ),
    )


def _certificates(paths: Sequence[Path]) -> list[object]:
    from pyhanko.keys import load_cert_from_pemder

    return [load_cert_from_pemder(str(path)) for path in paths]
