"""CPU seconds that a document takes to sign, by form and level, with the key cached: `make bench-signing`.

One process, one core. The time-stamp authority and the revocation list are the demo's, inside this process, so that
waiting for servers does not count. A figure is the median of several rounds of user and system time.
"""

from __future__ import annotations

import argparse
import datetime as dt
import logging
import resource
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from pipeline.model import Document, Level, SignatureRole
from signing.cms import SourceSigner
from signing.demo_pki import DemoPki, ensure_demo_pki
from signing.keys import from_pem
from signing.policy import Step
from signing.revision import Rooms, SharedFont, add_signature
from tests.papers import AGENCY, OFFICER, make_document, make_signer
from tests.pki import Authority, rsa_key

ROUNDS = 5
WANTED = {"B-B invisible": 8.0, "B-B visible": 4.0}
"""Documents a second a core that the first two forms must reach."""


def spent() -> float:
    """User and system time of this process, in seconds."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def measured(work: Callable[[int], object], documents: int) -> float:
    """Seconds a document."""
    work(-1)  # keys, fonts and templates are read once
    rounds = []
    for number in range(ROUNDS):
        before = spent()
        for one in range(documents):
            work(number * documents + one)
        rounds.append((spent() - before) / documents)
    return statistics.median(rounds)


def forms(document: Document, pki: DemoPki, folder: Path) -> dict[str, Callable[[int], object]]:
    """The work of each form: demo and RSA-2048 keys without a look, then with the looks of the roles, by level."""
    content = document.pdf.path.read_bytes()
    signer, out = make_signer(pki, Level.LTA), folder / "out.pdf"
    root = pki.certificate("root")
    demo = from_pem(pki.certificate("agency"), pki.key("agency"), (root,))
    rsa = Authority(folder / "rsa").issue("RSA", make_key=rsa_key())

    def invisible(source: SourceSigner) -> Callable[[int], object]:
        rooms = Rooms()

        def work(number: int) -> object:
            return add_signature(
                content,
                field="sohoa-agency",
                look=None,
                signer=source,
                timestamper=None,
                now=dt.datetime.now(dt.UTC),
                rooms=rooms,
                font=SharedFont(),
            )

        return work

    def both(level: Level, *roles: SignatureRole) -> Callable[[int], object]:
        step = Step(roles=roles, level=level) if roles else Step(level=level)
        return lambda number: signer.extend(document, content, (), step, out)

    signer.extend(document, content, (), Step(level=Level.LTA), out)
    lasting = out.read_bytes()
    return {
        "B-B invisible": invisible(SourceSigner(demo)),
        "B-B invisible, RSA-2048": invisible(SourceSigner(rsa)),
        "B-B visible": both(Level.B, SignatureRole.AGENCY),
        "B-B visible, officer and agency": both(Level.B),
        "B-T visible, officer and agency": both(Level.T),
        "B-LT visible, officer and agency": both(Level.LT),
        "B-LTA visible, officer and agency": both(Level.LTA),
        "renewal of B-LTA": lambda number: signer.renew(lasting),
    }


def main() -> int:
    """Print a table; 1 when a form that has a wanted rate stays below it."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--documents", type=int, default=20, help="documents a round")
    chosen = options.parse_args()
    logging.disable(logging.WARNING)
    slow = 0
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        pki = ensure_demo_pki(folder / "demo", agency=AGENCY, officer=OFFICER)
        document = make_document(folder)
        sys.stdout.write(
            f"{document.pdf.size >> 10} KB, {len(document.pages)} pages, {chosen.documents} a round\n"
        )
        sys.stdout.write(f"{'form':<36}{'CPU ms':>8}{'a second':>10}{'wanted':>8}\n")
        for name, work in forms(document, pki, folder).items():
            seconds = measured(work, chosen.documents)
            wanted = WANTED.get(name)
            slow += wanted is not None and 1 / seconds < wanted
            sys.stdout.write(f"{name:<36}{seconds * 1000:>8.0f}{1 / seconds:>10.1f}{wanted or '':>8}\n")
            sys.stdout.flush()
    return 1 if slow else 0


if __name__ == "__main__":
    raise SystemExit(main())
