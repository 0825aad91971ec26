"""A real PKCS#11 token in a folder: SoftHSM2, with keys made by the tests' authority."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from signing.keys import Identity
from signing.token_key import TokenPlace

MODULE = next(
    path
    for path in (
        Path("/usr/lib/softhsm/libsofthsm2.so"),
        Path("/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so"),
        Path("/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so"),
    )
    if path.exists()
)
PIN = "471926"


@dataclass
class SoftHsm:
    """Tokens below `folder`; the driver finds them by SOFTHSM2_CONF."""

    folder: Path

    def __post_init__(self) -> None:
        (self.folder / "tokens").mkdir(parents=True)
        self.configuration.write_text(
            f"directories.tokendir = {self.folder / 'tokens'}\nobjectstore.backend = file\nlog.level = ERROR\n"
        )

    @property
    def configuration(self) -> Path:
        return self.folder / "softhsm2.conf"

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "SOFTHSM2_CONF": str(self.configuration)}

    def make(self, label: str, *, pin: str = PIN) -> None:
        self._run(
            "softhsm2-util", "--init-token", "--free", "--label", label, "--pin", pin, "--so-pin", "11223344"
        )

    def put(
        self, label: str, identity: Identity, *, key: str, number: str = "01", certificate: bool = True
    ) -> None:
        """Import a key, and its certificate beside it."""
        secret = self.folder / "import.p8"
        secret.write_bytes(
            identity.key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        self._run(
            "softhsm2-util",
            "--import",
            str(secret),
            "--token",
            label,
            "--label",
            key,
            "--id",
            number,
            "--pin",
            PIN,
        )
        secret.unlink()
        if certificate:
            der = self.folder / "import.der"
            der.write_bytes(
                x509.load_der_x509_certificate(identity.certificate).public_bytes(serialization.Encoding.DER)
            )
            self._run(
                "pkcs11-tool", "--module", str(MODULE), "--token-label", label, "--login", "--pin", PIN,
                "--write-object", str(der), "--type", "cert", "--label", key, "--id", number,
            )  # fmt: skip

    def pull_out(self) -> None:
        """The tokens vanish, as when a stick is drawn."""
        (self.folder / "tokens").rename(self.folder / "drawn")
        (self.folder / "tokens").mkdir()

    def put_back(self) -> None:
        shutil.rmtree(self.folder / "tokens")
        (self.folder / "drawn").rename(self.folder / "tokens")

    def place(self, token: str, *, label: str | None = None, id: str | None = None) -> TokenPlace:
        return TokenPlace(module=MODULE, token=token, label=label, id=id)

    def _run(self, *command: str) -> None:
        subprocess.run(command, check=True, capture_output=True, env=self.environment)
