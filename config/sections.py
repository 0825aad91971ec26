"""Tables of the settings: stores, keeping, limits and the systems beside."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator


class Section(BaseModel):
    """One table; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class S3(Section):
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


class Database(Section):
    """SQLAlchemy URL; left empty, SQLite in the home."""

    url: SecretStr | None = None


class Agency(Section):
    """Whose records these are. `code` is the identifier of Quyết định 20/2020/QĐ-TTg."""

    name: str = "Trung tâm Phục vụ hành chính công (mẫu)"
    code: str = "H00.00"
    officer: str = "Cán bộ tiếp nhận (mẫu)"


class Storage(Section):
    """Locks. Demo locks are short so that a trial can be thrown away; of 0 days: none on content and manifests.

    `retention_file` is the office's own schedule of terms in the form of config/retention.toml.

    `second_copy_waived_by` names who answers for there being no second copy on independent media in production.
    """

    lock_days_demo: int = Field(default=1, ge=0)
    lock_days: int = Field(default=30, ge=1)
    second_copy_waived_by: str = ""
    retention_file: Path | None = None


class Limits(Section):
    """Bounds on one page's work; a page beyond them is set aside, the batch goes on."""

    page_seconds: float = Field(default=60.0, gt=0)
    page_memory_mb: int = Field(default=4096, ge=1024)
    max_megapixels: int = Field(default=200, ge=10)
    max_pages: int = Field(default=5000, ge=1)
    workers: int = Field(default=0, ge=0, description="0: one per core")
    free_disk_mb: int = Field(default=512, ge=0)


class Process(Section):
    """The home's background process."""

    idle_minutes: float = Field(default=10.0, gt=0)
    store_seconds: float = Field(default=0.5, ge=0)
    """How long the embedded store may take to end by itself; it flushes each write, so nothing hangs on it."""


class Fixity(Section):
    """The rolling scrub: objects an hour (0: off), and how many megabytes a second any scrub may read."""

    hourly_objects: int = Field(default=200, ge=0)
    mb_per_second: float = Field(default=20.0, gt=0)


class Review(Section):
    """The review desk: how long `--take` holds an item, and keys of types that need a second person's agreement."""

    hold_minutes: float = Field(default=15.0, gt=0)
    second_person_types: list[str] = []


class SecondCopy(Section):
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


class Procedures(Section):
    """A home's own procedures, beside the bundled ones (empty: HOME/procedures), and its own code templates."""

    folder: Path | None = None
    codes: Path | None = None


class Registry(Section):
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


class Returns(Section):
    """The return set of a complete dossier: written to `folder` and posted to `url` by itself.

    A signed file above `max_mb` (0: no limit) is never altered, only named.
    """

    folder: Path | None = None
    url: str | None = None
    max_mb: float = Field(default=0.0, ge=0)


class Backup(Section):
    key_file: Path | None = None
