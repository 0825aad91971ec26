"""What goes wrong at a scanner, and what the person in front of it should do. Pages so far are always kept."""

from __future__ import annotations

from enum import StrEnum


class Trouble(StrEnum):
    """Kinds of trouble; a feeder without paper is one only where a sheet was expected."""

    JAM = "jam"
    COVER = "cover_open"
    EMPTY = "no_documents"
    CUT = "page_cut_short"
    COUNT = "count_differs"
    TURN = "turn_the_stack"
    HALVES = "halves_differ"
    STOPPED = "stopped"
    REFUSED = "refused"
    IO = "io_error"
    MEMORY = "no_memory"
    DENIED = "access_denied"
    BUSY = "busy"
    GONE = "not_found"
    HUNG = "no_answer"
    CRASHED = "driver_crashed"

    @property
    def exit_code(self) -> int:
        """1 where a person at the device helps, 2 where the wish is wrong, 4 where device or link is unavailable."""
        if self is Trouble.REFUSED:
            return 2
        return 1 if self in _BY_HAND else 4


_BY_HAND = {Trouble.JAM, Trouble.COVER, Trouble.EMPTY, Trouble.CUT, Trouble.COUNT, Trouble.STOPPED}
_BY_HAND |= {Trouble.TURN, Trouble.HALVES}

_SENTENCES: dict[Trouble, tuple[str, str]] = {
    Trouble.JAM: (
        "Kẹt giấy hoặc hút hai tờ một lúc. Mở nắp, gỡ tờ bị kẹt, đặt lại tờ ấy lên đầu các tờ chưa quét",
        "paper jam or double feed: put the jammed sheet back on top",
    ),
    Trouble.COVER: ("Nắp máy quét đang mở. Đóng nắp lại", "the cover is open: close it"),
    Trouble.EMPTY: ("Khay không có giấy. Nạp các tờ chưa quét", "the feeder is empty: load what is left"),
    Trouble.CUT: (
        "Máy quét dừng giữa trang. Đặt lại tờ đang dở lên đầu các tờ chưa quét",
        "the page came incomplete: put this sheet back on top",
    ),
    Trouble.COUNT: (
        "Khay hết giấy nhưng chưa đủ số tờ đã khai. Nạp tiếp các tờ còn thiếu, "
        "hoặc kết thúc bằng `sohoa scan --finish`",
        "fewer sheets than declared: load the missing ones, or end with --finish",
    ),
    Trouble.TURN: (
        "Đã đủ mặt trước. Lật cả chồng (không đổi thứ tự các tờ), nạp lại để quét mặt sau",
        "all fronts are there: turn the whole stack and load it again",
    ),
    Trouble.HALVES: (
        "Số mặt sau khác số mặt trước nên không ghép. Cả hai nửa còn nguyên: nạp tiếp các mặt sau còn thiếu, "
        "hoặc quét lại mặt sau bằng `sohoa scan --resume --backs-again`, "
        "hoặc chốt bằng `sohoa scan --finish` để người xem",
        "fronts and backs differ in number, both halves are kept: load the missing backs, take the backs again "
        "(--backs-again), or end with --finish",
    ),
    Trouble.STOPPED: ("Đã dừng theo yêu cầu", "stopped on request"),
    Trouble.REFUSED: (
        "Máy quét không nhận cách quét này. Xem các lựa chọn bằng `sohoa devices`",
        "the device refuses this setting: see `sohoa devices`",
    ),
    Trouble.IO: (
        "Mất liên lạc với máy quét. Kiểm tra dây, nguồn điện, mạng rồi bật lại máy",
        "the link to the device broke: check cable, power and network",
    ),
    Trouble.MEMORY: ("Máy quét hoặc máy tính hết bộ nhớ. Giảm độ phân giải", "out of memory: use a lower resolution"),
    Trouble.DENIED: (
        "Không có quyền dùng máy quét. Thêm tài khoản vào nhóm `scanner`, hoặc hỏi quản trị",
        "no permission to use the device: add the account to the group `scanner`",
    ),
    Trouble.BUSY: (
        "Máy quét đang bận. Chờ chương trình khác quét xong",
        "the device is busy: wait for the other program",
    ),
    Trouble.GONE: (
        "Không tìm thấy máy quét này. Kiểm tra dây, nguồn điện; xem danh sách bằng `sohoa devices`",
        "no such device: check cable and power, see `sohoa devices`",
    ),
    Trouble.HUNG: (
        "Máy quét không trả lời. Tắt rồi bật lại máy quét; tờ đang dở đặt lại lên đầu các tờ chưa quét",
        "the device does not answer: switch it off and on, put this sheet back on top",
    ),
    Trouble.CRASHED: (
        "Trình điều khiển máy quét bị hỏng giữa chừng. Tờ đang dở đặt lại lên đầu các tờ chưa quét",
        "the scanner's driver crashed: put this sheet back on top",
    ),
}  # fmt: skip


_REFUSALS = (
    ("; the device offers ", "; máy này có: "),
    ("; the device has at most ", "; máy này tối đa "),
    ("this device has no duplex", "máy này không quét được hai mặt"),
    ("no option ", "không có lựa chọn "),
    (" is no number", " không phải số"),
)
"""How our own refusals are worded, and the same in Vietnamese."""


class DeviceError(Exception):
    """Trouble at the device; `detail` is the driver's own word, for engineers."""

    def __init__(self, trouble: Trouble, detail: str = "") -> None:
        vi, sentence = _SENTENCES[trouble]
        super().__init__(f"{sentence} [{detail}]" if detail else sentence)
        self.trouble = trouble
        self.detail = detail
        self.vi = f"{vi} ({_in_vietnamese(detail)})" if detail and trouble is Trouble.REFUSED else vi


def _in_vietnamese(detail: str) -> str:
    """What was refused and what the device offers; words of the device stay as they are."""
    for english, vi in _REFUSALS:
        detail = detail.replace(english, vi)
    return detail
