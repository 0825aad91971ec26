"""Time-stamp authorities: the demo one inside this process, or any RFC 3161 server by URL."""

from __future__ import annotations

from pyhanko.sign.timestamps import TimeStamper
from pyhanko.sign.timestamps.dummy_client import DummyTimeStamper
from pyhanko_certvalidator.registry import SimpleCertificateStore

from signing.demo_pki import DemoPki
from signing.keys import from_pem


def demo_authority(pki: DemoPki) -> TimeStamper:
    """Issues real RFC 3161 tokens with the demo authority's key, without a network."""
    from pyhanko.keys import load_private_key_from_pemder

    identity = from_pem(pki.certificate("tsa"), pki.key("tsa"), (pki.certificate("root"),))
    store = SimpleCertificateStore()
    store.register_multiple(list(identity.chain))
    return DummyTimeStamper(
        tsa_cert=identity.certificate,
        tsa_key=load_private_key_from_pemder(str(pki.key("tsa")), passphrase=None),
        certs_to_embed=store,
    )


def http_authority(url: str, *, timeout: float) -> TimeStamper:
    """An authority over HTTP; time-outs and refusals come out as TimestampRequestError."""
    from pyhanko.sign.timestamps.requests_client import HTTPTimeStamper

    return HTTPTimeStamper(url, timeout=max(1, round(timeout)))
