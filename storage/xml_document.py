"""XML written from plain values; what XML cannot hold is left out of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree as ET

METS = "http://www.loc.gov/METS/"
CSIP = "https://DILCIS.eu/XML/METS/CSIPExtensionMETS"
XLINK = "http://www.w3.org/1999/xlink"
PREMIS = "http://www.loc.gov/premis/v3"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
for _prefix, _name in (("mets", METS), ("csip", CSIP), ("xlink", XLINK), ("premis", PREMIS), ("xsi", XSI)):
    ET.register_namespace(_prefix, _name)
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Fields = Sequence[tuple[str, str | None]]


def clean(text: str) -> str:
    """Text without the control characters that no XML document may hold."""
    return _FORBIDDEN.sub("", text)


def child(parent: ET.Element, name: str, text: str | None = None, **attributes: str) -> ET.Element:
    """One more element below `parent`, in its namespace."""
    space = parent.tag.partition("}")[0] + "}" if parent.tag.startswith("{") else ""
    made = ET.SubElement(parent, space + name, {key: clean(value) for key, value in attributes.items()})
    if text is not None:
        made.text = clean(text)
    return made


def serialized(root: ET.Element) -> bytes:
    """A whole document in UTF-8."""
    ET.indent(root)
    content: bytes = ET.tostring(root, encoding="utf-8")
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + content + b"\n"


def fields_document(fields: Fields) -> bytes:
    """A `<simpledc>` with those fields that have a value."""
    root = ET.Element("simpledc")
    for name, value in fields:
        if value:
            child(root, name, value)
    return serialized(root)
