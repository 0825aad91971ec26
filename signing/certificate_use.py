"""Whether a certificate is made for signing documents: its key usage and extended key usage (RFC 5280, 4.2.1).

Official certificates carry `digitalSignature` alone as often as with `nonRepudiation`, and extended uses of all kinds.
Only what cannot mean documents is told: no signing use at all, or servers, time-stamps and OCSP answers only.
"""

from __future__ import annotations

from asn1crypto import x509

SIGNING = {"digital_signature", "non_repudiation"}
OTHER_WORK = {"server_auth", "time_stamping", "ocsp_signing"}


def signs_documents(certificate: x509.Certificate) -> bool:
    """False when its own words rule it out."""
    usage, extended = certificate.key_usage_value, certificate.extended_key_usage_value
    if usage is not None and not SIGNING & usage.native:
        return False
    return extended is None or not set(extended.native) <= OTHER_WORK
