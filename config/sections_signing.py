"""Tables of the settings: keys, who signs when, whom to believe."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from config.sections import Section

SignatureLevel = Literal["B-B", "B-T", "B-LT", "B-LTA"]


class SigningKey(Section):
    """Where a role's key is. `elsewhere`: the officer signs on another machine (`sohoa sign export`).

    The PIN or password: first line of `pin_file` (mode 0600), or of what `pin_agent` writes, else typed for a shift
    (`sohoa sign unlock`). Of one that signs elsewhere `certificate` is the officer's, or `subject` the common name.
    """

    kind: Literal["demo", "pkcs12", "pkcs11", "elsewhere"] = "demo"
    file: Path | None = None
    module: Path | None = None
    token: str | None = None
    slot: int | None = None
    label: str | None = None
    id: str | None = Field(default=None, pattern="^([0-9a-fA-F]{2})+$")
    certificate: Path | None = None
    chain: list[Path] = []
    pin_file: Path | None = None
    pin_agent: list[str] = []
    pss: bool = False
    subject: str = ""
    accept_cms: bool = False


class SigningLinks(Section):
    """Where one-time links lead (`sohoa sign export --links`): `address` and `port` (0: any free one) of the home.

    An address that others reach needs TLS: `certificate` and `key` (PEM), or a proxy before it whose `url` begins with
    https. `minutes` is how long a link lives.
    """

    address: str = "127.0.0.1"
    port: int = Field(default=0, ge=0, le=65535)
    url: str | None = None
    certificate: Path | None = None
    key: Path | None = None
    minutes: int = Field(default=60, ge=1, le=24 * 60)


class Signing(Section):
    """Keys, levels and services. `tsa_url` empty in demo mode means the demo authority inside the home.

    `level` is what every paper has in the end. `counter_level` set: a counter's paper gets the officer's signature at
    that level while the citizen waits, agency and `level` follow in the background. Time-outs are in seconds.
    The home renews evidence by itself `renew_days` before it ends; it looks every `renew_hours` (0: only by hand).
    """

    officer: SigningKey = SigningKey()
    agency: SigningKey = SigningKey()
    links: SigningLinks = SigningLinks()
    level: SignatureLevel = "B-LTA"
    counter_level: SignatureLevel | None = None
    counter_agency: bool = True
    backfile_level: SignatureLevel | None = None
    backfile_officer: bool = True
    tsa_url: str | None = None
    tsa_timeout: float = Field(default=60.0, gt=0)
    tsa_attempts: int = Field(default=3, ge=1)
    tsa_at_once: int = Field(default=4, ge=1)
    revocation_online: bool = True
    revocation_timeout: float = Field(default=10.0, ge=1)
    revocation_attempts: int = Field(default=2, ge=1)
    crl_files: list[Path] = []
    renew_days: int = Field(default=180, ge=1)
    renew_hours: float = Field(default=24.0, ge=0)


class Verification(Section):
    """`online`: OCSP and CRL servers named in certificates are asked, `timeout` seconds each.

    Those at private addresses only when `hosts` names them.
    """

    online: bool = False
    timeout: float = Field(default=10.0, gt=0)
    hosts: list[str] = []
