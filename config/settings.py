"""Settings, read once, checked whole, then handed on as plain values.

Sources, strongest first: `SOHOA_…` environment variables, `HOME/sohoa.toml`, the defaults below. An
unknown key is an error that names the nearest known one. Secrets never show in `repr`.
"""

from __future__ import annotations

import difflib
import getpass
import os
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from pipeline.errors import UsageError

CompanionField = Literal[
    "file",
    "dossier",
    "procedure",
    "fonds",
    "catalogue",
    "repository",
    "shelf",
    "box",
    "file_unit",
    "leaf_from",
    "leaf_to",
    "leaves",
    "condition",
]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class S3(_Section):
    """Any S3 endpoint; left empty, the home runs its own SeaweedFS on loopback.

    The disposal key may delete what is not locked any more and bypass GOVERNANCE. It is used for `sohoa retention
    dispose`, and to make locks COMPLIANCE at closure. `timeout`: how many seconds an answer of the store may take.
    `write_once`: who sees to it that no key is written twice; `database` for a store that ignores If-None-Match.
    """

    endpoint: str | None = None
    access_key: str | None = None
    secret_key: SecretStr | None = None
    bucket: str = "sohoa-arch"
    region: str = "us-east-1"
    timeout: float = Field(default=60, gt=0, le=600)
    write_once: Literal["store", "database"] = "store"
    disposal_access_key: str | None = None
    disposal_secret_key: SecretStr | None = None


class Database(_Section):
    """SQLAlchemy URL; left empty, SQLite in the home."""

    url: SecretStr | None = None


class Agency(_Section):
    """Whose records these are. `code` is the identifier of Quyết định 20/2020/QĐ-TTg."""

    name: str = "Trung tâm Phục vụ hành chính công (mẫu)"
    code: str = "H00.00"
    officer: str = "Cán bộ tiếp nhận (mẫu)"


class SigningKey(_Section):
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


SignatureLevel = Literal["B-B", "B-T", "B-LT", "B-LTA"]


class SigningLinks(_Section):
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


class Signing(_Section):
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


class Verification(_Section):
    """`online`: OCSP and CRL servers named in certificates are asked, `timeout` seconds each.

    Those at private addresses only when `hosts` names them.
    """

    online: bool = False
    timeout: float = Field(default=10.0, gt=0)
    hosts: list[str] = []


class Storage(_Section):
    """Locks. Demo locks are short so that a trial can be thrown away; of 0 days: none on content and manifests.

    `retention_file` is the office's own schedule of terms in the form of config/retention.toml.

    `second_copy_waived_by` names who answers for there being no second copy on independent media in production.
    """

    lock_days_demo: int = Field(default=1, ge=0)
    lock_days: int = Field(default=30, ge=1)
    second_copy_waived_by: str = ""
    retention_file: Path | None = None


class Limits(_Section):
    """Bounds on one page's work; a page beyond them is set aside, the batch goes on."""

    page_seconds: float = Field(default=60.0, gt=0)
    page_memory_mb: int = Field(default=4096, ge=1024)
    max_megapixels: int = Field(default=200, ge=10)
    max_pages: int = Field(default=5000, ge=1)
    workers: int = Field(default=0, ge=0, description="0: one per core")
    free_disk_mb: int = Field(default=512, ge=0)


class Watching(_Section):
    """The hot folder of `sohoa watch`. `quiet` is in seconds; `polling` is for SMB and NFS shares.

    `stuck_seconds` is how long an unfinished file may rest before it is shown and holds nothing else up. Without a
    `priority` a stack that has a dossier is a counter's.
    """

    folder: Path | None = None
    quiet: float = Field(default=3.0, gt=0)
    polling: bool = False
    priority: Literal["counter", "backfile"] | None = None
    stuck_seconds: float = Field(default=120.0, gt=0)


class Companion(_Section):
    """Side-cars beside the scans: `columns` gives a site's own headings their fields, `"Số hộp cũ" = "box"`."""

    columns: dict[str, CompanionField] = {}


class Counter(_Section):
    """A counter with a hot folder of its own: `[counter.NAME]`. `operator` is who scans there.

    `dossier` and `procedure` hold while `sohoa counter NAME --dossier …` has said nothing, or nothing for
    `idle_minutes`.
    """

    folder: Path
    operator: str = ""
    dossier: str | None = None
    procedure: str | None = None
    polling: bool = False
    priority: Literal["counter", "backfile"] = "counter"
    idle_minutes: float = Field(default=15.0, gt=0)


class Receipt(_Section):
    """How a one-stop system writes the code into its receipts' QR: `[receipt.NAME]`, tried in this order.

    `plain`: the code behind `prefix`; `url`: the `parameter` of an address at `host`; `fields`: number `field` (from 1)
    of what `delimiter` parts.
    """

    kind: Literal["plain", "url", "fields"]
    prefix: str = ""
    host: str = ""
    parameter: str = ""
    delimiter: str = Field(default="|", min_length=1)
    field: int = Field(default=1, ge=1)


class Scanner(_Section):
    """A scanner under a name of one's own: `[scanner.NAME]`, used by `sohoa scan --device NAME`.

    `device` is SANE's name; `page_seconds` is how long one side may take before the device counts as hung.
    `manual_duplex`: a one-sided feeder takes the fronts, then the turned stack.
    """

    device: str
    source: str = "auto"
    duplex: bool = False
    manual_duplex: bool = False
    resolution: int = Field(default=300, ge=50, le=2400)
    mode: str = "Color"
    paper: Literal["A3", "A4", "A5", "A6", "ID", "max"] = "A4"
    format: Literal["jpeg", "png"] = "jpeg"
    page_seconds: float = Field(default=120.0, gt=0)
    options: dict[str, str] = {}


class Process(_Section):
    """The home's background process."""

    idle_minutes: float = Field(default=10.0, gt=0)
    store_seconds: float = Field(default=0.5, ge=0)
    """How long the embedded store may take to end by itself; it flushes each write, so nothing hangs on it."""


class Fixity(_Section):
    """The rolling scrub: objects an hour (0: off), and how many megabytes a second any scrub may read."""

    hourly_objects: int = Field(default=200, ge=0)
    mb_per_second: float = Field(default=20.0, gt=0)


class Review(_Section):
    """The review desk: how long `--take` holds an item, and keys of types that need a second person's agreement."""

    hold_minutes: float = Field(default=15.0, gt=0)
    second_person_types: list[str] = []


class SecondCopy(_Section):
    """Where every stored object is copied to: a mounted `folder`, or a bucket of another S3 server."""

    folder: Path | None = None
    endpoint: str | None = None
    access_key: str | None = None
    secret_key: SecretStr | None = None
    bucket: str = "sohoa-copy"
    region: str = "us-east-1"
    timeout: float = Field(default=60, gt=0, le=600)

    @model_validator(mode="after")
    def _one_place(self) -> SecondCopy:
        if self.folder and self.endpoint:
            raise ValueError("name a folder or an endpoint, not both")
        if self.folder and not self.folder.is_absolute():
            raise ValueError("folder must be an absolute path")
        if self.endpoint and not (self.access_key and self.secret_key):
            raise ValueError("an endpoint needs access_key and secret_key")
        return self


class Procedures(_Section):
    """A home's own procedures, beside the bundled ones (empty: HOME/procedures), and its own code templates."""

    folder: Path | None = None
    codes: Path | None = None


class Registry(_Section):
    """The one-stop system. `url` is asked (docs/registry.openapi.json), `webhook_url` is told.

    With `url` or `required`, papers of a dossier that the system does not know wait. Times are in seconds.
    """

    url: str | None = None
    token: SecretStr | None = None
    token_file: Path | None = None
    required: bool = False
    pull_seconds: float = Field(default=60.0, gt=0)
    timeout_seconds: float = Field(default=20.0, gt=0, le=300)
    webhook_url: str | None = None
    webhook_secret: SecretStr | None = None
    webhook_secret_file: Path | None = None


class Returns(_Section):
    """The return set of a complete dossier: written to `folder` and posted to `url` by itself.

    A signed file above `max_mb` (0: no limit) is never altered, only named.
    """

    folder: Path | None = None
    url: str | None = None
    max_mb: float = Field(default=0.0, ge=0)


class Backup(_Section):
    key_file: Path | None = None


class Settings(BaseSettings):
    """Everything an installation may set; see `sohoa config` for the values in force."""

    model_config = SettingsConfigDict(
        env_prefix="SOHOA_",
        env_nested_delimiter="_",
        env_nested_max_split=1,
        extra="forbid",
        frozen=True,
    )

    mode: Literal["demo", "production"] = "demo"
    actor: str = ""
    s3: S3 = S3()
    database: Database = Database()
    agency: Agency = Agency()
    signing: Signing = Signing()
    verification: Verification = Verification()
    storage: Storage = Storage()
    limits: Limits = Limits()
    watch: Watching = Watching()
    companion: Companion = Companion()
    counter: dict[str, Counter] = {}
    receipt: dict[str, Receipt] = {}
    scanner: dict[str, Scanner] = {}
    process: Process = Process()
    fixity: Fixity = Fixity()
    review: Review = Review()
    procedures: Procedures = Procedures()
    registry: Registry = Registry()
    returns: Returns = Returns()
    backup: Backup = Backup()
    second_copy: SecondCopy = SecondCopy()

    @property
    def provisional_lock(self) -> timedelta:
        """How long what has just been taken in cannot be removed; demo locks are short."""
        days = self.storage.lock_days if self.mode == "production" else self.storage.lock_days_demo
        return timedelta(days=days)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment overrides the file, whose values arrive as init arguments."""
        return env_settings, init_settings


def load(home: Path) -> Settings:
    """The settings of a home. Raises UsageError naming the key, the file and the nearest known key."""
    path = home / "sohoa.toml"
    values: dict[str, Any] = {}
    if path.exists():
        try:
            values = tomllib.loads(path.read_text("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise UsageError(
                f"{path} is not valid TOML: {error}", vi=f"Tệp cấu hình {path} sai cú pháp: {error}"
            ) from error
    try:
        settings = Settings(**values)
    except ValidationError as error:
        raise _explain(error, path) from error
    if settings.s3.endpoint and not (settings.s3.access_key and settings.s3.secret_key):
        raise UsageError(
            "s3.endpoint is set, so s3.access_key and s3.secret_key are needed "
            "(SOHOA_S3_ACCESS_KEY, SOHOA_S3_SECRET_KEY)",
            vi="Có s3.endpoint thì cần cả s3.access_key và s3.secret_key (SOHOA_S3_ACCESS_KEY, SOHOA_S3_SECRET_KEY)",
        )
    registry = settings.registry
    pushes = registry.webhook_url or settings.returns.url
    if pushes and not (registry.webhook_secret or registry.webhook_secret_file):
        raise UsageError(
            "registry.webhook_url or returns.url is set, so registry.webhook_secret_file "
            "(or SOHOA_REGISTRY_WEBHOOK_SECRET) is needed to sign what is sent",
            vi="Có địa chỉ nhận tin nên cần khóa ký: registry.webhook_secret_file hoặc SOHOA_REGISTRY_WEBHOOK_SECRET",
        )
    return settings


def _explain(error: ValidationError, path: Path) -> UsageError:
    """The first fault, without the value, which may be a secret."""
    first = error.errors(include_input=False)[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        near = difflib.get_close_matches(key, known_keys(), n=1, cutoff=0.4)
        return UsageError(
            f"unknown setting {key} ({path} or environment)" + (f"; did you mean {near[0]}?" if near else ""),
            vi=f"Không có mục cấu hình {key} ({path} hoặc biến môi trường)"
            + (f"; có phải là {near[0]}?" if near else ""),
        )
    return UsageError(
        f"setting {key}: {first['msg']} ({path} or environment)",
        vi=f"Mục cấu hình {key} có giá trị không dùng được ({path} hoặc biến môi trường); xem sổ tay, mục 6",
    )


def known_keys() -> list[str]:
    """Every setting as `section.key`."""
    keys: list[str] = []
    for name, info in Settings.model_fields.items():
        kind = info.annotation
        named = [part for part in get_args(kind) if isinstance(part, type) and issubclass(part, BaseModel)]
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            keys += [f"{name}.{key}" for key in kind.model_fields]
        elif named:  # tables under names of one's own
            keys += [f"{name}.NAME.{key}" for key in named[0].model_fields]
        else:
            keys.append(name)
    return keys


def actor(settings: Settings) -> str:
    """Who acts: `SOHOA_ACTOR`, else the account of the operating system."""
    return settings.actor or os.environ.get("SOHOA_ACTOR") or getpass.getuser()
