"""A network scanner that speaks eSCL (AirScan): a feeder of sheets behind HTTP, with the troubles a feeder has.

The protocol is Mopria's eSCL 2.x as far as `sane-airscan` asks: ScannerCapabilities, ScannerStatus, ScanJobs, and
NextDocument until there is none. Sheets are pulled by NextDocument, as a real feeder moves paper only then.
"""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from PIL import Image

MODEL = "Máy thử eSCL"
_DOTS = 300  # eSCL measures areas in 1/300 inch
_CAPS = f"""<?xml version="1.0" encoding="UTF-8"?>
<scan:ScannerCapabilities xmlns:scan="http://schemas.hp.com/imaging/escl/2011/05/03"
    xmlns:pwg="http://www.pwg.org/schemas/2010/12/sm">
  <pwg:Version>2.6</pwg:Version>
  <pwg:MakeAndModel>{MODEL}</pwg:MakeAndModel>
  <scan:Adf>
    <scan:AdfSimplexInputCaps>@INPUT@</scan:AdfSimplexInputCaps>
    <scan:AdfDuplexInputCaps>@INPUT@</scan:AdfDuplexInputCaps>
    <scan:FeederCapacity>50</scan:FeederCapacity>
    <scan:AdfOptions><scan:AdfOption>DetectPaperLoaded</scan:AdfOption></scan:AdfOptions>
  </scan:Adf>
</scan:ScannerCapabilities>""".replace(
    "@INPUT@",
    """
    <scan:MinWidth>100</scan:MinWidth><scan:MaxWidth>2550</scan:MaxWidth>
    <scan:MinHeight>100</scan:MinHeight><scan:MaxHeight>4200</scan:MaxHeight>
    <scan:MaxScanRegions>1</scan:MaxScanRegions>
    <scan:SettingProfiles><scan:SettingProfile>
      <scan:ColorModes><scan:ColorMode>RGB24</scan:ColorMode><scan:ColorMode>Grayscale8</scan:ColorMode></scan:ColorModes>
      <scan:DocumentFormats><pwg:DocumentFormat>image/jpeg</pwg:DocumentFormat></scan:DocumentFormats>
      <scan:SupportedResolutions><scan:DiscreteResolutions>
        <scan:DiscreteResolution><scan:XResolution>100</scan:XResolution><scan:YResolution>100</scan:YResolution></scan:DiscreteResolution>
        <scan:DiscreteResolution><scan:XResolution>200</scan:XResolution><scan:YResolution>200</scan:YResolution></scan:DiscreteResolution>
      </scan:DiscreteResolutions></scan:SupportedResolutions>
    </scan:SettingProfile></scan:SettingProfiles>""",
)


@dataclass
class Feeder:
    """What lies in the feeder, and what goes wrong. A sheet is one picture, or two when both sides matter.

    `trouble` maps a count of pictures already sent to the state the feeder falls into there; `clear` ends it.
    `cut` is the count at which the line breaks in the middle of a picture, once.
    """

    sides: list[Path] = field(default_factory=list)
    trouble: dict[int, str] = field(default_factory=dict)
    cut: int | None = None
    busy: int = 0
    sent: int = 0
    state: str | None = None
    jobs: int = 0
    open: bool = False
    asked: list[str] = field(default_factory=list)
    resolution: int = 0
    region: tuple[int, int] = (0, 0)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def load(self, sides: Sequence[Path]) -> None:
        with self.lock:
            self.sides = list(sides)

    def clear(self) -> None:
        """A person opened the lid and took the sheet out."""
        with self.lock:
            self.state = None

    def status(self) -> str:
        if self.state:
            return self.state
        return "ScannerAdfLoaded" if self.sides else "ScannerAdfEmpty"

    def begin(self, settings: str) -> bool:
        """Whether a job begins with these settings."""
        if self.state or not self.sides:
            return False
        self.jobs, self.open = self.jobs + 1, True
        self.asked.append(settings)
        found = {name: int(number) for name, number in re.findall(r":(\w+)>(\d+)<", settings)}
        self.resolution, self.region = found["XResolution"], (found["Width"], found["Height"])
        return True

    def next(self) -> bytes | None:
        """The next picture in the asked size, or None: no sheet, or trouble."""
        if not self.open or self.state or not self.sides:
            self.open = False
            return None
        if self.sent in self.trouble:
            self.state = self.trouble.pop(self.sent)
            self.open = False
            return None
        size = tuple(round(length * self.resolution / _DOTS) for length in self.region)
        out = io.BytesIO()
        with Image.open(self.sides.pop(0)) as picture:
            picture.convert("RGB").resize((size[0], size[1])).save(out, "JPEG", quality=90)
        self.sent += 1
        return out.getvalue()


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    feeder: Feeder

    def do_GET(self) -> None:
        feeder = self.feeder
        with feeder.lock:
            if self.path.endswith("/ScannerCapabilities"):
                self._say(200, _CAPS.encode(), "text/xml")
            elif self.path.endswith("/ScannerStatus"):
                state = "Processing" if feeder.open and not feeder.state else "Idle"
                self._say(200, _status(state, feeder.status()).encode(), "text/xml")
            elif self.path.endswith("/NextDocument") and feeder.busy:
                feeder.busy -= 1
                self._say(503)
            elif self.path.endswith("/NextDocument"):
                broken = feeder.cut is not None and feeder.cut == feeder.sent
                picture = feeder.next()
                if picture is None:
                    self._say(404)
                elif broken:
                    feeder.cut, feeder.open = None, False
                    self._say(200, picture, "image/jpeg", send=len(picture) // 2)
                else:
                    self._say(200, picture, "image/jpeg")
            else:
                self._say(404)

    def do_POST(self) -> None:
        settings = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        with self.feeder.lock:
            if self.feeder.begin(settings):
                place = f"http://{self.headers['Host']}/eSCL/ScanJobs/{self.feeder.jobs}"
                self._say(201, location=place)
            else:
                self._say(409)

    def do_DELETE(self) -> None:
        with self.feeder.lock:
            self.feeder.open = False
            self._say(200)

    def _say(
        self, code: int, body: bytes = b"", kind: str = "", *, location: str = "", send: int | None = None
    ) -> None:
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        if kind:
            self.send_header("Content-Type", kind)
        if location:
            self.send_header("Location", location)
        self.end_headers()
        self.wfile.write(body[:send])
        if send is not None:
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """A scanner writes no log."""


def _status(state: str, adf: str) -> str:
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<scan:ScannerStatus xmlns:scan="http://schemas.hp.com/imaging/escl/2011/05/03"
    xmlns:pwg="http://www.pwg.org/schemas/2010/12/sm">
  <pwg:Version>2.6</pwg:Version><pwg:State>{state}</pwg:State><scan:AdfState>{adf}</scan:AdfState>
</scan:ScannerStatus>"""


@contextmanager
def escl_scanner(folder: Path, name: str = "Quầy 1") -> Iterator[tuple[Feeder, dict[str, str]]]:
    """A feeder on a port of the loopback, and the environment under which SANE knows it and nothing else."""
    feeder = Feeder()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Answers", (_Answers,), {"feeder": feeder}))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "dll.conf").write_text("airscan\n")
    address = f"http://127.0.0.1:{server.server_address[1]}/eSCL"
    (folder / "airscan.conf").write_text(
        f'[devices]\n"{name}" = {address}, eSCL\n[options]\ndiscovery = disable\nws-discovery = off\n'
    )
    try:
        yield feeder, {"SANE_CONFIG_DIR": str(folder)}
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
