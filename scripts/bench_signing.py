#!/usr/bin/env python3
"""How fast signing is with a cached key, and how many bytes it adds: `python scripts/bench_signing.py [--number N]`.

CPU seconds of one process count, so other work on the machine does not. The keys are demo ones (ECDSA P-256) and an
RSA-2048 key in memory; the time-stamp authority is the one inside the process.
"""

from __future__ import annotations

import argparse
import datetime as dt
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from pipeline.model import Document, Level
from signing.cms import SourceSigner
from signing.demo_pki import ensure_demo_pki
from signing.keys import Identity, Scheme, from_pem
from signing.pades import PadesSigner
from signing.revision import Rooms, SharedFont, add_signature
from tests.papers import AGENCY, OFFICER, make_document, make_signer


def measure(name: str, size: int, work: Callable[[], int], number: int) -> None:
    """Run once to warm up, then `number` times; print documents a CPU second and bytes added."""
    added = work() and work()
    began = time.process_time()
    for _ in range(number):
        work()
    rate = number / (time.process_time() - began)
    print(f"{name:34} {rate:6.1f} documents/s a core   {(added - size) / 1000:5.1f} KB added")


def both(signer: PadesSigner, document: Document, out: Path) -> int:
    """Sign in both roles; returns the size of the file."""
    return signer.sign(document, out).pdf.size


def main() -> None:
    """Sign one two-page paper in each way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--number", type=int, default=40)
    number = parser.parse_args().number
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        pki = ensure_demo_pki(folder / "demo", agency=AGENCY, officer=OFFICER)
        document = make_document(folder)
        content = document.pdf.path.read_bytes()
        key = from_pem(pki.certificate("officer"), pki.key("officer"))
        rooms, now = Rooms(), dt.datetime.now(dt.UTC)

        def invisible(source: Identity) -> Callable[[], int]:
            signer = SourceSigner(source)
            return lambda: len(
                add_signature(
                    content, field="s", look=None, signer=signer, timestamper=None, now=now, rooms=rooms,
                    font=SharedFont(),
                )[0]
            )  # fmt: skip

        measure("B-B, one invisible, ECDSA", len(content), invisible(key), number)
        loaded = serialization.load_der_private_key(
            rsa.generate_private_key(65537, 2048).private_bytes(
                serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            ),
            None,
        )
        assert isinstance(loaded, rsa.RSAPrivateKey)
        heavy = Identity(certificate=key.certificate, chain=key.chain, key=loaded, scheme=Scheme.RSA)
        measure("B-B, one invisible, RSA-2048", len(content), invisible(heavy), number)
        for level in (Level.B, Level.T, Level.LTA):
            name, signer = f"{level.value}, two visible, ECDSA", make_signer(pki, level)
            measure(name, len(content), partial(both, signer, document, folder / "out.pdf"), number)


if __name__ == "__main__":
    main()
