"""`python -m tests.smb_slow_writer PORT NAME PIECE PAUSE < FILE`: one open file on the share that grows piece by piece.

Through libsmbclient, since `smbclient` itself fills 2 MB before it sends anything.
"""

from __future__ import annotations

import ctypes
import sys
import time
from ctypes import CFUNCTYPE, c_char_p, c_int, c_void_p

AUTH = CFUNCTYPE(None, c_char_p, c_char_p, c_void_p, c_int, c_void_p, c_int, c_void_p, c_int)
WRITE_NEW = 0o1 | 0o100 | 0o1000  # O_WRONLY, O_CREAT, O_TRUNC


def main(port: int, name: str, piece: int, pause: float) -> None:
    """Write what comes on stdin."""
    library = ctypes.CDLL("libsmbclient.so.0", use_errno=True)
    library.smbc_write.restype = ctypes.c_ssize_t
    library.smbc_write.argtypes = [c_int, c_char_p, ctypes.c_size_t]
    guest = AUTH(lambda *_: None)
    assert library.smbc_init(guest, 0) == 0, ctypes.get_errno()
    file = library.smbc_open(f"smb://127.0.0.1:{port}/quay/{name}".encode(), WRITE_NEW, 0o644)
    assert file >= 0, ctypes.get_errno()
    while block := sys.stdin.buffer.read(piece):
        assert library.smbc_write(file, block, len(block)) == len(block)
        time.sleep(pause)
    assert library.smbc_close(file) == 0


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
