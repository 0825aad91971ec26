"""A path that the system refuses, said so that the person who named it knows what to change."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

from pipeline.errors import DiskFull, SohoaError, Unavailable, UsageError

_REASONS = {
    errno.ENOENT: ("không có thư mục hay tệp ấy", "there is no such file or folder"),
    errno.ENOTDIR: ("một phần của đường dẫn là tệp, không phải thư mục", "a part of the path is a file, no folder"),
    errno.EEXIST: ("chỗ ấy đã có một tệp", "there is a file already"),
    errno.EISDIR: ("đó là một thư mục; hãy thêm tên tệp", "that is a folder; add a file name"),
    errno.ENOTEMPTY: ("thư mục ấy không trống", "that folder is not empty"),
    errno.EACCES: ("không có quyền; hãy đổi quyền hoặc nêu chỗ khác", "no permission; change it or name another place"),
    errno.EPERM: ("không được phép; hãy nêu chỗ khác", "not permitted; name another place"),
    errno.EROFS: ("ổ đĩa chỉ cho đọc; hãy nêu chỗ khác", "the disk is read-only; name another place"),
    errno.ENAMETOOLONG: ("tên quá dài", "the name is too long"),
}  # fmt: skip


def refused_path(error: OSError) -> SohoaError:
    """What the system said of a path, in two languages: wrong usage when another path mends it, else Unavailable."""
    path = error.filename2 or error.filename
    if isinstance(path, bytes):
        path = path.decode(errors="replace")
    if isinstance(path, str) and _is_draft(path):
        path = str(Path(path).parent)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFull(
            f"no room left for {path}; free some space, then run the same command",
            vi=f"Hết chỗ ghi {path}; hãy giải phóng dung lượng rồi chạy lại đúng lệnh này",
        )
    if path is not None and error.errno in _REASONS:
        vi, en = _REASONS[error.errno]
        return UsageError(f"{path} cannot be used: {en}", vi=f"Không dùng được {path}: {vi}")
    said = f"{path}: {error.strerror or error}" if path else f"{error.strerror or error}"
    return Unavailable(f"the system refuses: {said}", vi=f"Hệ thống từ chối: {said}")


def taken(path: Path) -> UsageError:
    """A file stands where another is to be written, and nobody said that it may go."""
    return UsageError(
        f"{path} is there already; name another file, or --force to overwrite it",
        vi=f"Đã có {path}; hãy đặt tên khác, hoặc --force để ghi đè",
    )


def no_folder(path: Path) -> UsageError:
    """A file is to be written where there is no folder: a slip of the hand makes no folder."""
    return UsageError(
        f"there is no folder for {path}; make it first",
        vi=f"Không có thư mục để ghi {path}; hãy tạo thư mục trước",
    )


def check_place(out: Path) -> None:
    """Before anything is changed. Raises UsageError where no file can be written."""
    if out.is_dir():
        raise UsageError(f"{out} is a folder; name a file", vi=f"{out} là thư mục; cần tên tệp")
    if not out.parent.is_dir():
        raise no_folder(out)


def is_about(error: OSError, arguments: dict[str, Any]) -> bool:
    """Whether the error speaks of a path that the caller named, or of one on the way to it."""
    paths = [str(path) for path in (error.filename, error.filename2) if isinstance(path, str)]
    named = [one for value in arguments.values() for one in (value if isinstance(value, list) else [value])]
    return any(
        path == one
        or path.startswith(one.rstrip("/") + "/")
        or one.startswith(path.rstrip("/") + "/")
        or (_is_draft(path) and Path(path).parent == Path(one).parent)
        for path in paths
        for one in named
        if isinstance(one, str) and one.startswith("/")
    )


def _is_draft(path: str) -> bool:
    """Whether it is the file beside the one that was named, which becomes it when it is whole."""
    name = Path(path).name
    return name.startswith(".part-") or (name.startswith(".") and name.endswith(".part"))
