"""The SANE adapter: the only file that knows python-sane. Runs inside `device_child`, for drivers crash and hang."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import sane
from PIL import Image

from pipeline.files import write_whole
from scanners.device import PAPERS, DeviceInfo, DeviceOption, Ready, Side, Wish
from scanners.sane_choice import (
    INT,
    converted,
    pick_mode,
    pick_resolution,
    pick_source,
    says_duplex,
    says_feeder,
)
from scanners.trouble import DeviceError, Trouble

JPEG_QUALITY = 95
_STATUS = {
    "Document feeder jammed": Trouble.JAM,
    "Scanner cover is open": Trouble.COVER,
    "Document feeder out of documents": Trouble.EMPTY,
    "End of file reached": Trouble.CUT,
    "Scanner returned no data": Trouble.CUT,  # python-sane's own words
    "Operation was cancelled": Trouble.STOPPED,
    "Invalid argument": Trouble.REFUSED,
    "Operation not supported": Trouble.REFUSED,
    "Error during device I/O": Trouble.IO,
    "Out of memory": Trouble.MEMORY,
    "Access to resource has been denied": Trouble.DENIED,
    "Device busy": Trouble.BUSY,
}
"""The texts of sane_strstatus, all that python-sane passes on."""


class SaneDevice:
    """Implements `device.Device`."""

    def __init__(self) -> None:
        sane.init()
        self._device: Any = None
        self._resolution = 0.0
        self._feeds = False

    def list(self) -> tuple[DeviceInfo, ...]:
        try:
            found = sane.get_devices()
        except Exception as error:
            raise _translated(error) from error
        return tuple(DeviceInfo(name=n, vendor=v, model=m, kind=k) for n, v, m, k in found)

    def open(self, wish: Wish) -> Ready:
        try:
            self._device = sane.open(wish.device)
        except Exception as error:
            trouble = _translated(error)
            # SANE says so of a name that no driver knows, and of a device that is unplugged.
            if trouble.trouble is Trouble.REFUSED:
                trouble = DeviceError(Trouble.GONE, trouble.detail)
            raise trouble from error
        try:
            return self._set(wish)
        except DeviceError:
            self.close()
            raise
        except Exception as error:
            self.close()
            raise _translated(error, otherwise=Trouble.REFUSED) from error

    def options(self) -> tuple[DeviceOption, ...]:
        return tuple(
            DeviceOption(
                name=option.name,
                title=option.title,
                unit=sane.UNIT_STR[option.unit].removeprefix("UNIT_").lower().replace("none", ""),
                value=getattr(self._device, option.py_name),
                choices=tuple(option.constraint) if isinstance(option.constraint, list) else (),
                between=option.constraint if isinstance(option.constraint, tuple) else None,
            )
            for option in self._device.opt.values()
            if option.name and option.is_active() and option.is_settable() and option.type <= 3
        )

    def next_page(self, path: Path, image_format: str) -> Side | None:
        try:
            self._device.start()
        except Exception as error:
            trouble = _translated(error)
            if trouble.trouble is Trouble.EMPTY:
                return None
            raise trouble from error
        try:
            lines = self._device.get_parameters()[2][1]
            # On the glass a scan ends with its side; a feeder goes on to the next.
            picture = self._device.snap(self._feeds)
        except Exception as error:
            # Cancelling waits for `close`: a driver that hangs in it must not keep the trouble from being told.
            raise _translated(error) from error
        if lines > 0 and picture.height < lines:
            raise DeviceError(Trouble.CUT, f"{picture.height} of {lines} lines")
        content, media_type = encoded(picture, image_format, self._resolution)
        blob = write_whole(path, content, media_type)
        return Side(path=path, sha256=blob.sha256, size=blob.size, width=picture.width, height=picture.height)

    def close(self) -> None:
        device, self._device = self._device, None
        if device is not None:
            device.cancel()
            device.close()

    def _set(self, wish: Wish) -> Ready:
        """Set in the order in which drivers change what else may be set: source, mode, resolution, area, the rest."""
        source = self._choose("source", pick_source(self._choices("source"), wish.source, duplex=wish.duplex))
        duplex = says_duplex(source or "")
        if wish.duplex and not duplex:
            # Some drivers part feeder and duplex into two options.
            duplex = (
                self._choose("adf_mode", pick_source(self._choices("adf_mode"), "adf", duplex=True))
                is not None
            )
            if not duplex and "duplex" in self._device.opt:
                self._device.duplex = duplex = True
        if wish.duplex and not duplex:
            raise DeviceError(Trouble.REFUSED, "this device has no duplex")
        mode = self._choose("mode", pick_mode(self._choices("mode"), wish.mode)) or wish.mode
        if "depth" in self._device.opt and "lineart" not in mode.lower():
            self._device.depth = 8
        if "resolution" in self._device.opt:
            option = self._device["resolution"]
            wanted = pick_resolution(option.constraint, wish.resolution)
            self._device.resolution = int(wanted) if option.type == INT else wanted
        self._resolution = float(getattr(self._device, "resolution", wish.resolution))
        self._area(wish.paper)
        for name, text in wish.options.items():
            option = self._device.opt.get(name.replace("-", "_"))
            if option is None:
                raise DeviceError(Trouble.REFUSED, f"no option {name}; the device offers {self._names()}")
            setattr(self._device, option.py_name, converted(text, option.type))
        self._feeds = says_feeder(source or "")
        return Ready(feeds=self._feeds, duplex=duplex, resolution=self._resolution, mode=str(mode))

    def _names(self) -> str:
        return ", ".join(option.name for option in self.options())

    def _area(self, paper: str) -> None:
        width, height = PAPERS.get(paper, (float("inf"), float("inf")))
        # A feeder centres sheets by the page's size, where the driver knows one.
        for name, least, wanted in (
            ("page_width", None, width), ("page_height", None, height),
            ("br_x", "tl_x", width), ("br_y", "tl_y", height),
        ):  # fmt: skip
            option = self._device.opt.get(name)
            if option is None or not option.is_active() or not isinstance(option.constraint, tuple):
                continue
            as_driver = int if option.type == INT else float
            if least is not None:
                setattr(self._device, least, as_driver(self._device[least].constraint[0]))
            setattr(self._device, name, as_driver(min(wanted, option.constraint[1])))

    def _choices(self, name: str) -> tuple[str, ...]:
        option = self._device.opt.get(name)
        usable = option is not None and option.is_active() and isinstance(option.constraint, list)
        return tuple(option.constraint) if usable else ()

    def _choose(self, name: str, value: str | None) -> str | None:
        if value is not None:
            setattr(self._device, name, value)
        return value


def encoded(picture: Image.Image, image_format: str, resolution: float) -> tuple[bytes, str]:
    """A side as a file that states its resolution; JPEG keeps every chroma sample."""
    out, dpi = io.BytesIO(), (round(resolution), round(resolution))
    if image_format == "png":
        picture.save(out, "PNG", dpi=dpi, compress_level=1)
        return out.getvalue(), "image/png"
    picture.save(out, "JPEG", dpi=dpi, quality=JPEG_QUALITY, subsampling=0)
    return out.getvalue(), "image/jpeg"


def _translated(error: Exception, *, otherwise: Trouble = Trouble.IO) -> DeviceError:
    if isinstance(error, DeviceError):
        return error
    text = str(error)
    return DeviceError(_STATUS.get(text, otherwise), text)
