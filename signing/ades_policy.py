"""How AdES validation (ETSI EN 319 102-1) is set up here: offline, from the file's own evidence, roots by choice."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from asn1crypto import x509
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.sign.validation import ades
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.policy_decl import (
    CertificateFetchingRule,
    PdfSignatureValidationSpec,
    RevinfoOnlineFetchingRule,
    RevocationInfoGatheringSpec,
    SignatureValidationSpec,
)
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko_certvalidator.context import CertValidationPolicySpec
from pyhanko_certvalidator.policy_decl import (
    AcceptAllAlgorithms,
    CertRevTrustPolicy,
    RevocationCheckingPolicy,
    RevocationCheckingRule,
)
from pyhanko_certvalidator.registry import SimpleTrustManager

from signing.trust import TrustStore

FRESHNESS = timedelta(days=40)


def judge(one: EmbeddedPdfSignature, trust: TrustStore) -> tuple[Any, str]:
    """PyHanko's AdES result and "", or None and why there is none."""
    try:
        return asyncio.run(ades.ades_lta_validation(one, _spec(trust))), ""
    except (
        SignatureValidationError,
        PdfError,
        ValueError,
        KeyError,
        TypeError,
        NotImplementedError,
        AssertionError,
    ) as error:
        return None, f"{type(error).__name__}: {error}"[:160]


def _spec(trust: TrustStore) -> PdfSignatureValidationSpec:
    anchors = [x509.Certificate.load(der) for der in trust.anchors]
    checked = RevocationCheckingPolicy(
        ee_certificate_rule=RevocationCheckingRule.CRL_OR_OCSP_REQUIRED,
        intermediate_ca_cert_rule=RevocationCheckingRule.CRL_OR_OCSP_REQUIRED,
    )
    policy = CertValidationPolicySpec(
        trust_manager=SimpleTrustManager.build(trust_roots=anchors),
        revinfo_policy=CertRevTrustPolicy(revocation_checking_policy=checked, freshness=FRESHNESS),
        algorithm_usage_policy=AcceptAllAlgorithms(),  # weak ones are named by the caller, old papers use them
    )
    return PdfSignatureValidationSpec(
        SignatureValidationSpec(
            cert_validation_policy=policy,
            revinfo_gathering_policy=RevocationInfoGatheringSpec(
                online_fetching_rule=RevinfoOnlineFetchingRule.LOCAL_ONLY,
                certificate_fetching_rule=CertificateFetchingRule.NEVER_FETCH,
            ),
            key_usage_settings=KeyUsageConstraints(key_usage=set()),
        )
    )
