"""A dossier as a file to hand over: BagIt (RFC 8493), or a plain ZIP that a person can open and read."""

from __future__ import annotations

import hashlib
import html
import os
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pipeline.files import hash_file, sync_folder
from storage.proof import VIETNAM


@dataclass(frozen=True, slots=True)
class Item:
    """One file of a package: its name in there, and where its bytes are, checked already."""

    name: str
    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """A dossier's papers as the catalogue shows them, each with the name of its file, and all files."""

    dossier: str
    agency: str
    made: datetime
    papers: Sequence[tuple[str, dict[str, Any]]]
    items: Sequence[Item]


def write_bag(contents: Contents, folder: str, out: Path) -> None:
    """A bag, as one ZIP with one folder in it; the payload's digests are of the files as they are packed."""
    payload = [(f"data/{item.name}", item.path) for item in contents.items]
    size = sum(path.stat().st_size for _, path in payload)
    manifest = "".join(f"{hash_file(path)}  {_escaped(name)}\n" for name, path in payload)
    info = (
        f"Source-Organization: {_one_line(contents.agency)}\n"
        f"External-Identifier: {_one_line(contents.dossier)}\n"
        f"Bagging-Date: {contents.made.astimezone(VIETNAM):%Y-%m-%d}\n"
        f"Payload-Oxum: {size}.{len(payload)}\n"
        "Bag-Software-Agent: sohoa\n"
    )
    tags = {
        "bagit.txt": "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n",
        "bag-info.txt": info,
        "manifest-sha256.txt": manifest,
    }
    tags["tagmanifest-sha256.txt"] = "".join(
        f"{hashlib.sha256(text.encode()).hexdigest()}  {name}\n" for name, text in tags.items()
    )
    texts = [(f"{folder}/{name}", text) for name, text in tags.items()]
    write_archive(out, texts, [(f"{folder}/{name}", path) for name, path in payload])


def write_zip(contents: Contents, out: Path) -> None:
    """The signed files beside a page in Vietnamese that lists them."""
    write_archive(out, [("index.html", _page(contents))], [(item.name, item.path) for item in contents.items])


def write_archive(
    out: Path, texts: Iterable[tuple[str, str | bytes]], files: Iterable[tuple[str, Path]]
) -> None:
    """The file appears whole or not at all."""
    part = out.with_name(f".{out.name}.part")
    try:
        with part.open("wb") as stream:
            with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
                for name, text in texts:
                    archive.writestr(name, text)
                for name, path in files:  # PDFs and pictures are packed already
                    archive.write(path, name, zipfile.ZIP_STORED)
            stream.flush()
            os.fsync(stream.fileno())
        part.chmod(0o600)  # papers of persons: whom it is handed to is for a person to say
        part.replace(out)
        sync_folder(out.parent)
    finally:
        part.unlink(missing_ok=True)


def _page(contents: Contents) -> str:
    rows = "".join(_row(name, paper) for name, paper in contents.papers)
    code, agency = html.escape(contents.dossier), html.escape(contents.agency)
    return (
        '<!doctype html>\n<html lang="vi"><head><meta charset="utf-8">\n'
        f"<title>Hồ sơ {code}</title>\n<style>body{{font:16px/1.5 serif;margin:2em auto;max-width:60em;"
        "padding:0 1em}table{border-collapse:collapse;width:100%}td,th{border:1px solid #999;padding:.4em;"
        "text-align:left;vertical-align:top}code{font-size:.75em;word-break:break-all}</style></head>\n"
        f"<body><h1>Hồ sơ {code}</h1>\n<p>{agency}. Xuất lúc "
        f"{contents.made.astimezone(VIETNAM):%d/%m/%Y %H:%M} (giờ Việt Nam), {len(contents.papers)} giấy tờ.</p>\n"
        "<table><tr><th>Tệp</th><th>Loại, trích yếu</th><th>Số, ngày</th><th>Cơ quan</th><th>Chữ ký</th>"
        f"<th>SHA-256</th></tr>\n{rows}</table>\n"
        "<p>Chữ ký số nằm trong từng tệp PDF; mọi phần mềm đọc PDF có kiểm tra chữ ký đều xem được.</p></body></html>\n"
    )


def _row(name: str, paper: dict[str, Any]) -> str:
    def shown(*keys: str) -> str:
        return "<br>".join(html.escape(str(paper[key])) for key in keys if paper.get(key))

    doubts = "<br><em>còn ngờ, xem bản ký</em>" if paper["doubtful"] else ""
    return (
        f'<tr><td><a href="{html.escape(name)}">{html.escape(name)}</a></td><td>{shown("type_name", "title")}{doubts}'
        f"</td><td>{shown('number', 'date')}</td><td>{shown('issuer')}</td><td>{shown('signature_level')}</td>"
        f"<td><code>{shown('pdf_sha256')}</code></td></tr>\n"
    )


def _escaped(name: str) -> str:
    return name.replace("%", "%25").replace("\n", "%0A").replace("\r", "%0D")


def _one_line(text: str) -> str:
    return " ".join(text.split())
