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
_EXPIRED = "hết thời hạn bảo quản"
ACTS = {
    "take_in": Act("tiếp nhận bản giấy đã quét", _DIGITISE, "số hóa hồ sơ"),
    "sign": Act("ký số", _DIGITISE, "số hóa hồ sơ"),
    "store": Act("lưu bản điện tử", _DIGITISE, "số hóa hồ sơ"),
    "decide": Act("quyết việc chờ người xem", _DIGITISE, "số hóa hồ sơ"),
    "undo": Act("bỏ một quyết định trước khi lưu", _DIGITISE, "số hóa hồ sơ"),
    "recount": Act("đếm lại số tờ của lô", _DIGITISE, "số hóa hồ sơ"),
    "hold": Act("giữ việc để xem", _DIGITISE, "số hóa hồ sơ"),
    "propose": Act("đề nghị, chờ người thứ hai", _DIGITISE, "số hóa hồ sơ"),
    "refuse": Act("không đồng ý đề nghị", _DIGITISE, "số hóa hồ sơ"),
    "correct": Act("sửa thông tin của giấy tờ đã lưu", _DIGITISE, "số hóa hồ sơ"),
    "link": Act("đưa giấy tờ vào hồ sơ", _DIGITISE, "số hóa hồ sơ"),
    "remove": Act("đưa giấy tờ để nhầm ra khỏi hồ sơ", _DIGITISE, "số hóa hồ sơ"),
    "repage": Act("đổi trang của giấy tờ đã lưu, ký lại", _DIGITISE, "số hóa hồ sơ"),
    "repage_cancel": Act("thôi đổi trang của giấy tờ đã lưu", _DIGITISE, "số hóa hồ sơ"),
    "repage_overtaken": Act("bỏ việc đổi trang vì giấy tờ vừa được sửa", _SYSTEM, "số hóa hồ sơ"),
    "release": Act("cho tệp gốc rời thư mục quét", _DIGITISE, "bản lưu đã được đọc lại và khớp"),
    "sign_export": Act("giao tệp để ký ở máy khác", _DIGITISE, "số hóa hồ sơ"),
    "sign_link": Act("giao đường dẫn dùng một lần để ký ở máy khác", _DIGITISE, "số hóa hồ sơ"),
    "sign_fetch": Act("phần mềm ký tải tệp qua đường dẫn dùng một lần", _DIGITISE, "số hóa hồ sơ"),
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
    "view_person": Act("xem kho của một tổ chức, cá nhân", _LOOK, "tra cứu phục vụ giải quyết hồ sơ"),
    "download": Act("tải tệp", _LOOK, "tra cứu phục vụ giải quyết hồ sơ"),
    "export": Act("xuất gói hồ sơ", _LOOK, "bàn giao hồ sơ"),
    "verify": Act("kiểm tra chữ ký và mã băm", _CHECK, "kiểm tra tính hợp lệ"),
    "trust_add": Act("tin một cơ quan chứng thực", _RUN, "kiểm tra chữ ký"),
    "trust_remove": Act("thôi tin một cơ quan chứng thực", _RUN, "kiểm tra chữ ký"),
    "verify_ledger": Act("kiểm tra sổ cái", _CHECK, "kiểm tra tính toàn vẹn"),
    "export_ledger": Act("xuất sổ cái", _CHECK, "kiểm tra độc lập"),
    "export_slip": Act("xuất phiếu truy cập", _CHECK, "trả lời người có quyền hỏi"),
    "fixity": Act("rà soát kho", _SYSTEM, _KEEP),
    "fixity_finding": Act("phát hiện sai lệch trong kho", _SYSTEM, _KEEP),
    "repair": Act("phục hồi đối tượng hỏng trong kho", _SYSTEM, _KEEP),
    "import_procedures": Act("nhập danh mục thủ tục", _RUN, "cập nhật thành phần hồ sơ"),
    "import_list": Act("nhập tệp đã số hóa ở nơi khác theo danh sách", _DIGITISE, "số hóa hồ sơ"),
    "import_registry": Act("nhập danh sách hồ sơ của hệ thống một cửa", _RUN, "kết nối hệ thống một cửa"),
    "pull_registry": Act("đồng bộ danh sách hồ sơ", _SYSTEM, "kết nối hệ thống một cửa"),
    "import_requests": Act("nhập yêu cầu quét của hệ thống một cửa", _RUN, "kết nối hệ thống một cửa"),
    "pull_requests": Act("đồng bộ yêu cầu quét", _SYSTEM, "kết nối hệ thống một cửa"),
    "request_take": Act("nhận yêu cầu quét", _SYSTEM, "số hóa hồ sơ"),
    "request_change": Act("yêu cầu quét thay đổi", _SYSTEM, "số hóa hồ sơ"),
    "request_withdraw": Act("yêu cầu quét bị hủy", _SYSTEM, "số hóa hồ sơ"),
    "request_fulfil": Act("yêu cầu quét đã xong", _SYSTEM, "số hóa hồ sơ"),
    "request_reopen": Act("mở lại yêu cầu quét", _SYSTEM, "số hóa hồ sơ"),
    "accept_orphan": Act("nhận giấy tờ của hồ sơ vừa được biết", _SYSTEM, "số hóa hồ sơ"),
    "deliver": Act("gửi tin cho hệ thống một cửa", _SYSTEM, "kết nối hệ thống một cửa"),
    "dossier_procedure": Act("ghi thủ tục của hồ sơ", _DIGITISE, "kiểm tra thành phần hồ sơ"),
    "dossier_state": Act("chuyển trạng thái hồ sơ", _DIGITISE, "quản lý hồ sơ"),
    "dossier_mark": Act("ghi nhận về một thành phần hồ sơ", _DIGITISE, "kiểm tra thành phần hồ sơ"),
    "issue_codes": Act("cấp mã kết quả số hóa", _SYSTEM, "số hóa hồ sơ"),
    "supplement_slip": Act("lập phiếu yêu cầu bổ sung", _DIGITISE, "yêu cầu bổ sung hồ sơ"),
    "return_set": Act("xuất bộ tệp trả hệ thống một cửa", _DIGITISE, "gửi kết quả số hóa"),
    "reuse": Act("dùng lại giấy tờ đã có", _DIGITISE, "không yêu cầu nộp lại"),
    "renew_roots": Act("gia hạn bằng chứng các ngày đã niêm phong", _RUN, _KEEP),
    "retain": Act("khóa hồ sơ trong kho theo thời hạn bảo quản hoặc phong tỏa", _SYSTEM, _KEEP),
    "retain_copy": Act("khóa bản sao thứ hai theo thời hạn bảo quản hoặc phong tỏa", _SYSTEM, _KEEP),
    "legal_hold": Act("phong tỏa hồ sơ", _RUN, "bảo toàn chứng cứ"),
    "release_hold": Act("thôi phong tỏa hồ sơ", _RUN, "bảo toàn chứng cứ"),
    "list_due": Act("lập danh mục hồ sơ hết thời hạn bảo quản", _RUN, _EXPIRED),
    "propose_disposal": Act("đề nghị hủy hồ sơ", _RUN, _EXPIRED),
    "refuse_disposal": Act("bỏ đề nghị hủy hồ sơ", _RUN, _EXPIRED),
    "decide_disposal": Act("duyệt hủy hồ sơ", _RUN, _EXPIRED),
    "void_disposal": Act("hoãn hủy vì có giấy tờ mới", _SYSTEM, _EXPIRED),
    "dispose": Act("lập biên bản hủy, bỏ hồ sơ khỏi danh mục", _SYSTEM, _EXPIRED),
    "disposed": Act("đã xóa mọi phiên bản trong kho", _SYSTEM, _EXPIRED),
    "learn": Act("học lại mô hình phân loại giấy tờ", _RUN, "phân loại giấy tờ"),
    "learn_use": Act("dùng mô hình phân loại", _RUN, "phân loại giấy tờ"),
    "learn_off": Act("thôi dùng mô hình phân loại", _RUN, "phân loại giấy tờ"),
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
