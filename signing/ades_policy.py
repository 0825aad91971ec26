"""How AdES validation (ETSI EN 319 102-1) is set up here: from the file's own evidence, or asking, roots by choice."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from asn1crypto import x509
from pyhanko.sign.ades.report import AdESIndeterminate, AdESPassed
from pyhanko.sign.validation import ades
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.policy_decl import (
    CertificateFetchingRule,
    LocalKnowledge,
    PdfSignatureValidationSpec,
    RevinfoOnlineFetchingRule,
    RevocationInfoGatheringSpec,
    SignatureValidationSpec,
)
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko_certvalidator.context import CertValidationPolicySpec
from pyhanko_certvalidator.fetchers import FetcherBackend
from pyhanko_certvalidator.ltv.types import ValidationTimingInfo
from pyhanko_certvalidator.policy_decl import (
    AcceptAllAlgorithms,
    CertRevTrustPolicy,
    RevocationCheckingPolicy,
    RevocationCheckingRule,
)
from pyhanko_certvalidator.registry import SimpleTrustManager

from signing import revocation_online
from signing.conditions import Conditions
from signing.loose_parts import tokens
from signing.signature_fields import UNREADABLE
from signing.trust import TrustStore

FRESHNESS = dt.timedelta(days=40)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """PyHanko's result (None: `reason` says why), when the signature is proven to exist, by which path."""

    indication: Any
    reason: str
    proven: dt.datetime | None
    path: tuple[x509.Certificate, ...]
    stamp: Any

    @property
    def passed(self) -> bool:
        return self.indication is AdESPassed.OK


def judge(
    one: EmbeddedPdfSignature,
    trust: TrustStore,
    conditions: Conditions,
    beside: Sequence[x509.Certificate] = (),
) -> Judgement:
    """What AdES validation says of one signature; it never raises over what a file holds.

    `beside` are certificates of the whole file: one that stands in another signature need not be in the security store
    (EN 319 142-1, 5.4.2), but pyHanko looks only there and into the signature itself.
    """
    now = conditions.moment
    try:
        result = asyncio.run(_validate(one, trust, conditions, now, beside))
    except (TimeoutError, *UNREADABLE) as error:
        reason = f"{type(error).__name__}: {error}"[:160]
        return unjudged(reason)
    status = result.api_status
    path = getattr(status, "validation_path", None)
    moment = getattr(result, "best_signature_time", None)
    proven = moment if moment is not None and moment < now else None
    return Judgement(
        indication=result.ades_subindic,
        reason=result.failure_msg or "",
        proven=proven,
        path=tuple(path.iter_certs(include_root=True)) if path is not None else (),
        stamp=getattr(status, "timestamp_validity", None),
    )


def unjudged(reason: str) -> Judgement:
    """No AdES result, for that reason."""
    return Judgement(indication=None, reason=reason, proven=None, path=(), stamp=None)


async def _validate(
    one: EmbeddedPdfSignature,
    trust: TrustStore,
    conditions: Conditions,
    moment: dt.datetime,
    beside: Sequence[x509.Certificate],
) -> Any:
    timing = ValidationTimingInfo(
        validation_time=moment,
        best_signature_time=moment,
        point_in_time_validation=conditions.as_of is not None,
    )
    if not conditions.online:
        return await _by_policy(one, _spec(trust, None, beside), timing)
    async with revocation_online.session(conditions) as session:
        fetchers = revocation_online.backend(conditions, session)
        return await _by_policy(one, _spec(trust, fetchers, beside), timing)


async def _by_policy(
    one: EmbeddedPdfSignature, spec: PdfSignatureValidationSpec, timing: ValidationTimingInfo
) -> Any:
    """Validation with long-term evidence; a signature that has no time-stamp is judged as of the day asked about.

    PyHanko calls the lack of a time-stamp a broken constraint and says no more; most official papers have none.
    """
    result = await ades.ades_lta_validation(one, spec, timing_info=timing)
    if result.ades_subindic is AdESIndeterminate.SIG_CONSTRAINTS_FAILURE and not any(tokens(one)):
        return await ades.ades_basic_validation(
            one.signed_data,
            spec.signature_validation_spec,
            timing_info=timing,
            raw_digest=one.compute_digest(),
        )
    return result


def _spec(
    trust: TrustStore, fetchers: FetcherBackend | None, beside: Sequence[x509.Certificate]
) -> PdfSignatureValidationSpec:
    anchors = [x509.Certificate.load(der) for der in trust.anchors]
    checked = RevocationCheckingPolicy(
        ee_certificate_rule=RevocationCheckingRule.CRL_OR_OCSP_REQUIRED,
        intermediate_ca_cert_rule=RevocationCheckingRule.CRL_OR_OCSP_REQUIRED,
    )
    policy = CertValidationPolicySpec(
        trust_manager=SimpleTrustManager.build(trust_roots=anchors),
        revinfo_policy=CertRevTrustPolicy(revocation_checking_policy=checked, freshness=FRESHNESS),
        algorithm_usage_policy=AcceptAllAlgorithms(),  # by our own dates, after the time is proven
    )
    online = RevinfoOnlineFetchingRule
    return PdfSignatureValidationSpec(
        SignatureValidationSpec(
            cert_validation_policy=policy,
            revinfo_gathering_policy=RevocationInfoGatheringSpec(
                online_fetching_rule=online.LOCAL_ONLY if fetchers is None else online.ALWAYS_FETCH,
                fetcher_backend=fetchers,
                certificate_fetching_rule=CertificateFetchingRule.NEVER_FETCH,
            ),
            local_knowledge=LocalKnowledge(known_certs=[*beside, *anchors]),
            key_usage_settings=KeyUsageConstraints(key_usage=set()),
        )
    )
