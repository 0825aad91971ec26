"""Whose is each page, and where does a paper begin: certain, or a person decides."""

from __future__ import annotations

from pipeline.model import Origin, Verdict
from tests.classify_pages import (
    CODE,
    OTHER,
    decision,
    intake,
    letterhead,
    page,
    receipt,
    rows,
    separator,
    sort,
    title,
)


def test_a_receipt_rules_the_papers_after_it() -> None:
    found = sort(receipt(), decision())
    assert [paper.dossier for paper in found.papers] == [CODE, CODE]
    assert [paper.review for paper in found.papers] == [None, None]


def test_a_code_that_two_readings_agree_on_is_believed_and_one_left_alone_is_not() -> None:
    assert sort(receipt(f"{CODE}~0.9")).papers[0].dossier == CODE
    assert sort(receipt(f"{CODE}~0.74")).papers[0].dossier is None


def test_an_old_code_that_lost_its_points_is_not_taken_for_a_short_one() -> None:
    cut = "002 00 63 H44-260907-0101"
    assert sort(receipt(cut)).papers[0].dossier is None
    assert sort(receipt(cut), receipt(cut)).papers[0].dossier is None


def test_two_places_that_misread_alike_do_not_make_a_code_certain() -> None:
    # A zero with a dot is a nine or a six to the reader wherever it stands; disputed readings stay below 0.5.
    wrong = CODE.replace("000", "990")
    assert [paper.dossier for paper in sort(receipt(f"{wrong}~0.48"), receipt(f"{wrong}~0.48")).papers] == [
        None
    ] * 2


def test_a_faint_code_waits_for_a_person() -> None:
    paper = sort(receipt(f"{CODE}~0.48")).papers[0]
    assert paper.dossier is None
    assert paper.review is not None and "giấy tiếp nhận" in paper.review


def test_a_faint_code_that_another_page_repeats_is_certain() -> None:
    control = page(
        letterhead("UBND XÃ HẠ HÒA", "TRUNG TÂM PHỤC VỤ", "HÀNH CHÍNH CÔNG", number=None),
        title("PHIẾU KIỂM SOÁT QUÁ TRÌNH GIẢI QUYẾT HỒ SƠ", f"Mã hồ sơ: {CODE}~0.6"),
    )
    found = sort(receipt(f"{CODE}~0.55"), control)
    assert [paper.dossier for paper in found.papers] == [CODE, CODE]


def test_a_confident_code_on_a_worn_page_must_be_at_home_there() -> None:
    assert sort(receipt(f"{CODE}~0.92", confidence=0.8)).papers[0].dossier == CODE
    away = CODE.replace("H44", "H45")
    assert sort(receipt(f"{away}~0.92", confidence=0.8)).papers[0].dossier is None


def test_a_repaired_code_is_never_believed_alone() -> None:
    assert sort(receipt(CODE.replace("-0101", "-O101"))).papers[0].dossier is None


def test_a_closed_province_is_believed_when_clearly_printed() -> None:
    closed = "000.00.17.H62-260311-0105"  # Vĩnh Phúc, part of Phú Thọ since 01/7/2025
    assert sort(receipt(closed)).papers[0].dossier == closed
    assert sort(receipt(f"{closed}~0.9")).papers[0].dossier is None


def test_both_forms_of_codes_rule() -> None:
    new = "H44.20.3-260907-0007"
    assert sort(receipt(new)).papers[0].dossier == new


def test_a_code_of_a_bare_province_is_not_believed_from_worn_print() -> None:
    assert sort(receipt("H44-260907-0007", confidence=0.85)).papers[0].dossier is None
    assert sort(receipt("H44-260907-0007", qr="H44-260907-0007")).papers[0].dossier == "H44-260907-0007"


def test_the_code_in_an_address_of_a_qr_is_found() -> None:
    address = f"https://dichvucong.gov.vn/tra-cuu?ma={CODE}&tthc=1.004222"
    assert sort(receipt(f"{CODE}~0.3", qr=address)).papers[0].dossier == CODE
    fields = f"{CODE}|1.004222|040080001234|Giấy tiếp nhận"
    assert sort(receipt(f"{CODE}~0.3", qr=fields)).papers[0].dossier == CODE


def test_a_receipt_whose_qr_disagrees_with_its_text_is_a_question_and_so_is_what_follows() -> None:
    far = "000.31.02.H44-260801-7733"
    found = sort(receipt(CODE, qr=far), decision())
    assert [paper.dossier for paper in found.papers] == [None, None]
    assert all(paper.review for paper in found.papers)


def test_an_unreadable_receipt_ends_the_rule_of_the_one_before() -> None:
    found = sort(receipt(), decision(), receipt(f"{OTHER}~0.3"), decision())
    assert [paper.dossier for paper in found.papers] == [CODE, CODE, None, None]


def test_a_receipt_whose_title_is_lost_is_still_known_by_its_body() -> None:
    found = sort(receipt(), receipt(f"{OTHER}~0.4", name="███ ██ ███"), decision())
    assert [paper.dossier for paper in found.papers] == [CODE, None, None]
    assert found.papers[1].type == "giay_tiep_nhan"
    kind = found.papers[1].field("type")
    assert kind is not None and kind.doubtful


def test_separators_part_a_stack() -> None:
    found = sort(separator(CODE), decision(), separator(OTHER), decision())
    assert found.separators == (0, 2)
    assert [paper.dossier for paper in found.papers] == [CODE, OTHER]


def test_an_unreadable_separator_ends_the_rule_of_the_one_before() -> None:
    found = sort(separator(CODE), decision(), separator(None), decision())
    assert found.separators == (0, 2)
    assert [paper.dossier for paper in found.papers] == [CODE, None]
    assert found.papers[1].review is not None and "tờ phân cách" in found.papers[1].review


def test_a_separator_is_read_from_its_print_when_its_qr_is_spoilt() -> None:
    found = sort(separator(CODE, qr=False), decision())
    assert found.papers[0].dossier == CODE


def test_a_page_after_a_separator_never_goes_on_with_the_dossier_before() -> None:
    second = page(rows("2", top=120, centre=827), rows("Điều 2. Quyết định này có hiệu lực.", top=200))
    found = sort(separator(CODE), decision(), separator(OTHER), second)
    assert [paper.pages for paper in found.papers] == [(1,), (3,)]
    assert found.papers[1].dossier != CODE
    assert found.papers[1].review is not None


def test_a_receipt_of_another_dossier_behind_a_separator_is_a_question() -> None:
    far = "000.31.02.H44-260801-7733"
    found = sort(separator(CODE), receipt(far), decision())
    assert [paper.dossier for paper in found.papers] == [None, None]


def test_papers_before_the_only_receipt_belong_to_it() -> None:
    assert [paper.dossier for paper in sort(decision(), receipt()).papers] == [CODE, CODE]


def test_papers_before_a_receipt_wait_when_one_of_them_may_be_another_receipt() -> None:
    unknown = page(letterhead("UBND XÃ HẠ HÒA", number=None), rows("Không đọc được", top=900))
    found = sort(unknown, decision(), receipt())
    assert [paper.dossier for paper in found.papers] == [None, None, CODE]


def test_the_only_code_of_a_stack_rules_it_when_a_form_of_the_centre_names_it() -> None:
    control = page(
        letterhead("UBND XÃ HẠ HÒA", "TRUNG TÂM PHỤC VỤ", "HÀNH CHÍNH CÔNG", number=None),
        title("PHIẾU KIỂM SOÁT QUÁ TRÌNH GIẢI QUYẾT HỒ SƠ", f"Mã hồ sơ: {CODE}"),
    )
    assert [paper.dossier for paper in sort(decision(), control, decision()).papers] == [CODE] * 3


def test_the_code_on_one_result_does_not_rule_the_stack() -> None:
    result = page(
        letterhead("ỦY BAN NHÂN DÂN", "XÃ HẠ HÒA", number="Số: 45/GPXD"),
        title("GIẤY PHÉP XÂY DỰNG"),
        qr=CODE,
    )
    assert [paper.dossier for paper in sort(decision(), result).papers] == [None, CODE]


def test_papers_before_a_second_receipt_never_take_its_code() -> None:
    found = sort(decision(), receipt(), receipt(OTHER), decision())
    assert [paper.dossier for paper in found.papers] == [None, CODE, OTHER, OTHER]


def test_what_the_operator_says_rules_and_another_code_is_a_question() -> None:
    bound = intake(dossier=OTHER)
    far = "000.31.02.H44-260801-7733"
    found = sort(decision(), receipt(far), batch=bound)
    assert found.papers[0].dossier == OTHER
    assert found.papers[1].dossier is None and found.papers[1].review


def test_a_folder_named_by_a_code_rules() -> None:
    assert sort(decision(), batch=intake(source=f"/in/{CODE}")).papers[0].dossier == CODE


def test_a_file_by_itself_needs_no_dossier_but_a_stack_in_one_file_does() -> None:
    alone = intake(source="/in/quyet-dinh.pdf", files=1)
    assert sort(decision(), batch=alone).papers[0].review is None
    stack = sort(receipt(f"{CODE}~0.3"), decision(), batch=alone)
    assert [bool(paper.review) for paper in stack.papers] == [True, True]


def test_a_badly_read_paper_that_may_be_a_receipt_ends_the_rule() -> None:
    smear = page(letterhead("ƯBNP XÃ HẠ HOA", number=None), rows("Thảnh phẩn bổ xơ"), confidence=0.6)
    found = sort(receipt(), smear, decision())
    assert [paper.dossier for paper in found.papers] == [CODE, None, None]


def test_an_unknown_kind_of_paper_that_is_clearly_read_changes_nothing() -> None:
    odd = page(letterhead("ỦY BAN NHÂN DÂN", "XÃ HẠ HÒA", number=None), rows("Một loại giấy lạ."))
    assert [paper.dossier for paper in sort(receipt(), odd, decision()).papers] == [CODE] * 3


def test_a_result_of_another_dossier_among_the_papers_is_a_question() -> None:
    far = "000.31.02.H44-250801-7733"
    result = page(
        letterhead("ỦY BAN NHÂN DÂN", "XÃ HẠ HÒA", number="Số: 45/GPXD"),
        title("GIẤY PHÉP XÂY DỰNG"),
        qr=far,
    )
    found = sort(receipt(), result)
    assert found.papers[1].dossier is None and found.papers[1].review


def test_a_numbered_page_goes_on() -> None:
    second = page(rows("2", top=120, centre=827), rows("Văn phòng Ủy ban nhân dân.", top=200))
    assert [paper.pages for paper in sort(receipt(), decision(), second).papers] == [(0,), (1, 2)]


def test_running_text_goes_on() -> None:
    second = page(rows("theo quy định của pháp luật về đất đai.", top=160))
    assert [paper.pages for paper in sort(decision(), second).papers] == [(0, 1)]


def test_a_page_goes_on_with_a_paper_that_nobody_signed_yet() -> None:
    second = page(rows("Tôi cam đoan nội dung trên là đúng.", top=160))
    form = page(
        rows("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "Độc lập - Tự do - Hạnh phúc", top=140, centre=MID),
        title("ĐƠN XIN CHUYỂN MỤC ĐÍCH SỬ DỤNG ĐẤT", top=300),
        rows("1. Người làm đơn là chủ thửa đất số 12.", "Diện tích 100 m2."),
    )
    assert [paper.pages for paper in sort(form, second).papers] == [(0, 1)]


MID = 827


def test_a_page_without_any_evidence_is_a_question() -> None:
    signed = page(
        letterhead("ỦY BAN NHÂN DÂN", "TỈNH PHÚ THỌ"),
        title("QUYẾT ĐỊNH", "Về việc cho phép chuyển mục đích"),
        rows("Điều 1. Cho phép.", "Nơi nhận:", "- Như trên.", top=700),
        rows("CHỦ TỊCH", "Lê Văn Nam", top=1500, centre=1250, step=150),
    )
    stray = page(rows("Sơ đồ vị trí khu đất.", top=300, centre=MID))
    found = sort(receipt(), signed, stray)
    assert [paper.pages for paper in found.papers] == [(0,), (1,), (2,)]
    assert found.papers[2].review is not None
    assert found.papers[1].review is None


def test_the_notary_goes_on_with_the_contract() -> None:
    contract = page(
        rows("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "Độc lập - Tự do - Hạnh phúc", top=140, centre=MID),
        title("HỢP ĐỒNG CHUYỂN NHƯỢNG QUYỀN SỬ DỤNG ĐẤT", top=300),
        rows("Hôm nay, ngày 06 tháng 3 năm 2026, chúng tôi gồm có:", "BÊN A (Ký và ghi rõ họ tên)"),
    )
    words = page(title("LỜI CHỨNG CỦA CÔNG CHỨNG VIÊN", top=140), rows("Tôi, Lê Văn Nam, công chứng viên"))
    assert [paper.pages for paper in sort(contract, words).papers] == [(0, 1)]


def test_an_annex_issued_with_a_decision_goes_on() -> None:
    annex = page(title("QUY CHẾ", "(Ban hành kèm theo Quyết định số 15/QĐ-UBND)", top=140), rows("Chương I"))
    assert [paper.pages for paper in sort(decision(), annex).papers] == [(0, 1)]


def test_page_one_of_n_begins() -> None:
    again = page(rows("Trang 1/2", top=90), title("TỜ KHAI LỆ PHÍ TRƯỚC BẠ", top=200), rows("Mẫu số 01/LPTB"))
    assert len(sort(decision(), again).papers) == 2


def test_a_gap_in_page_numbers_is_told() -> None:
    third = page(rows("3", top=120, centre=827), rows("Điều 5. Hiệu lực.", top=200))
    paper = sort(decision(), third).papers[0]
    doubt = paper.field("pages")
    assert doubt is not None and doubt.doubtful


def test_a_signed_file_is_one_paper_whatever_its_pages_look_like() -> None:
    pages = [
        page(
            letterhead("ỦY BAN NHÂN DÂN", "TỈNH PHÚ THỌ"),
            title("TỜ TRÌNH", "Về việc phê duyệt"),
            origin=Origin.INCOMING_SIGNED,
        ),
        page(
            letterhead("HỘI ĐỒNG NHÂN DÂN", "TỈNH PHÚ THỌ"),
            title("NGHỊ QUYẾT", "Về việc phê duyệt"),
            origin=Origin.INCOMING_SIGNED,
        ),
    ]
    found = sort(*pages, batch=intake(source="/in/a.pdf", files=1))
    assert [paper.pages for paper in found.papers] == [(0, 1)]
    assert found.papers[0].type == "to_trinh" and found.papers[0].review is None


def test_blank_sides_are_left_out() -> None:
    found = sort(receipt(), page(verdict=Verdict.BLANK), decision())
    assert [paper.pages for paper in found.papers] == [(0,), (2,)]
