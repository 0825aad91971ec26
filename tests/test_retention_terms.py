"""Terms of keeping: the longest of a dossier's papers, by the day it was closed; a wrong schedule is refused by name."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

import config
from pipeline.classify.types import TypeCatalogue
from pipeline.errors import UsageError
from pipeline.procedures.retention import RetentionSchedule
from storage.dossier_record import DossierRecord, decode_record, encode_record
from storage.keeping import COMPLIANCE, GOVERNANCE, Retention

FOLDER = Path(config.__path__[0])
TYPES = TypeCatalogue.load(FOLDER / "document_types.toml").types.keys()
DAY = date(2026, 11, 25)
HEAD = "permanent_lock_years = 20\ncertificate_years = 20\n"
OFFICE = """
[[term]]
key = "chung"
name = "chung"
default = true
years = 5
valid_from = 2020-01-01
valid_to = 2026-12-31
source = "s"
[[term]]
key = "chung_moi"
name = "chung, từ 2027"
default = true
years = 20
valid_from = 2027-01-01
source = "s"
[[term]]
key = "xay_dung"
name = "giấy phép xây dựng"
years = 30
procedures = ["1.009994"]
valid_from = 2020-01-01
source = "s"
checked = true
[[term]]
key = "phieu"
name = "phiếu"
years = 2
types = ["giay_tiep_nhan"]
valid_from = 2020-01-01
source = "s"
[[term]]
key = "rieng"
name = "riêng một hồ sơ"
permanent = true
dossiers = ["H38.20-261002-0007"]
valid_from = 2020-01-01
source = "s"
"""


def office(folder: Path, text: str = OFFICE) -> RetentionSchedule:
    path = folder / "thoi-han.toml"
    path.write_text(HEAD + text, "utf-8")
    return RetentionSchedule.load(path, TYPES)


def test_the_bundled_schedule_says_of_every_term_that_it_was_not_checked() -> None:
    bundled = RetentionSchedule.load(FOLDER / "retention.toml", TYPES)
    assert bundled.terms and not any(term.checked for term in bundled.terms)
    assert all(term.source for term in bundled.terms)
    assert bundled.term_of("x", None, ["don_cap_phep_xay_dung"], DAY).last_day(DAY) == date(2036, 12, 31)
    assert bundled.term_of("x", None, ["don_cap_phep_xay_dung", "giay_khai_sinh"], DAY).last_day(DAY) is None


@pytest.mark.parametrize(
    ("procedure", "types", "day", "key"),
    [
        (None, [], DAY, "chung"),
        (None, ["giay_tiep_nhan"], DAY, "phieu"),
        (None, ["giay_tiep_nhan", "quyet_dinh"], DAY, "chung"),
        ("1.009994", ["giay_tiep_nhan", "quyet_dinh"], DAY, "xay_dung"),
        ("1.009994.H38", [], DAY, "xay_dung"),
        ("1.009995", [], DAY, "chung"),
        (None, ["quyet_dinh"], date(2027, 1, 1), "chung_moi"),
    ],
)
def test_the_longest_term_in_force_at_closure_counts(
    tmp_path: Path, procedure: str | None, types: list[str], day: date, key: str
) -> None:
    assert office(tmp_path).term_of("H38.20-261002-0001", procedure, types, day).key == key


def test_a_dossier_may_have_a_term_of_its_own(tmp_path: Path) -> None:
    assert office(tmp_path).term_of("H38.20-261002-0007", "1.009994", ["quyet_dinh"], DAY).key == "rieng"


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        ("years = 30", "years = 71", "71"),
        ("years = 30", "years = 30\npermanent = true", "not both"),
        ('"giay_tiep_nhan"', '"giay_gi_do"', "giay_gi_do"),
        ('"1.009994"', '"khong-phai-ma"', "khong-phai-ma"),
        ("valid_to = 2026-12-31", "valid_to = 2027-12-31", "both the default"),
        ('key = "phieu"', 'key = "rieng"', "one key"),
        ("default = true", "default = false", "for no type"),
        ("checked = true", "cheked = true", "cheked"),
    ],
)
def test_a_wrong_schedule_is_refused_and_named(tmp_path: Path, was: str, becomes: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        office(tmp_path, OFFICE.replace(was, becomes))


def retention(until: date | None, lock: datetime, mode: str = GOVERNANCE) -> Retention:
    return Retention(
        term="t", name="n", source="s", checked=False, closed=DAY, until=until, mode=mode, lock_until=lock
    )


def test_a_second_closure_never_shortens_what_was_promised() -> None:
    long = retention(None, datetime(2046, 1, 1, tzinfo=UTC), COMPLIANCE)
    short = retention(date(2036, 12, 31), datetime(2037, 1, 1, tzinfo=UTC))
    for first, second in ((long, short), (short, long)):
        both = second.not_shorter_than(first)
        assert (both.until, both.lock_until, both.mode) == (None, long.lock_until, COMPLIANCE)
    assert not long.over(date(2999, 1, 1))
    assert short.over(date(2037, 1, 1)) and not short.over(date(2036, 12, 31))


def test_records_from_before_terms_keep_their_bytes() -> None:
    old = DossierRecord(dossier="H26/1", number=1)
    content = encode_record(old)
    assert b"retention" not in content and encode_record(decode_record(content, "k")) == content
    new = DossierRecord(dossier="H26/1", number=2, retention=retention(date(2036, 12, 31), datetime.now(UTC)))
    assert decode_record(encode_record(new), "k") == new
