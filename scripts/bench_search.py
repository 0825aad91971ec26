"""How long a search takes among many documents, on both databases; writes docs/benchmarks-search.md.

    python scripts/bench_search.py [--sqlite 100000] [--postgres 200000] [--url postgresql://…]

The documents are made up (no scan, no store): rows and words are what the catalogue would hold. PostgreSQL is one of
our own from the wheel of the tests unless a URL of an empty database is given.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import statistics
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, insert, text

from pipeline.grammar.folding import fold, one_tone_style
from storage.database import is_postgres, open_database, sqlite_url, writing
from storage.schema import batch, document
from storage.search import Search
from storage.words_postgres import row

ROOT = Path(__file__).resolve().parent.parent
TARGET_MS = 100.0
AT_ONCE = 2000
EACH = 25
"""Queries of each kind."""
SEED = 7

FAMILY = (
    "Nguyễn Trần Lê Phạm Hoàng Huỳnh Phan Vũ Võ Đặng Bùi Đỗ Hồ Ngô Dương Lý Đinh Mai Trương Lương".split()
)
SHARE = [38, 11, 10, 7, 5, 5, 4, 4, 4, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1]
MIDDLE = (
    "Văn Thị Đức Hữu Ngọc Minh Thanh Quang Xuân Hồng Thu Kim Đình Công Bích Anh Quốc Gia Bảo Khánh".split()
)
GIVEN = (
    "An Anh Ánh Bảo Bảy Bình Chi Chiến Cường Dũng Duy Đạt Đức Giang Hà Hải Hạnh Hiền Hiếu Hoa Hòa Hùng Hương Huy Khang "
    "Khoa Lan Linh Long Loan Mai Minh Nam Nga Ngân Nghĩa Nhung Oanh Phong Phúc Phương Quân Quyên Sơn Tâm Thắng Thảo "
    "Thủy Thúy Tiến Toàn Trang Trinh Trung Tú Tuấn Tùng Uyên Vân Việt Vinh Yến"
).split()
PLACES = (
    "Hòa Bình|Tân Phú|Đức Trọng|Liên Nghĩa|Phú Hội|Ninh Gia|Hiệp Thạnh|Tân Hội|N'Thol Hạ|Bình Thạnh|Đà Loan|Tà Năng|"
    "Ninh Loan|Long Thành|An Phước|Phước Thái|Bàu Cạn|Lộc An|Suối Trầu"
).split("|")
TYPES = {
    "Giấy chứng nhận quyền sử dụng đất": "QSDĐ",
    "Quyết định": "QĐ-UBND",
    "Giấy khai sinh": "GKS",
    "Đơn đề nghị": "ĐĐN",
    "Hợp đồng chuyển nhượng": "HĐ",
    "Tờ khai đăng ký kết hôn": "TK",
    "Biên bản xác minh": "BB",
    "Thông báo nộp thuế": "TB-CCT",
}
HEAD = "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM\nĐộc lập - Tự do - Hạnh phúc\nỦY BAN NHÂN DÂN xã {place}\n"
SENTENCES = (
    "Căn cứ Luật Tổ chức chính quyền địa phương",
    "Căn cứ Luật Đất đai ngày 18 tháng 01 năm 2024",
    "Xét đề nghị của Trưởng phòng Tài nguyên và Môi trường",
    "về việc chuyển mục đích sử dụng đất tại thửa số {n}, tờ bản đồ số {m}",
    "diện tích {n} m2, mục đích sử dụng đất ở tại nông thôn",
    "người được cấp có trách nhiệm thực hiện đầy đủ nghĩa vụ tài chính",
    "cam đoan những lời khai trên là đúng và chịu trách nhiệm trước pháp luật",
    "nơi cư trú: thôn {m}, xã {place}, huyện Đức Trọng, tỉnh Lâm Đồng",
    "số định danh cá nhân {id}",
    "đã nộp đủ lệ phí theo biên lai số {id}",
    "Văn phòng Đăng ký đất đai xác nhận nội dung biến động",
    "bên nhận chuyển nhượng: ông (bà) {name}, sinh năm {year}",
    "người làm chứng: {name}",
    "Chánh Văn phòng Ủy ban nhân dân xã chịu trách nhiệm thi hành quyết định này",
)


@dataclass(frozen=True, slots=True)
class Paper:
    """One made-up document."""

    number: int
    dossier: str
    type_name: str
    title: str
    code: str
    person: str
    text: str


def papers(count: int) -> Iterator[Paper]:
    """The same documents at each call: names, codes and sentences as unevenly spread as they are in an office."""
    chance = random.Random(SEED)
    for number in range(1, count + 1):
        person, place = _name(chance), chance.choice(PLACES)
        type_name, short = chance.choice(list(TYPES.items()))
        code = f"{chance.randrange(1, 9000)}/{chance.randrange(2015, 2026)}/{short}"
        dossier = f"H36.{chance.randrange(1, 40)}-{chance.randrange(200101, 261231)}-{number:07d}"
        body = ". ".join(
            sentence.format(
                place=place, name=_name(chance), n=chance.randrange(1, 3000), m=chance.randrange(1, 90),
                id=f"{chance.randrange(10**11, 10**12)}", year=chance.randrange(1940, 2005),
            )
            for sentence in chance.sample(SENTENCES, 9)
        )  # fmt: skip
        title = f"{type_name} của {person}"
        yield Paper(
            number, dossier, type_name, title, code, person,
            f"{HEAD.format(place=place)}Số: {code}\n{title}\n{body}",
        )  # fmt: skip


def _name(chance: random.Random) -> str:
    (family,) = chance.choices(FAMILY, SHARE)
    return f"{family} {chance.choice(MIDDLE)} {chance.choice(GIVEN)}"


def fill(database: Engine, count: int) -> None:
    """Documents and their words, a few thousand in a transaction; on PostgreSQL by COPY, the index made at the end."""
    with writing(database) as connection:
        connection.execute(
            insert(batch).values(
                id="b_bench", source="bench", agency="H36", actor="bench", received_at="2026-01-01T00:00:00+00:00",
                intake="{}", state="done", attempt=1, opened_at=0.0,
            )
        )  # fmt: skip
        if is_postgres(database):
            connection.exec_driver_sql("drop index document_words_lexemes")
    together = batched(papers(count), AT_ONCE)
    if not is_postgres(database):
        for some in together:
            _keep(database, some)
        return
    # Two processes make the rows; what they hold ready is bounded by asking for the next few only.
    with get_context("fork").Pool(2) as makers, closing(database.raw_connection()) as raw:
        wire: Any = raw.driver_connection
        ready = deque(makers.apply_async(_rows, (some,)) for some in islice(together, 4))
        while ready:
            documents, words = ready.popleft().get()
            ready.extend(makers.apply_async(_rows, (some,)) for some in islice(together, 1))
            _copy(wire, "document", list(documents[0]), [tuple(one.values()) for one in documents])
            _copy(wire, "document_words", ["number", "document", "exact", "size", "lexemes"], words)
            wire.commit()
            if words[-1][0] % 50_000 == 0:
                print(f"  {words[-1][0]:,} documents", file=sys.stderr)
    with database.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("set maintenance_work_mem to '1GB'")
        connection.exec_driver_sql(
            "create index document_words_lexemes on document_words using gin (lexemes) with (fastupdate = off)"
        )
        connection.exec_driver_sql("vacuum analyze")


def batched(some: Iterator[Paper], size: int) -> Iterator[list[Paper]]:
    while together := list(islice(some, size)):
        yield together


def _rows(some: Sequence[Paper]) -> tuple[list[dict[str, Any]], list[tuple[Any, ...]]]:
    """Rows of the catalogue and of its words for PostgreSQL, lexemes as the text of a `tsvector`."""
    words = []
    for one, exact in zip(some, _texts(some), strict=True):
        made = row(f"d_{one.number}", exact, one.number)
        lexemes = " ".join(f"'{one}'" for one in made["lexemes"])  # type: ignore[attr-defined]
        words.append((made["number"], made["document"], made["exact"], made["size"], lexemes))
    return _documents(some), words


def _copy(connection: Any, table: str, columns: list[str], rows: list[tuple[Any, ...]]) -> None:
    names = ", ".join(f'"{one}"' for one in columns)
    with connection.cursor() as cursor, cursor.copy(f"copy {table} ({names}) from stdin") as copy:
        for one in rows:
            copy.write_row(one)


def _documents(some: Sequence[Paper]) -> list[dict[str, Any]]:
    return [
        {
            "id": f"d_{one.number}", "batch": "b_bench", "dossier": one.dossier, "origin": "captured",
            "agency": "H36", "type": "x", "type_name": one.type_name, "title": one.title, "number": one.code,
            "paper": "{}", "doubtful": "[]", "pages": "[0]", "state": "stored", "light": "amber",
            "pdf_sha256": "0" * 64, "key": f"d/{one.number}", "generation": 1,
        }
        for one in some
    ]  # fmt: skip


def _texts(some: Sequence[Paper]) -> list[str]:
    return [one_tone_style(f"{one.dossier} {one.type_name} {one.title} {one.text}") for one in some]


def _keep(database: Engine, some: Sequence[Paper]) -> None:
    with writing(database) as connection:
        connection.execute(insert(document), _documents(some))
        values = [
            {"d": f"d_{one.number}", "n": one.number, "e": t, "f": fold(t), "s": len(t.split())}
            for one, t in zip(some, _texts(some), strict=True)
        ]
        connection.execute(text("insert into words_row (document, number, size) values (:d, :n, :s)"), values)
        connection.execute(
            text("insert into document_words (rowid, document, folded, exact) values (:n, :d, :f, :e)"),
            values,
        )


def queries(count: int) -> dict[str, list[str]]:
    """What people type, each kind as often; persons and codes are of documents all over the collection."""
    chance = random.Random(SEED + 1)
    wanted = set(chance.sample(range(1, count + 1), min(EACH, count)))
    some = [one for one in papers(count) if one.number in wanted]
    common = ["ủy ban nhân dân", "uy ban nhan dan", "Việt Nam", "đất", "dat", "căn cứ luật", "quyết định", "chứng nhận",
              "số", "xã", "giay chung nhan quyen su dung dat", "dang ky"]  # fmt: skip
    return {
        "dossier code": [one.dossier for one in some],
        "number of a paper": [one.code for one in some],
        "name with tones": [one.person for one in some],
        "name without": [fold(one.person) for one in some],
        "name as a phrase": [f'"{one.person}"' for one in some],
        "name and a frequent word": [f"{fold(one.person)} dat" for one in some],
        "prefix": [f"{one.person[:-1]}*" for one in some[:15]] + ["chuy*", "nguy*", "th*", "n*", "quyet d*", "tr*"],
        "frequent words": common + [" ".join(reversed(words.split())) for words in common],
        "found nowhere": [f"{one.person} không-tồn-tại" for one in some[:10]] + ["xyzzy", "sao hỏa", "nhân ủy dân ban"],
    }  # fmt: skip


def measure(database: Engine, count: int) -> dict[str, list[float]]:
    """Milliseconds of each query's first page, by kind; every kind once before, so that the pages are in memory."""
    search = Search(database)
    found: dict[str, list[float]] = {}
    for kind, asked in queries(count).items():
        for query in asked[:3]:
            search.find(query)
        found[kind] = [_timed(lambda query=query: search.find(query)) for query in asked]  # type: ignore[misc]
        worst = max(range(len(asked)), key=found[kind].__getitem__)
        print(
            f"  {kind}: p95 {p95(found[kind]):.1f} ms, worst {asked[worst]!r} {found[kind][worst]:.1f}",
            file=sys.stderr,
        )
    search_for, pages = "ủy ban nhân dân", []
    after = None
    for _ in range(EACH):
        pages.append(_timed(lambda at=after: search.find(search_for, after=at)))  # type: ignore[misc]
        after = search.find(search_for, after=after)["next"]
    return {**found, "page after page": pages}


def _timed(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def at_share(values: list[float], share: float) -> float:
    """The value that so large a share of all does not exceed."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def p95(values: list[float]) -> float:
    return at_share(values, 0.95)


def table(
    kind: str, count: int, seconds: float, sizes: dict[str, float], found: dict[str, list[float]]
) -> str:
    """One database's figures."""
    every = [value for values in found.values() for value in values]
    lines = [
        f"## {kind}: {count:,} documents",
        "",
        f"Filled in {seconds:.0f} s, {', '.join(f'{name} {size:,.0f} MB' for name, size in sizes.items())}. "
        f"Over all {len(every)} queries: p50 {statistics.median(every):.1f} ms, **p95 {p95(every):.1f} ms** "
        f"(target {TARGET_MS:.0f} ms), p99 {at_share(every, 0.99):.1f} ms.",
        "",
        "| queries | p50 ms | p95 ms | p99 ms | worst ms |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {name} | {statistics.median(values):.1f} | {p95(values):.1f} | {at_share(values, 0.99):.1f} "
        f"| {max(values):.1f} |"
        for name, values in found.items()
    ]
    return "\n".join(lines) + "\n"


def run(url: str, count: int) -> tuple[float, dict[str, float], dict[str, list[float]]]:
    """Seconds to fill, megabytes of the database and on PostgreSQL of its parts, milliseconds by kind."""
    database = open_database(url)
    began = time.monotonic()
    fill(database, count)
    seconds = time.monotonic() - began
    sizes = _sizes(database)
    found = measure(database, count)
    database.dispose()
    return seconds, sizes, found


def _sizes(database: Engine) -> dict[str, float]:
    asked = {"database": "select page_count * page_size from pragma_page_count(), pragma_page_size()"}
    if is_postgres(database):
        asked = {
            "database": "select pg_database_size(current_database())",
            "index of words": "select pg_relation_size('document_words_lexemes')",
            "texts and lexemes": "select pg_table_size('document_words')",
        }
    with database.connect() as connection:
        return {name: connection.exec_driver_sql(query).scalar_one() / 1e6 for name, query in asked.items()}


def main() -> None:
    """Run both, write the page, exit 1 when a target is missed."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--sqlite", type=int, default=100_000)
    words.add_argument("--postgres", type=int, default=200_000)
    words.add_argument("--url", help="an empty PostgreSQL database; else one of our own")
    words.add_argument("--output", type=Path, default=ROOT / "docs" / "benchmarks-search.md")
    given = words.parse_args()
    parts, slow = [], False
    with tempfile.TemporaryDirectory() as folder:
        outcomes = []
        if given.sqlite:
            outcomes.append(
                ("SQLite", given.sqlite, run(sqlite_url(Path(folder) / "bench.sqlite3"), given.sqlite))
            )
        if given.postgres:
            from tests.postgres_server import server

            with ExitStack() as held:
                url = given.url or held.enter_context(server()).database()
                outcomes.append(("PostgreSQL", given.postgres, run(url, given.postgres)))
    for kind, count, (seconds, sizes, found) in outcomes:
        parts.append(table(kind, count, seconds, sizes, found))
        slow = slow or p95([value for values in found.values() for value in values]) > TARGET_MS
    cores = os.cpu_count()
    heading = (
        "# Search among many documents\n\nMade by `make bench-search`. Made-up documents of about 130 words; "
        f"first page of 20 hits with snippets, measured in the process that asks. {datetime.now(UTC):%Y-%m-%d}, "
        f"Python {platform.python_version()}, {cores} cores.\n\n"
        "A tier with more than 1000 hits shows the newest first instead of ranking them all (storage/words.py).\n\n"
    )
    given.output.write_text(heading + "\n".join(parts), "utf-8")
    print(json.dumps({"written": str(given.output), "target_met": not slow}))
    sys.exit(1 if slow else 0)


if __name__ == "__main__":
    main()
