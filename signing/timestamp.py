"""Time-stamp authorities: the demo one inside this process, or any RFC 3161 server by URL.

The official server is reported to take from 2 to 131 seconds and to bear four requests at a time, so time-out,
retries and concurrency are the caller's to set.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
import threading
import time
from collections.abc import Callable
from urllib.parse import urlsplit

import urllib3
from asn1crypto import algos, cms, tsp, x509
from pyhanko.sign.timestamps import TimeStamper, TimestampRequestError
from pyhanko.sign.timestamps.common_utils import handle_tsp_response
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.sign.validation.generic_cms import extract_certs_for_validation, validate_sig_integrity

from pipeline.errors import Unavailable, UsageError
from signing.cms import DIGEST, Builders
from signing.demo_pki import DemoPki
from signing.keys import KeySource, from_pem

POLICY = "1.3.6.1.4.1.32473.1"  # of the demo authority, under the number for examples (RFC 5612)
MOST = 256 * 1024
ANSWER = "application/timestamp-reply"
UNUSABLE = (
    urllib3.exceptions.HTTPError,
    TimestampRequestError,
    SignatureValidationError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,  # raised by pyHanko 0.38 itself when a nonce does not fit
    OverflowError,
)
"""All that an answer can lead to when it is none."""


class DemoAuthority(TimeStamper):
    """Issues real RFC 3161 tokens with a key held here, by this machine's clock, without a network."""

    def __init__(self, source: KeySource, *, clock: Callable[[], dt.datetime]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._builders = Builders(source)
        self._clock = clock

    async def async_timestamp(self, message_digest: bytes, md_algorithm: str) -> cms.ContentInfo:
        """A token over the digest."""
        signer = self._builders.here()
        info = tsp.TSTInfo(
            {
                "version": "v1",
                "policy": POLICY,
                "message_imprint": {
                    "hash_algorithm": algos.DigestAlgorithm({"algorithm": md_algorithm}),
                    "hashed_message": message_digest,
                },
                "serial_number": secrets.randbits(63),
                "gen_time": self._clock().astimezone(dt.UTC).replace(microsecond=0),
                "tsa": x509.GeneralName(
                    name="directory_name", value=x509.Certificate.load(signer.certificate).subject
                ),
            }
        )
        content = cms.EncapsulatedContentInfo(
            {"content_type": "tst_info", "content": cms.ParsableOctetString(info.dump())}
        )
        made = await signer.async_sign_general_data(content, DIGEST, detached=False, use_cades=True)
        return cms.ContentInfo.load(
            made.dump()
        )  # see signing.cms: what is built is slow to put into something


class HttpAuthority(TimeStamper):
    """An RFC 3161 server. Every failure is Unavailable; an answer counts only when it fits and its signature holds."""

    def __init__(
        self, url: str, *, timeout: float, attempts: int = 3, at_once: int = 4, pause: float = 1.0
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise UsageError(
                f"the time-stamp authority {url!r} is no http or https address",
                vi=f"Địa chỉ máy chủ dấu thời gian {url!r} không hợp lệ",
            )
        self.url = url
        self._timeout, self._attempts, self._pause = timeout, attempts, pause
        self._turns = threading.BoundedSemaphore(at_once)
        self._pool = urllib3.PoolManager(maxsize=at_once, retries=False)

    async def async_timestamp(self, message_digest: bytes, md_algorithm: str) -> cms.ContentInfo:
        """A token over the digest. Raises Unavailable after the last attempt."""
        error: Exception | None = None
        for attempt in range(self._attempts):
            if attempt:
                time.sleep(self._pause * 2**attempt)
            try:
                with self._turns:
                    return self._ask(message_digest, md_algorithm)
            except UNUSABLE as caught:
                error = caught
        host = urlsplit(self.url).hostname
        raise Unavailable(
            f"the time-stamp authority {host} gave no valid token in {self._attempts} attempts "
            f"({type(error).__name__}: {error}); documents wait and are signed when it answers",
            vi=f"Máy chủ dấu thời gian {host} không trả lời; văn bản chờ và sẽ được ký khi có lại",
        ) from error

    def _ask(self, digest: bytes, algorithm: str) -> cms.ContentInfo:
        nonce, request = self.request_cms(digest, algorithm)  # type: ignore[no-untyped-call]
        deadline = time.monotonic() + self._timeout
        response = self._pool.request(
            "POST",
            self.url,
            body=request.dump(),
            headers={"Content-Type": "application/timestamp-query", "Accept": ANSWER},
            timeout=urllib3.Timeout(connect=min(self._timeout, 10.0), read=self._timeout),
            redirect=False,
            preload_content=False,
        )
        try:
            if response.status != 200 or response.headers.get("Content-Type", "").split(";")[0] != ANSWER:
                raise TimestampRequestError(f"HTTP {response.status}, {response.headers.get('Content-Type')}")
            body = bytearray()
            while block := response.read(16384):
                body += block
                if len(body) > MOST or time.monotonic() > deadline:
                    raise TimestampRequestError("the answer is too long or too slow")
        finally:
            response.close()
        token: cms.ContentInfo = handle_tsp_response(tsp.TimeStampResp.load(bytes(body), strict=True), nonce)
        _check(token, digest, algorithm)
        return token


def _check(token: cms.ContentInfo, digest: bytes, algorithm: str) -> None:
    """Raise TimestampRequestError unless the token is signed and stamps that digest."""
    signed = token["content"]
    content = signed["encap_content_info"]["content"]
    imprint = content.parsed["message_imprint"]
    if (
        imprint["hashed_message"].native != digest
        or imprint["hash_algorithm"]["algorithm"].native != algorithm
    ):
        raise TimestampRequestError("the token stamps something else")
    own = extract_certs_for_validation(signed).signer_cert
    info = signed["signer_infos"][0]
    intact, valid = validate_sig_integrity(
        info,
        own,
        expected_content_type="tst_info",
        actual_digest=hashlib.new(info["digest_algorithm"]["algorithm"].native, bytes(content)).digest(),
    )
    if not (intact and valid):
        raise TimestampRequestError("the token's signature does not hold")


def demo_authority(pki: DemoPki) -> TimeStamper:
    """The demo time-stamp authority."""
    source = from_pem(pki.certificate("tsa"), pki.key("tsa"), (pki.certificate("root"),))
    return DemoAuthority(source, clock=lambda: dt.datetime.now(dt.UTC))


def http_authority(url: str, *, timeout: float, attempts: int = 3, at_once: int = 4) -> TimeStamper:
    """An authority over HTTP, by its URL; `timeout` in seconds for each attempt."""
    return HttpAuthority(url, timeout=timeout, attempts=attempts, at_once=at_once)
