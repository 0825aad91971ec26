"""Settings, read once, checked whole, then handed on as plain values.

Sources, strongest first: `SOHOA_…` environment variables, `HOME/sohoa.toml`, the defaults of each table. An
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

from pydantic import BaseModel, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from config.sections import (
    S3,
    Agency,
    Backup,
    Database,
    Fixity,
    Limits,
    Procedures,
    Process,
    Registry,
    Returns,
    Review,
    SecondCopy,
    Storage,
)
from config.sections_intake import Companion, Counter, Receipt, Scanner, Watching
from config.sections_signing import Signing, Verification
from pipeline.errors import UsageError


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
