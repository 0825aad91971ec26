"""Settings in, keys and signer out: the part of `wire` that knows signing."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from pyhanko.sign.timestamps import TimeStamper

from config.sections_signing import SigningKey
from config.settings import Settings
from pipeline.errors import UsageError
from pipeline.model import Level, SignatureRole
from pipeline.paths import HomePaths
from signing.demo_pki import DemoPki, ensure_demo_pki
from signing.evidence import Trust, is_demo
from signing.file_key import FileKey
from signing.keys import KeySource, certificates, from_pem
from signing.pades import PadesSigner
from signing.pin import PinAgent, PinFile, PinHeld, PinSource
from signing.policy import ORDER, Policy, Step
from signing.templates import Templates
from signing.timestamp import demo_authority, http_authority
from signing.token_key import TokenKey, TokenPlace
from signing.trust import TrustStore


@dataclass(frozen=True, slots=True)
class SigningParts:
    """The signer, the demo infrastructure in demo mode, and the PINs that persons hold open, by role."""

    signer: PadesSigner
    pki: DemoPki | None
    held: dict[str, PinHeld] = field(repr=False)


def open_signing(paths: HomePaths, settings: Settings) -> SigningParts:
    """Keys of both roles by their settings. A key that does not answer is a state, wrong settings are UsageError."""
    sections = {
        SignatureRole.OFFICER: settings.signing.officer,
        SignatureRole.AGENCY: settings.signing.agency,
    }
    production = settings.mode == "production"
    for role, section in sections.items():
        _check(role, section, production=production)
    pki = None
    if not production:
        folder = paths.keys / "demo"
        pki = ensure_demo_pki(folder, agency=settings.agency.name, officer=settings.agency.officer)
    elif any(is_demo(one) for one in TrustStore.of(paths.trust).anchors):
        raise UsageError(
            f"{paths.trust} holds a DEMO root; production mode refuses it, take it out",
            vi=f"Thư mục {paths.trust} có gốc DEMO; chế độ chính thức không nhận, hãy bỏ ra",
        )
    held = {role.value: PinHeld(role.value) for role, one in sections.items() if _typed(one)}
    keys = {role: _key(role, section, pki, held) for role, section in sections.items()}
    agency = keys[SignatureRole.AGENCY]
    assert agency is not None  # _check
    policy = policy_of(settings)
    signer = PadesSigner(
        officer=keys[SignatureRole.OFFICER],
        agency=agency,
        agency_name=settings.agency.name,
        officer_name=settings.agency.officer,
        trust=_trust(paths, settings, pki),
        timestamper=_timestamper(settings, pki),
        level=Level(settings.signing.level),
        demo=not production,
        templates=Templates.load(),
        policy=policy,
    )
    return SigningParts(signer, pki, held)


def policy_of(settings: Settings) -> Policy:
    """Steps of both flows."""
    own = settings.signing
    last = Level(own.level)
    agency = (SignatureRole.AGENCY,)
    both = ORDER if own.counter_agency else (SignatureRole.OFFICER,)
    counter = Step(roles=both, level=last)
    first = counter
    if own.counter_level is not None:
        first = Step(roles=(SignatureRole.OFFICER,), level=Level(own.counter_level))
    backfile = Step(
        roles=ORDER if own.backfile_officer else agency, level=Level(own.backfile_level or own.level)
    )
    return Policy(counter_first=first, counter=counter, backfile=backfile)


def _trust(paths: HomePaths, settings: Settings, pki: DemoPki | None) -> Trust:
    own = settings.signing
    demo_only = pki is not None and {own.officer.kind, own.agency.kind} <= {"demo"} and own.tsa_url is None
    chains = [path for section in (own.officer, own.agency) for path in section.chain]
    return Trust(
        roots=(pki.certificate("root"),) if pki else (),
        anchors=lambda: TrustStore.of(paths.trust).anchors,
        crls=(*((pki.crl,) if pki else ()), *own.crl_files),
        intermediates=tuple(chains),
        online=own.revocation_online and not demo_only,
        timeout=own.revocation_timeout,
        attempts=own.revocation_attempts,
        production=settings.mode == "production",
        refresh=pki.refresh if pki else None,
    )


def _timestamper(settings: Settings, pki: DemoPki | None) -> TimeStamper | None:
    own = settings.signing
    if own.tsa_url:
        return http_authority(
            own.tsa_url, timeout=own.tsa_timeout, attempts=own.tsa_attempts, at_once=own.tsa_at_once
        )
    if pki is not None:
        return demo_authority(pki)
    policy = policy_of(settings)
    if any(step.level is not Level.B for step in (policy.counter_first, policy.counter, policy.backfile)):
        raise UsageError(
            "production mode needs a time-stamp authority for its level: set signing.tsa_url",
            vi="Chế độ chính thức cần máy chủ dấu thời gian: hãy đặt signing.tsa_url",
        )
    return None


def _check(role: SignatureRole, section: SigningKey, *, production: bool) -> None:
    name, kind = f"signing.{role.value}", section.kind
    if production and kind == "demo":
        raise UsageError(
            f"production mode needs a real key: set [{name}] kind to pkcs11 or pkcs12",
            vi=f"Chế độ chính thức cần khóa thật: đặt [{name}] kind là pkcs11 hoặc pkcs12",
        )
    needed = {"pkcs12": ("file",), "pkcs11": ("module",), "elsewhere": (), "demo": ()}[kind]
    for key in needed:
        if getattr(section, key) is None:
            raise UsageError(f"{name}.kind is {kind}, so {name}.{key} is needed", vi=f"Thiếu {name}.{key}")
    if kind == "elsewhere" and role is SignatureRole.AGENCY:
        raise UsageError("only the officer may sign elsewhere", vi="Chỉ cán bộ ký được ở máy khác")
    if kind == "elsewhere" and not (section.certificate or section.subject):
        raise UsageError(
            f"{name}.kind is elsewhere, so {name}.certificate or {name}.subject must say who signs",
            vi=f"Ký ở máy khác thì cần {name}.certificate hoặc {name}.subject",
        )


def _typed(section: SigningKey) -> bool:
    return section.kind in ("pkcs11", "pkcs12") and section.pin_file is None and not section.pin_agent


def _pin(role: SignatureRole, section: SigningKey, held: dict[str, PinHeld]) -> PinSource:
    if section.pin_file is not None:
        return PinFile(section.pin_file)
    if section.pin_agent:
        return PinAgent(tuple(section.pin_agent))
    return held[role.value]


def _key(
    role: SignatureRole, section: SigningKey, pki: DemoPki | None, held: dict[str, PinHeld]
) -> KeySource | None:
    if section.kind == "elsewhere":
        return None
    if section.kind == "demo":
        assert pki is not None  # _check
        return from_pem(pki.certificate(role.value), pki.key(role.value), (pki.certificate("root"),))
    above = tuple(one for path in section.chain for one in certificates(path))
    pin = _pin(role, section, held)
    if section.kind == "pkcs12":
        assert section.file is not None
        return FileKey(role.value, section.file, pin, chain=above, pss=section.pss)
    assert section.module is not None
    place = TokenPlace(
        module=section.module, token=section.token, slot=section.slot, label=section.label, id=section.id
    )
    own: Path | None = section.certificate
    return TokenKey(
        role.value,
        place,
        pin,
        certificate=certificates(own)[0] if own else None,
        chain=above,
        pss=section.pss,
    )
