"""A delivered disk against its list, by the real command without a home: what is missing, extra, twice, changed, malformed."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openpyxl
import pikepdf
import pytest
from typer.testing import CliRunner

from pipeline.cli import app
from pipeline.errors import UsageError
from pipeline.model import Level, SignedDocument
from signing.delivery import sampling
from signing.delivery.delivery_list import read_list
from signing.delivery.report_xlsx import cell
from signing.delivery.wording import Wording
from signing.demo_pki import DemoPki

ROOT = Path(__file__).resolve().parent.parent
NAME = "000.00.19.H26-260305-{:04}.1.pdf"
Signed = Callable[[Level], SignedDocument]


@dataclass
class Run:
    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        return found


@dataclass
class Auditor:
    """The command of somebody who has the disk and a root, and nothing else."""

    folder: Path

    def command(self, *arguments: str | Path) -> list[str]:
        nowhere = self.folder / "no-home"
        return [sys.executable, "-m", "pipeline.cli", "--home", str(nowhere), "verify", *map(str, arguments)]

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(self.folder / "cache")}

    def run(self, *arguments: str | Path) -> Run:
        done = subprocess.run(
            self.command(*arguments),
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert not (self.folder / "no-home").exists()
        return Run(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def auditor(tmp_path: Path) -> Auditor:
    return Auditor(tmp_path)


@pytest.fixture
def disk(signed: Signed, tmp_path: Path) -> Path:
    """Five files: two good, one changed, one not signed, one in a folder below with a Vietnamese name."""
    good = signed(Level.LTA).pdf.path.read_bytes()
    place = tmp_path / "dia"
    (place / "hồ sơ").mkdir(parents=True)
    (place / NAME.format(1)).write_bytes(good)
    (place / NAME.format(2)).write_bytes(signed(Level.B).pdf.path.read_bytes())
    (place / NAME.format(3)).write_bytes(good + b"\n")
    (place / "hồ sơ" / unicodedata.normalize("NFD", "Quyết định.pdf")).write_bytes(good)
    with pikepdf.new() as pdf:
        pdf.add_blank_page()
        pdf.save(place / "trang.pdf")
    return place


def write_list(path: Path, rows: list[tuple[Any, ...]]) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["DANH SÁCH TÀI LIỆU BÀN GIAO"])
    sheet.append([])
    sheet.append(["STT", "Tên tệp", "Mã hồ sơ", "Số trang", "Mã băm SHA-256"])
    for number, row in enumerate(rows, 1):
        sheet.append([number, *row])
    book.save(path)
    return path


def test_disk_is_judged_against_its_list(disk: Path, auditor: Auditor, pki: DemoPki, tmp_path: Path) -> None:
    digest = hashlib.sha256((disk / NAME.format(1)).read_bytes()).hexdigest()
    listing = write_list(
        disk / "danh-sach.xlsx",
        [
            (NAME.format(1), "H26", 2, digest),
            (NAME.format(2), "H26", 3, "0" * 64),
            (NAME.format(3), "H26", 2, ""),
            ("Quyết định.pdf", "H26", 2, ""),
            ("mất.pdf", "H26", 1, ""),
            (NAME.format(1), "H26", 2, digest),
        ],
    )
    root = ["--trust", str(pki.certificate("root"))]
    done = auditor.run(disk, "--list", listing, *root, "--json")
    assert done.code == 5, done.err
    found = done.document
    verdicts = {one["target"]: (one["verdict"], one["sub_indication"]) for one in found["results"]}
    assert verdicts == {
        NAME.format(1): ("TOTAL_PASSED", None),
        NAME.format(2): ("TOTAL_FAILED", "HASH_FAILURE"),
        NAME.format(3): ("TOTAL_FAILED", "FORMAT_FAILURE"),
        "hồ sơ/Quyết định.pdf": ("TOTAL_PASSED", None),
        "trang.pdf": ("NOT_SIGNED", None),
    }
    assert [one["verdict"] for one in found["results"]][:2] == ["TOTAL_FAILED"] * 2, "failures stand first"
    assert (found["missing"], found["extra"]) == (["mất.pdf"], ["trang.pdf"])
    assert {"listed": NAME.format(1), "times": 2} in found["duplicates"]
    assert {"sha256": digest, "files": [NAME.format(1), "hồ sơ/Quyết định.pdf"]} in found["duplicates"]
    assert found["forms"]["pages"] == 1 and found["forms"]["text_layer"] == 1
    check_contract(found)
    shown = auditor.run(disk, "--list", listing, *root)
    assert shown.out.startswith("KHÔNG ĐẠT: đã kiểm tra 5 tệp")
    for words in ("thiếu 1 tệp", "số trang khác danh sách: 1", "mất.pdf", "trang.pdf"):
        assert words in shown.out, shown.out


def test_a_verdict_holds_against_the_list_it_was_made_with(
    disk: Path, auditor: Auditor, pki: DemoPki, tmp_path: Path
) -> None:
    """A disk is looked at before its list comes, and again when the list was corrected."""
    (disk / NAME.format(3)).unlink()
    (disk / "trang.pdf").unlink()
    root = ["--trust", str(pki.certificate("root")), "--json"]
    rows = [
        (path.name, "H26", 2, hashlib.sha256(path.read_bytes()).hexdigest()) for path in disk.rglob("*.pdf")
    ]
    rows = [row if "Quy" not in row[0] else ("Quyết định.pdf", *row[1:]) for row in rows]

    def judged(*more: str | Path) -> tuple[bool, list[bool | None], int]:
        done = auditor.run(disk, *more, *root)
        found = done.document
        return done.code == 5, [one["hash_ok"] for one in found["results"]], found["forms"].get("pages", 0)

    assert judged() == (False, [None] * 3, 0)
    wrong = [(*row[:3], "0" * 64) for row in rows]
    assert judged("--list", write_list(tmp_path / "sai.xlsx", wrong)) == (True, [False] * 3, 0)
    assert judged("--list", write_list(tmp_path / "dung.xlsx", rows)) == (False, [True] * 3, 0)
    more = [(*row[:2], 7, row[3]) for row in rows]
    assert judged("--list", write_list(tmp_path / "trang.xlsx", more))[2] == 3
    assert judged("--list", write_list(tmp_path / "dung.xlsx", rows)) == (False, [True] * 3, 0)
    assert judged() == (False, [None] * 3, 0), "no list, nothing to compare with"


def check_contract(document: dict[str, Any]) -> None:
    """The fields that other programs rely on."""
    assert set(document) >= {"results", "missing", "extra"}
    for one in document["results"]:
        assert set(one) >= {"target", "verdict", "sub_indication", "verdict_vi", "signatures", "hash_ok", "ledger_ok", "problems", "archive"}  # fmt: skip


def test_reports_for_people_and_programs(disk: Path, pki: DemoPki, tmp_path: Path) -> None:
    root = ["--trust", str(pki.certificate("root"))]
    (disk / "=cmd()<b>.pdf").write_bytes(b"%PDF-1.7\n")
    for kind, language in (("html", "vi"), ("pdf", "vi"), ("xlsx", "en"), ("json", "en")):
        asked = [disk, *root, "--report", kind, "-o", tmp_path / f"r.{kind}", "--language", language]
        asked += ["--progress", tmp_path / "tien-do.sqlite3"]
        done = CliRunner().invoke(app, ["--home", str(tmp_path / "no"), "verify", *map(str, asked)])
        assert done.exit_code == 5, done.output
    page = (tmp_path / "r.html").read_text("utf-8")
    assert page.index("KHÔNG ĐẠT: đã kiểm tra 6 tệp") < page.index("Gốc tin cậy") < page.index("SHA-256</dt>")
    assert "=cmd()&lt;b&gt;.pdf" in page and "<b>" not in page and "<script" not in page
    text = subprocess.run(
        ["pdftotext", "-layout", tmp_path / "r.pdf", "-"], capture_output=True, text=True, check=True
    )
    assert "KHÔNG ĐẠT: đã kiểm tra 6 tệp" in text.stdout and "Đường chứng thực" in text.stdout
    fonts = subprocess.run(
        ["pdffonts", tmp_path / "r.pdf"], capture_output=True, text=True, check=True
    ).stdout
    assert all(line.split()[-5] == "yes" for line in fonts.splitlines()[2:]), fonts
    assert (
        subprocess.run(["qpdf", "--check", tmp_path / "r.pdf"], capture_output=True, check=False).returncode
        == 0
    )
    book = openpyxl.load_workbook(tmp_path / "r.xlsx")
    assert "FAILED: 6 files checked" in str(book.worksheets[0]["A1"].value)
    rows = list(book.worksheets[1].iter_rows(values_only=True))
    assert len(rows) == 7 and not any(str(row[0]).startswith("=") for row in rows)
    assert json.loads((tmp_path / "r.json").read_text("utf-8"))["summary"]["verdicts"]["TOTAL_PASSED"] == 2


def test_reports_tell_each_thing_once_and_in_their_language(disk: Path, pki: DemoPki, tmp_path: Path) -> None:
    shutil.copyfile(disk / NAME.format(3), disk / "x.pdf")
    for kind, language in (("html", "vi"), ("html", "en"), ("xlsx", "vi")):
        asked = [
            disk,
            "--trust",
            pki.certificate("root"),
            "--report",
            kind,
            "-o",
            tmp_path / f"{language}.{kind}",
        ]
        asked += ["--language", language, "--progress", tmp_path / "tien-do.sqlite3"]
        CliRunner().invoke(app, ["--home", str(tmp_path / "no"), "verify", *map(str, asked)])
    vi, en = ((tmp_path / f"{name}.html").read_text("utf-8") for name in ("vi", "en"))
    assert "bytes after the last signature" not in vi and "Có dữ liệu lạ sau phần đã ký" in vi
    assert "Bytes after the last signature that are no update" in en
    assert "entire_revision" not in vi + en and "trọn phiên bản lúc ký" in vi and "(cơ quan)" in vi
    assert "the whole file as it was when signed" in en and "(agency)" in en
    for page in (vi, en):
        assert page.index(".mark{") < page.index(".TOTAL_FAILED{"), (
            "the colour of a verdict is not overridden"
        )
    book = openpyxl.load_workbook(tmp_path / "vi.xlsx")
    head, first = list(book.worksheets[2].iter_rows(min_row=1, max_row=2, values_only=True))
    assert head[:4] == ("Tệp", "Người ký", "Vai trò", "Mức") and str(first[4]).endswith("+0700")
    assert all(one.column_dimensions["A"].width > 20 for one in book.worksheets)


def test_findings_keep_the_details_of_the_file() -> None:
    vi, en = Wording("vi"), Wording("en")
    assert vi.finding("Chữ ký hỏng (the signature cannot be read)") == "Chữ ký hỏng"
    assert (
        en.finding("Chữ ký hỏng (the signature cannot be read)")
        == "The signature cannot be read [Chữ ký hỏng]"
    )
    kept = "Không đọc được cấu trúc (PdfReadError: Could not read)"
    assert vi.finding(kept) == en.finding(kept) == kept
    assert en.finding("Chữ ký của A: REVOKED") == "Signature of A: the certificate was revoked (REVOKED)"
    assert (
        en.summary({"TOTAL_PASSED": 1}, missing=1)
        == "FAILED: 1 file checked, 1 valid; 1 listed file is missing."
    )


def test_formula_in_a_cell_is_text() -> None:
    assert [str(cell(text))[0] for text in ("=1+1", "+1", "-1", "@x")] == ["\u200b"] * 4
    assert cell("a\x00b") == "a b"


@pytest.mark.slow
def test_stopped_audit_goes_on_where_it_was(
    signed: Signed, auditor: Auditor, pki: DemoPki, tmp_path: Path
) -> None:
    place = tmp_path / "dia"
    place.mkdir()
    for number in range(24):
        shutil.copy(signed(Level.B).pdf.path, place / NAME.format(number))
    progress = tmp_path / "tien-do.sqlite3"
    arguments = (place, "--progress", progress, "--trust", pki.certificate("root"), "--json")
    process = subprocess.Popen(
        auditor.command(*arguments),
        env=auditor.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(0.5)
    deadline = time.monotonic() + 60
    while process.poll() is None and count(progress) == 0 and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    before = count(progress)
    done = auditor.run(*arguments)
    assert done.code == 1 and len(done.document["results"]) == 24, done.err
    assert 0 < before <= 24 and kept(progress) >= before
    (place / NAME.format(7)).write_bytes(signed(Level.B).pdf.path.read_bytes() + b" ")
    (place / NAME.format(8)).unlink()
    again = auditor.run(*arguments).document
    assert [one["target"] for one in again["results"] if one["verdict"] == "TOTAL_FAILED"] == [NAME.format(7)]
    assert len(again["results"]) == 23


def count(progress: Path) -> int:
    import sqlite3

    try:
        with sqlite3.connect(f"file:{progress}?mode=ro", uri=True) as base:
            return int(base.execute("SELECT COUNT(*) FROM file WHERE verdict IS NOT NULL").fetchone()[0])
    except sqlite3.Error:
        return 0


def kept(progress: Path) -> int:
    return count(progress)


@pytest.mark.slow
def test_sample_is_the_same_again_and_says_what_it_proves(disk: Path, auditor: Auditor, pki: DemoPki) -> None:
    arguments = (disk, "--sample", "3", "--seed", "7", "--trust", pki.certificate("root"), "--json")
    first, second = auditor.run(*arguments).document, auditor.run(*arguments, "--fresh").document
    assert [one["target"] for one in first["results"]] == [one["target"] for one in second["results"]]
    sample = first["summary"]["sample"]
    assert (len(first["results"]), sample["size"], sample["seed"]) == (3, 3, 7)
    assert "95 %" in sample["statement_vi"] and "3 of 5" in sample["statement"]
    whole = auditor.run(disk, "--trust", pki.certificate("root"), "--json").document
    assert len(whole["results"]) == 5 and "sample" not in whole["summary"], "all were checked"


def test_bound_of_a_sample_is_the_hypergeometric_one() -> None:
    """Against sums of exact fractions, and the well-known figure: 3,000 without a fault of many support 0.1 %."""
    from fractions import Fraction
    from math import comb

    def chance(population: int, damaged: int, size: int, found: int) -> Fraction:
        ways = sum(comb(damaged, k) * comb(population - damaged, size - k) for k in range(found + 1))
        return Fraction(ways, comb(population, size))

    for population, size, found in ((50, 10, 0), (200, 59, 0), (200, 60, 2), (1000, 300, 5)):
        most = sampling.most_damaged(population, size, found)
        assert (
            chance(population, most, size, found)
            > Fraction(1, 20)
            >= chance(population, most + 1, size, found)
        )
    needed = sampling.size_for(40_000, 0.001)
    assert 2_500 < needed < 3_000
    assert sampling.most_damaged(40_000, needed, 0) <= 40 < sampling.most_damaged(40_000, needed - 1, 0)
    assert sampling.most_damaged(100, 100, 3) == 3


def test_lists_of_many_kinds_are_read_and_hostile_ones_refused(tmp_path: Path) -> None:
    with (tmp_path / "a.csv").open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file, delimiter=";").writerows(
            [["Tên file", "Số trang"], ["một\\hai.pdf", "3"], ["", ""], ["./ba.pdf", "x"]]
        )
    assert [(one.name, one.pages) for one in read_list(tmp_path / "a.csv")] == [
        ("một/hai.pdf", 3),
        ("ba.pdf", None),
    ]
    for content in (
        "Tên tệp\n../../etc/passwd\n",
        "Tên tệp\n/etc/passwd\n",
        "STT\n1\n",
        "Tên tệp,sha256\na.pdf,xyz\n",
    ):
        (tmp_path / "b.csv").write_text(content, "utf-8")
        with pytest.raises(UsageError):
            read_list(tmp_path / "b.csv")
    (tmp_path / "c.xlsx").write_bytes(b"PK\x03\x04 no workbook")
    (tmp_path / "d.csv").write_bytes("Tên tệp\n".encode("cp1258", "replace") + b"\xff\xd0\n")
    for name in ("c.xlsx", "d.csv"):
        with pytest.raises(UsageError):
            read_list(tmp_path / name)


def test_a_package_is_no_pdf_and_what_to_do_with_it_is_said(auditor: Auditor, tmp_path: Path) -> None:
    (tmp_path / "aip.zip").write_bytes(b"PK\x05\x06" + bytes(18))
    (tmp_path / "anh.jpg").write_bytes(b"\xff\xd8\xff")
    done = auditor.run(tmp_path / "aip.zip", tmp_path / "anh.jpg", "--json")
    package, picture = (one["problems"] for one in done.document["results"])
    assert done.code == 1 and "giải nén" in package[0] and "không phải PDF" in picture[0]


def test_link_is_not_followed_and_wrong_usage_is_told(disk: Path, auditor: Auditor, tmp_path: Path) -> None:
    (tmp_path / "secret.pdf").write_bytes(b"%PDF-1.7 secret")
    (disk / "link.pdf").symlink_to(tmp_path / "secret.pdf")
    found = {one["target"]: one for one in auditor.run(disk, "--json").document["results"]}
    assert found["link.pdf"]["sha256"] is None and "liên kết" in found["link.pdf"]["problems"][0]
    for arguments in (
        (disk, "--seed", "1"), (disk, "--report", "doc", "-o", tmp_path / "x"), (disk, "--report", "pdf"),
        (disk, "--list", tmp_path / "none.xlsx"), (disk, "--as-of", "hôm qua"), (disk, "--as-of", "2999-01-01"),
        (disk, "--trust", tmp_path / "none"), (tmp_path / "secret.pdf", "--sample", "1"),
    ):  # fmt: skip
        done = CliRunner().invoke(app, ["--home", str(tmp_path / "no"), "verify", *map(str, arguments)])
        assert done.exit_code == 2 and "sohoa: " in done.stderr, (arguments, done.output)
