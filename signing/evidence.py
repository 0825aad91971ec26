"""Whether a certificate may sign now, and the proof of it: chain and revocation lists, asked once and kept a while.

pyHanko signs at B-B and B-T with a revoked or expired certificate without complaint, so that every signature here
passes this gate first (Nghị định 68/2024: check the certificate and its path before signing).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from asn1crypto import crl as asn1_crl
from asn1crypto import ocsp as asn1_ocsp
from asn1crypto import pem, x509
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.errors import (
    CertificateFetchError,
    CRLFetchError,
    ExpiredError,
    InsufficientRevinfoError,
    InvalidCertificateError,
    NotYetValidError,
    OCSPFetchError,
    PathBuildingError,
    PathError,
    RevokedError,
    ValidationError,
)
from pyhanko_certvalidator.fetchers import Fetchers
from pyhanko_certvalidator.fetchers.aiohttp_fetchers import AIOHttpFetcherBackend
from pyhanko_certvalidator.path import ValidationPath

from pipeline.errors import Unavailable
from signing.cms import run
from signing.demo_pki import MARK
from signing.keys import certificates, holder

KEPT = dt.timedelta(minutes=15)
TOLD_AGAIN = dt.timedelta(seconds=20)
"""How long the answer of a server that was down is repeated: a batch must not wait out its time-outs one by one."""


class Use(Enum):
    """What a certificate must be made for: key usages, extended key usages."""

    DOCUMENTS = (frozenset({"non_repudiation"}), frozenset[str]())
    TIME_STAMPS = (frozenset[str](), frozenset({"time_stamping"}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """What signing certificates are judged by.

    `crls` are PEM or DER files, read again when asked anew, after `refresh`; `anchors` gives more roots, DER.
    `online` lets OCSP and CRL servers named in the certificates be asked, `timeout` seconds each, `attempts` times.
    `production` refuses every path that says DEMO.
    """

    roots: tuple[Path, ...] = ()
    anchors: Callable[[], tuple[bytes, ...]] = tuple
    crls: tuple[Path, ...] = ()
    intermediates: tuple[Path, ...] = ()
    online: bool = False
    timeout: float = 10
    attempts: int = 1
    production: bool = False
    refresh: Callable[[], None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Proof that a certificate was good: DER of its path (root included), revocation lists, OCSP answers."""

    certificates: tuple[bytes, ...]
    crls: tuple[bytes, ...]
    ocsps: tuple[bytes, ...]
    until: dt.datetime


class Gate:
    """Judges certificates and keeps the answer up to 15 minutes, never beyond the revocation data's own term."""

    def __init__(self, trust: Trust, *, clock: Callable[[], dt.datetime]) -> None:
        self._trust = trust
        self._clock = clock
        self._known: dict[tuple[bytes, Use], Evidence] = {}
        self._down: dict[tuple[bytes, Use], tuple[dt.datetime, Unavailable]] = {}
        self._lock = threading.Lock()

    def pass_through(self, certificate: bytes, others: Sequence[bytes], use: Use) -> Evidence:
        """The proof that `certificate` may be used so now. Raises Unavailable with the reason."""
        with self._lock:
            now = self._clock()
            key = (hashlib.sha256(certificate).digest(), use)
            known = self._known.get(key)
            if known is None or now >= known.until:
                known = self._known[key] = self._asked(key, certificate, others, now)
            return known

    def _asked(
        self, key: tuple[bytes, Use], certificate: bytes, others: Sequence[bytes], now: dt.datetime
    ) -> Evidence:
        """The judgement; servers that do not answer are asked again, then left alone for a moment."""
        since, told = self._down.get(key, (None, None))
        if since is not None and told is not None and since <= now < since + TOLD_AGAIN:
            raise Unavailable(str(told), vi=told.vi)
        for attempt in range(self._trust.attempts if self._trust.online else 1):
            if attempt:
                time.sleep(min(2.0**attempt, 8.0) / 4)
            try:
                return self._judge(certificate, others, key[1], now)
            except Unanswered as error:
                down = error
        if self._trust.online:
            self._down[key] = (now, down)
        raise down

    def _judge(self, certificate: bytes, others: Sequence[bytes], use: Use, now: dt.datetime) -> Evidence:
        if self._trust.refresh is not None:
            self._trust.refresh()
        try:
            path, context = run(self._validate(certificate, others, use, now))
        except (ValidationError, PathError) as error:
            raise _refusal(holder(certificate), error) from error
        except (OSError, TimeoutError) as error:  # as the fetcher raises them
            raise _refusal(holder(certificate), OCSPFetchError(str(error))) from error
        if self._trust.production and any(is_demo(one.dump()) for one in path):
            raise Unavailable(
                f"the certificate of {holder(certificate)} is a DEMO one; production mode takes no such",
                vi=f"Chứng thư của {holder(certificate)} là bản DEMO; chế độ chính thức không nhận",
            )
        chain = tuple(one.dump() for one in path)
        issuers = {one.subject.hashable for one in path if isinstance(one, x509.Certificate)}
        crls = [one for one in context.crls if one.issuer.hashable in issuers]
        ends = [now + KEPT, *(one.not_valid_after for one in path if isinstance(one, x509.Certificate))]
        ends += [end for one in crls if (end := one["tbs_cert_list"]["next_update"].native)]
        ends += [end for one in context.ocsps for end in _terms(one)]
        return Evidence(
            certificates=tuple(dict.fromkeys(chain)),
            crls=tuple(one.dump() for one in crls),
            ocsps=tuple(one.dump() for one in context.ocsps),
            until=min(ends),
        )

    async def _validate(
        self, certificate: bytes, others: Sequence[bytes], use: Use, now: dt.datetime
    ) -> tuple[ValidationPath, ValidationContext]:
        if not self._trust.online:
            return await self._walk(certificate, others, use, self._context(None))
        async with AIOHttpFetcherBackend(per_request_timeout=max(1, round(self._trust.timeout))) as fetchers:
            return await self._walk(certificate, others, use, self._context(fetchers))

    async def _walk(
        self, certificate: bytes, others: Sequence[bytes], use: Use, context: ValidationContext
    ) -> tuple[ValidationPath, ValidationContext]:
        validator = CertificateValidator(
            x509.Certificate.load(certificate),
            intermediate_certs=[x509.Certificate.load(one) for one in others],
            validation_context=context,
        )
        usage, extended = use.value
        path = await validator.async_validate_usage(set(usage), extended_key_usage=set(extended))
        return path, context

    def _context(self, fetchers: Fetchers | None) -> ValidationContext:
        return ValidationContext(
            trust_roots=[
                *_loaded(self._trust.roots),
                *(x509.Certificate.load(one) for one in self._trust.anchors()),
            ],
            other_certs=_loaded(self._trust.intermediates),
            crls=[one for path in self._trust.crls for one in _crls(path)],
            allow_fetching=fetchers is not None,
            fetchers=fetchers,
            revocation_mode="require",
            moment=None,
        )


class Unanswered(Unavailable):
    """No revocation data: a server may be down."""


def is_demo(certificate: bytes) -> bool:
    """Whether a DER certificate says of itself, or of its issuer, that it is for trials."""
    found = x509.Certificate.load(certificate)
    names = [str(value) for name in (found.subject, found.issuer) for value in name.native.values()]
    return any(value.startswith(f"{MARK} ") for value in names)


def _loaded(paths: Sequence[Path]) -> list[x509.Certificate]:
    return [x509.Certificate.load(one) for path in paths for one in certificates(path)]


def _crls(path: Path) -> list[asn1_crl.CertificateList]:
    """The lists of a file. Raises Unavailable when it is missing or broken, as while it is fetched anew."""
    try:
        content = path.read_bytes()
        found = (
            [der for _, _, der in pem.unarmor(content, multiple=True)] if pem.detect(content) else [content]
        )
        return [asn1_crl.CertificateList.load(der, strict=True) for der in found]
    except (OSError, ValueError) as error:
        raise Unavailable(
            f"the revocation list {path.name} cannot be read; signing cannot be checked, it waits for a whole one",
            vi=f"Không đọc được danh sách thu hồi {path.name}; chưa kiểm tra được nên chờ, sẽ thử lại",
        ) from error


def _terms(response: asn1_ocsp.OCSPResponse) -> list[dt.datetime]:
    answers = response.basic_ocsp_response["tbs_response_data"]["responses"]
    return [end for one in answers if (end := one["next_update"].native)]


def _refusal(name: str, error: Exception) -> Unavailable:
    """The sentence for each way a certificate can be unfit."""
    for kinds, english, vietnamese in _SENTENCES:
        if isinstance(error, kinds):
            kind = Unanswered if OCSPFetchError in kinds else Unavailable
            return kind(f"the certificate of {name} {english}", vi=f"Chứng thư của {name} {vietnamese}")
    return Unavailable(
        f"the certificate of {name} does not pass: {error}",
        vi=f"Chứng thư của {name} không đạt kiểm tra: {error}",
    )


_SENTENCES: tuple[tuple[tuple[type[Exception], ...], str, str], ...] = (
    (
        (RevokedError,),
        "is revoked; ask for a new one, what waits is signed then",
        "đã bị thu hồi; hãy xin cấp mới",
    ),
    ((ExpiredError,), "is no longer valid; renew it, what waits is signed then", "đã hết hạn; hãy gia hạn"),
    (
        (NotYetValidError,),
        "is not valid yet; check the clock, or wait",
        "chưa đến ngày hiệu lực; hãy xem lại giờ máy",
    ),
    (
        (InsufficientRevinfoError, CRLFetchError, OCSPFetchError),
        "cannot be checked: no fresh revocation list or OCSP answer; signing goes on when there is one",
        "chưa kiểm tra được thu hồi (CRL/OCSP chưa có); sẽ thử lại",
    ),
    (
        (CertificateFetchError, PathBuildingError),
        "leads to no trusted root; import its root",
        "không dẫn tới gốc tin cậy",
    ),
    (
        (InvalidCertificateError,),
        "is not meant for this use; take the certificate that is",
        "không dùng cho mục đích này; hãy chọn đúng chứng thư",
    ),
)
