"""What the ledger's acts are called, in which role they are done and what for, as a citizen may read it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Act:
    """Name, role and purpose in Vietnamese; the purpose is the one unless an entry states its own."""

    name: str
    role: str
    purpose: str


_DIGITISE, _LOOK, _CHECK, _RUN, _SYSTEM = (
    "cán bộ số hóa",
    "cán bộ tra cứu",
    "cán bộ kiểm tra",
    "quản trị hệ thống",
    "hệ thống tự động",
)
_KEEP = "bảo quản, chứng minh sự toàn vẹn"
ACTS = {
    "take_in": Act("tiếp nhận bản giấy đã quét", _DIGITISE, "số hóa hồ sơ"),
    "sign": Act("ký số", _DIGITISE, "số hóa hồ sơ"),
    "store": Act("lưu bản điện tử", _DIGITISE, "số hóa hồ sơ"),
    "release": Act("cho tệp gốc rời thư mục quét", _DIGITISE, "bản lưu đã được đọc lại và khớp"),
    "sign_export": Act("giao tệp để ký ở máy khác", _DIGITISE, "số hóa hồ sơ"),
    "sign_import": Act("nhận lại tệp đã ký", _DIGITISE, "số hóa hồ sơ"),
    "sign_refused": Act("từ chối tệp ký gửi về", _DIGITISE, "số hóa hồ sơ"),
    "unlock_key": Act("mở khóa ký cho một ca", _DIGITISE, "số hóa hồ sơ"),
    "extend": Act("ký tiếp, nâng mức chữ ký", _SYSTEM, "số hóa hồ sơ"),
    "green_light": Act("bật đèn xanh: có thể trả bản giấy", _SYSTEM, "số hóa hồ sơ"),
    "resign": Act("ký lại bằng khóa chính thức", _RUN, _KEEP),
    "renew": Act("gia hạn bằng chứng chữ ký", _RUN, _KEEP),
    "recover": Act("ghi lại phiên bản đã lưu trước khi bị ngắt", _SYSTEM, _KEEP),
    "test_keys": Act("ký thử khi khởi động", _SYSTEM, "vận hành"),
    "retry": Act("làm lại việc đang chờ", _DIGITISE, "số hóa hồ sơ"),
    "search": Act("tìm thấy trong kết quả tra cứu", _LOOK, "tra cứu phục vụ giải quyết hồ sơ"),
    "view": Act("xem", _LOOK, "tra cứu phục vụ giải quyết hồ sơ"),
    "download": Act("tải tệp", _LOOK, "tra cứu phục vụ giải quyết hồ sơ"),
    "export": Act("xuất gói hồ sơ", _LOOK, "bàn giao hồ sơ"),
    "verify": Act("kiểm tra chữ ký và mã băm", _CHECK, "kiểm tra tính hợp lệ"),
    "verify_ledger": Act("kiểm tra sổ cái", _CHECK, "kiểm tra tính toàn vẹn"),
    "export_ledger": Act("xuất sổ cái", _CHECK, "kiểm tra độc lập"),
    "export_slip": Act("xuất phiếu truy cập", _CHECK, "trả lời người có quyền hỏi"),
    "fixity": Act("rà soát kho", _SYSTEM, _KEEP),
    "fixity_finding": Act("phát hiện sai lệch trong kho", _SYSTEM, _KEEP),
    "repair": Act("phục hồi đối tượng hỏng trong kho", _SYSTEM, _KEEP),
    "seal_day": Act("niêm phong sổ cái của ngày", _SYSTEM, _KEEP),
    "rebuild": Act("dựng lại danh mục từ kho", _RUN, "khôi phục"),
    "stats": Act("xem thống kê số hóa", _CHECK, "theo dõi, báo cáo"),
    "backup": Act("bắt đầu sao lưu", _RUN, "sao lưu"),
    "backup_done": Act("sao lưu xong", _RUN, "sao lưu"),
    "restore": Act("khôi phục từ bản sao lưu", _RUN, "khôi phục"),
    "start": Act("khởi động hệ thống", _RUN, "vận hành"),
    "stop": Act("dừng hệ thống", _RUN, "vận hành"),
    "doctor": Act("thử các phần của hệ thống", _RUN, "vận hành"),
}


def act_of(name: str) -> Act:
    """The act, or its bare name when a newer version wrote it."""
    return ACTS.get(name) or Act(name, _SYSTEM, "")
