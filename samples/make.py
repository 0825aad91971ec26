"""Makes the bundled sample scans and their truth: `python -m samples.make`.

Every name, number and code in them is invented. The pictures are committed, so that the demo needs
neither fonts nor time; run this again only to change them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from samples.sheet import LEFT, RIGHT, TOP, WIDTH, Sheet

OUT = Path(__file__).parent / "scans"
MIDDLE = (LEFT + RIGHT) // 2

LAND, BIRTH, HOUSE = "000.12.08.H44-260907-0101", "000.03.27.H24-260915-0042", "H38.20-261002-0007"


def separator(code: str) -> Sheet:
    sheet = Sheet(y=420)
    sheet.line("PHIẾU PHÂN CÁCH HỒ SƠ", points=26, style="Bold", centre=WIDTH // 2)
    sheet.code(code, x=WIDTH // 2 - 260, y=620, size=520)
    sheet.y = 1220
    sheet.line(f"Mã hồ sơ: {code}", points=22, style="Bold", centre=WIDTH // 2)
    sheet.line("Tờ 1/1", points=18, centre=WIDTH // 2)
    return sheet


def receipt(
    code: str, place: str, serial: str, date: str, person: str, request: str, papers: list[str]
) -> Sheet:
    sheet = Sheet(y=TOP)
    sheet.code(code, x=LEFT - 120, y=60, size=190)
    sheet.y = 270
    sheet.letterhead(
        [f"UBND {place.upper()}", "TRUNG TÂM PHỤC VỤ", "HÀNH CHÍNH CÔNG"],
        f"Số: {serial}/TNHS",
        f"{place}, {date}",
    )
    sheet.title("GIẤY TIẾP NHẬN HỒ SƠ VÀ HẸN TRẢ KẾT QUẢ", f"Mã hồ sơ: {code}")
    sheet.paragraph(f"Trung tâm Phục vụ hành chính công {place} tiếp nhận hồ sơ của: {person}")
    sheet.paragraph(f"Nội dung yêu cầu giải quyết: {request}.")
    sheet.paragraph("Thành phần hồ sơ nộp gồm:")
    for number, paper in enumerate(papers, 1):
        sheet.paragraph(f"{number}. {paper}")
    sheet.paragraph("Số lượng hồ sơ: 01 bộ. Thời gian giải quyết hồ sơ theo quy định là: 10 ngày làm việc.")
    sheet.paragraph(f"Thời gian nhận hồ sơ: 08 giờ 20 phút, {date}.")
    sheet.paragraph("Đăng ký nhận kết quả tại: Bộ phận Một cửa.")
    sheet.y += 50
    sheet.line("NGƯỜI NỘP HỒ SƠ", style="Bold", centre=LEFT + 230, y=sheet.y)
    sheet.line("NGƯỜI TIẾP NHẬN HỒ SƠ", style="Bold", centre=RIGHT - 270)
    sheet.signature(RIGHT - 390, sheet.y + 110, len(code) + len(place))
    return sheet


def land_form() -> Sheet:
    sheet = Sheet()
    sheet.line("Mẫu số 18", points=12, style="Italic", right=RIGHT)
    sheet.line("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", style="Bold", centre=MIDDLE)
    sheet.line("Độc lập - Tự do - Hạnh phúc", style="Bold", centre=MIDDLE)
    sheet.y += 40
    sheet.title("ĐƠN ĐĂNG KÝ BIẾN ĐỘNG ĐẤT ĐAI, TÀI SẢN GẮN LIỀN VỚI ĐẤT")
    sheet.line("Kính gửi: Chi nhánh Văn phòng đăng ký đất đai khu vực Thanh Ba", centre=MIDDLE)
    sheet.y += 20
    for text in (
        "1. Người sử dụng đất: bà Hoàng Thị Mận, sinh năm 1974, số định danh 025174003216.",
        "2. Địa chỉ: khu 5, xã Thanh Ba, tỉnh Phú Thọ. Số điện thoại: 0912 440 781.",
        "3. Nội dung biến động: nhận chuyển nhượng quyền sử dụng thửa đất số 118, tờ bản đồ số 27, "
        "diện tích 240,5 m2, đất ở tại nông thôn.",
        "4. Giấy chứng nhận đã cấp: số phát hành CĐ 204871, số vào sổ CH01933, cấp ngày 14 tháng 5 năm 2016.",
        "5. Lý do biến động: theo hợp đồng chuyển nhượng đã được công chứng.",
        "Tôi cam đoan nội dung kê khai trên đơn là đúng sự thật; nếu sai, tôi xin chịu trách nhiệm trước pháp luật.",
    ):
        sheet.paragraph(text)
    sheet.y += 40
    sheet.line("Thanh Ba, ngày 05 tháng 9 năm 2026", style="Italic", centre=RIGHT - 300)
    sheet.line("Người viết đơn", style="Bold", centre=RIGHT - 300)
    sheet.signature(RIGHT - 420, sheet.y + 90, 7)
    sheet.y += 190
    sheet.line("Hoàng Thị Mận", centre=RIGHT - 300)
    return sheet


def contract() -> tuple[Sheet, Sheet]:
    first = Sheet()
    first.line("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", style="Bold", centre=MIDDLE)
    first.line("Độc lập - Tự do - Hạnh phúc", style="Bold", centre=MIDDLE)
    first.y += 40
    first.title("HỢP ĐỒNG CHUYỂN NHƯỢNG QUYỀN SỬ DỤNG ĐẤT", "Số: 1207/HĐCN")
    for text in (
        "Hôm nay, ngày 28 tháng 8 năm 2026, tại Văn phòng công chứng Sông Thao, chúng tôi gồm có:",
        "BÊN CHUYỂN NHƯỢNG (Bên A): ông Vi Văn Thắng, sinh năm 1959, số định danh 025059001877, "
        "thường trú tại khu 2, xã Thanh Ba, tỉnh Phú Thọ.",
        "BÊN NHẬN CHUYỂN NHƯỢNG (Bên B): bà Hoàng Thị Mận, sinh năm 1974, số định danh 025174003216.",
        "ĐIỀU 1. Bên A chuyển nhượng cho Bên B quyền sử dụng thửa đất số 118, tờ bản đồ số 27 tại xã Thanh Ba, "
        "diện tích 240,5 m2, theo Giấy chứng nhận số CĐ 204871.",
        "ĐIỀU 2. Giá chuyển nhượng là 385.000.000 đồng (ba trăm tám mươi lăm triệu đồng). Bên B trả một lần bằng "
        "chuyển khoản trong thời hạn 07 ngày kể từ ngày ký hợp đồng.",
        "ĐIỀU 3. Bên A giao đất và giấy tờ cho Bên B trong thời hạn 15 ngày kể từ ngày nhận đủ tiền.",
    ):
        first.paragraph(text)
    second = Sheet()
    second.line("2", centre=WIDTH // 2)
    second.y += 20
    for text in (
        "ĐIỀU 4. Thuế thu nhập cá nhân do Bên A nộp; lệ phí trước bạ do Bên B nộp.",
        "ĐIỀU 5. Tranh chấp phát sinh được hai bên thương lượng; không thương lượng được thì yêu cầu tòa án giải quyết.",
        "ĐIỀU 6. Hợp đồng có hiệu lực từ thời điểm được công chứng, lập thành 03 bản có giá trị như nhau.",
    ):
        second.paragraph(text)
    second.y += 60
    second.line("BÊN A", style="Bold", centre=LEFT + 250, y=second.y)
    second.line("BÊN B", style="Bold", centre=RIGHT - 250)
    second.signature(LEFT + 140, second.y + 90, 3)
    second.signature(RIGHT - 370, second.y + 90, 7)
    second.y += 190
    second.line("Vi Văn Thắng", centre=LEFT + 250, y=second.y)
    second.line("Hoàng Thị Mận", centre=RIGHT - 250)
    return first, second


def birth_form() -> Sheet:
    sheet = Sheet()
    sheet.line("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", style="Bold", centre=MIDDLE)
    sheet.line("Độc lập - Tự do - Hạnh phúc", style="Bold", centre=MIDDLE)
    sheet.y += 40
    sheet.title("TỜ KHAI ĐĂNG KÝ KHAI SINH")
    sheet.line("Kính gửi: Ủy ban nhân dân phường Lê Chân", centre=MIDDLE)
    sheet.y += 20
    for text in (
        "Họ, chữ đệm, tên người yêu cầu: Bùi Quốc Khánh. Số định danh: 031089004417.",
        "Nơi cư trú: số 8 ngõ 61 phố Dư Hàng, phường Lê Chân, thành phố Hải Phòng.",
        "Quan hệ với người được khai sinh: cha.",
        "Đề nghị đăng ký khai sinh cho trẻ có tên: Bùi Ngọc An Nhiên. Ngày, tháng, năm sinh: 02/9/2026. "
        "Giới tính: nữ. Dân tộc: Kinh. Quốc tịch: Việt Nam.",
        "Nơi sinh: Bệnh viện Phụ sản Hải Phòng. Họ, chữ đệm, tên mẹ: Đỗ Thùy Trang, sinh năm 1993.",
        "Tôi cam đoan những nội dung khai trên đây là đúng sự thật.",
    ):
        sheet.paragraph(text)
    sheet.y += 40
    sheet.line("Làm tại: Lê Chân, ngày 14 tháng 9 năm 2026", style="Italic", centre=RIGHT - 330)
    sheet.line("Người yêu cầu", style="Bold", centre=RIGHT - 330)
    sheet.signature(RIGHT - 450, sheet.y + 90, 11)
    sheet.y += 190
    sheet.line("Bùi Quốc Khánh", centre=RIGHT - 330)
    return sheet


def birth_note() -> Sheet:
    sheet = Sheet()
    sheet.letterhead(
        ["SỞ Y TẾ HẢI PHÒNG", "BỆNH VIỆN PHỤ SẢN"], "Số: 2214/GCS-BVPS", "Hải Phòng, ngày 04 tháng 9 năm 2026"
    )
    sheet.title("GIẤY CHỨNG SINH")
    for text in (
        "Họ và tên mẹ: Đỗ Thùy Trang. Năm sinh: 1993. Số định danh: 031193008820.",
        "Nơi thường trú: phường Lê Chân, thành phố Hải Phòng. Dân tộc: Kinh.",
        "Đã sinh con vào lúc 06 giờ 35 phút, ngày 02 tháng 9 năm 2026, tại Bệnh viện Phụ sản Hải Phòng.",
        "Số lần sinh: 01. Số con trong lần sinh này: 01. Giới tính của con: nữ. Cân nặng: 3150 gam.",
        "Dự định đặt tên con: Bùi Ngọc An Nhiên.",
    ):
        sheet.paragraph(text)
    sheet.y += 40
    sheet.line("THỦ TRƯỞNG CƠ SỞ Y TẾ", style="Bold", centre=RIGHT - 300)
    sheet.seal(RIGHT - 560, sheet.y - 20, "BỆNH VIỆN PHỤ SẢN HẢI PHÒNG")
    sheet.signature(RIGHT - 420, sheet.y + 100, 5)
    sheet.y += 210
    sheet.line("Phạm Hải Yến", style="Bold", centre=RIGHT - 300)
    return sheet


def permit_form() -> Sheet:
    sheet = Sheet()
    sheet.line("Mẫu số 01", points=12, style="Italic", right=RIGHT)
    sheet.line("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", style="Bold", centre=MIDDLE)
    sheet.line("Độc lập - Tự do - Hạnh phúc", style="Bold", centre=MIDDLE)
    sheet.y += 40
    sheet.title("ĐƠN ĐỀ NGHỊ CẤP GIẤY PHÉP XÂY DỰNG")
    sheet.line("Kính gửi: Ủy ban nhân dân xã Bát Xát", centre=MIDDLE)
    sheet.y += 20
    for text in (
        "1. Tên chủ đầu tư: ông Lý A Sình, số định danh 010086002951.",
        "2. Địa điểm xây dựng: thửa đất số 45, tờ bản đồ số 12, thôn Bản Vền, xã Bát Xát, tỉnh Lào Cai.",
        "3. Loại công trình: nhà ở riêng lẻ, cấp III, 02 tầng, tổng diện tích sàn 168 m2, chiều cao 8,4 m.",
        "4. Đơn vị thiết kế: Công ty TNHH Kiến trúc Hoàng Liên.",
        "5. Dự kiến thời gian hoàn thành công trình: 08 tháng.",
        "Tôi xin cam đoan làm theo đúng giấy phép được cấp, nếu sai xin chịu trách nhiệm và xử lý theo quy định.",
    ):
        sheet.paragraph(text)
    sheet.y += 40
    sheet.line("Bát Xát, ngày 01 tháng 10 năm 2026", style="Italic", centre=RIGHT - 300)
    sheet.line("NGƯỜI LÀM ĐƠN", style="Bold", centre=RIGHT - 300)
    sheet.signature(RIGHT - 420, sheet.y + 90, 13)
    sheet.y += 190
    sheet.line("Lý A Sình", centre=RIGHT - 300)
    return sheet


def decision() -> tuple[Sheet, Sheet]:
    first = Sheet()
    first.letterhead(
        ["TỈNH LÀO CAI", "ỦY BAN NHÂN DÂN XÃ BÁT XÁT"], "Số: 318/QĐ-UBND", "Bát Xát, ngày 20 tháng 8 năm 2026"
    )
    first.title("QUYẾT ĐỊNH", "Về việc công nhận quyền sử dụng đất ở", "đối với hộ ông Lý A Sình")
    first.line("CHỦ TỊCH ỦY BAN NHÂN DÂN XÃ BÁT XÁT", style="Bold", centre=MIDDLE)
    first.y += 20
    for text in (
        "Căn cứ Luật Tổ chức chính quyền địa phương ngày 16 tháng 6 năm 2025;",
        "Căn cứ Luật Đất đai ngày 18 tháng 01 năm 2024;",
        "Xét đề nghị của Trưởng phòng Kinh tế tại Tờ trình số 77/TTr-KT ngày 12 tháng 8 năm 2026,",
    ):
        first.paragraph(text)
    first.line("QUYẾT ĐỊNH:", style="Bold", centre=MIDDLE)
    for text in (
        "Điều 1. Công nhận quyền sử dụng 312 m2 đất ở tại nông thôn, thửa đất số 45, tờ bản đồ số 12, thôn Bản Vền, "
        "xã Bát Xát cho hộ ông Lý A Sình.",
        "Điều 2. Hộ ông Lý A Sình có trách nhiệm thực hiện nghĩa vụ tài chính theo thông báo của cơ quan thuế và "
        "sử dụng đất đúng mục đích, đúng ranh giới.",
    ):
        first.paragraph(text)
    second = Sheet()
    second.line("2", centre=WIDTH // 2)
    second.y += 20
    second.paragraph(
        "Điều 3. Chánh Văn phòng Hội đồng nhân dân và Ủy ban nhân dân, Trưởng phòng Kinh tế, hộ ông Lý A Sình và các "
        "đơn vị liên quan chịu trách nhiệm thi hành Quyết định này./."
    )
    second.y += 60
    top = second.y
    for n, text in enumerate(("Nơi nhận:", "- Như Điều 3;", "- Chi cục Thuế;", "- Lưu: VT, KT.")):
        second.line(
            text,
            points=12 if n == 0 else 11,
            style="BoldItalic" if n == 0 else "Regular",
            x=LEFT,
            y=top + n * 40,
        )
    second.line("KT. CHỦ TỊCH", style="Bold", centre=RIGHT - 300, y=top)
    second.line("PHÓ CHỦ TỊCH", style="Bold", centre=RIGHT - 300, y=top + 44)
    second.seal(RIGHT - 590, top + 70, "ỦY BAN NHÂN DÂN XÃ BÁT XÁT")
    second.signature(RIGHT - 430, top + 190, 17)
    second.line("Tẩn Láo Tả", style="Bold", centre=RIGHT - 300, y=top + 290)
    return first, second


def stacks() -> dict[str, list[tuple[Sheet, dict[str, Any]]]]:
    """Each stack's sides in feeder order, with what the sheet suffered (skew, turn) and what it is."""

    def row(
        sheet: Sheet, kind: str, code: str, document: int, page: int = 0, **scan: Any
    ) -> tuple[Sheet, dict[str, Any]]:
        return sheet, {"type": kind, "dossier": code, "doc": document, "page": page, **scan}

    contract_1, contract_2 = contract()
    decision_1, decision_2 = decision()
    blank: Callable[[], Sheet] = Sheet
    return {
        "chong-1": [
            row(separator(LAND), "separator", LAND, -1, skew=0.3),
            row(
                receipt(
                    LAND,
                    "Thanh Ba",
                    "1182",
                    "ngày 07 tháng 9 năm 2026",
                    "bà Hoàng Thị Mận, số định danh 025174003216",
                    "Đăng ký biến động quyền sử dụng đất do nhận chuyển nhượng",
                    [
                        "Đơn đăng ký biến động đất đai, tài sản gắn liền với đất: bản chính, 01",
                        "Hợp đồng chuyển nhượng quyền sử dụng đất: bản chính, 01",
                    ],
                ),
                "giay_tiep_nhan",
                LAND,
                0,
                skew=-0.6,
            ),
            row(land_form(), "don_dang_ky_bien_dong", LAND, 1, skew=1.4),
            row(contract_1, "hop_dong_chuyen_nhuong", LAND, 2, 0, skew=0.2),
            row(contract_2, "hop_dong_chuyen_nhuong", LAND, 2, 1, skew=-0.9),
            row(blank(), "blank", LAND, 2, 2, skew=0.4),
            row(separator(BIRTH), "separator", BIRTH, -1, skew=-1.1),
            row(
                receipt(
                    BIRTH,
                    "Lê Chân",
                    "0651",
                    "ngày 15 tháng 9 năm 2026",
                    "ông Bùi Quốc Khánh, số định danh 031089004417",
                    "Đăng ký khai sinh",
                    ["Tờ khai đăng ký khai sinh: bản chính, 01", "Giấy chứng sinh: bản chính, 01"],
                ),
                "giay_tiep_nhan",
                BIRTH,
                0,
                skew=0.5,
            ),
            row(birth_form(), "to_khai_khai_sinh", BIRTH, 1, skew=0.0),
            row(birth_note(), "giay_chung_sinh", BIRTH, 2, turn=180, skew=0.7),
        ],
        "chong-2": [
            row(
                receipt(
                    HOUSE,
                    "Bát Xát",
                    "0093",
                    "ngày 02 tháng 10 năm 2026",
                    "ông Lý A Sình, số định danh 010086002951",
                    "Cấp giấy phép xây dựng nhà ở riêng lẻ",
                    [
                        "Đơn đề nghị cấp giấy phép xây dựng: bản chính, 01",
                        "Quyết định công nhận quyền sử dụng đất: bản sao, 01",
                    ],
                ),
                "giay_tiep_nhan",
                HOUSE,
                0,
                skew=0.1,
            ),
            row(permit_form(), "don_cap_phep_xay_dung", HOUSE, 1, skew=-2.3),
            row(decision_1, "quyet_dinh", HOUSE, 2, 0, skew=0.8),
            row(decision_2, "quyet_dinh", HOUSE, 2, 1, skew=0.6),
        ],
    }


def main() -> None:
    """Write the pictures and truth.json."""
    truth = []
    for stack, rows in stacks().items():
        folder = OUT / stack
        folder.mkdir(parents=True, exist_ok=True)
        for number, (sheet, row) in enumerate(rows):
            scan = sheet.scanned(
                seed=number + 1,
                skew=row.get("skew", 0.0),
                turn=row.get("turn", 0),
                tint=(0, 2, 9) if number % 3 == 2 else (0, 0, 0),
            )
            path = folder / f"scan-{number:02d}.jpg"
            scan.save(path, quality=72, dpi=(200, 200), optimize=True)
            truth.append(
                {
                    "file": f"{stack}/{path.name}",
                    "text": "\n".join(sheet.lines),
                    "turn": 0,
                    "skew": 0.0,
                    **row,
                }
            )
    (OUT / "truth.json").write_text(json.dumps(truth, ensure_ascii=False, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
