"""The sides that a person brings for a stored paper: taken like any scan, read, and checked before they come in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from config.settings import Settings
from pipeline.acquire import claim
from pipeline.classify.evidence import QR, agreed, named, readings, stranger_to
from pipeline.classify.view import is_separator, view_page
from pipeline.errors import Rejected, UsageError
from pipeline.grammar.codes import parse_dossier_code
from pipeline.grammar.sheet_marks import read_mark
from pipeline.home.page_wish import PageWish
from pipeline.model import Origin, Page, ReadPage, SourceFile, Verdict
from pipeline.page_job import known, read_side
from pipeline.paths import HomePaths
from pipeline.raster.inspect import pages_of
from pipeline.sidecar import Sidecar
from pipeline.wire import Parts, receipt_forms
from storage.proof import VIETNAM


class NewSides:
    """Reads them in the page pool; a person waits, so they go first."""

    def __init__(self, parts: Parts, paths: HomePaths, settings: Settings) -> None:
        self._pool = parts.pool
        self._limits = parts.limits
        self._types = parts.types
        self._work = paths.work
        self._keep_free = settings.limits.free_disk_mb << 20
        self._receipts = receipt_forms(settings)

    def claim(self, path: Path, folder: Path) -> SourceFile:
        """A copy of the file that no longer changes. Raises Rejected when it cannot be taken, DiskFull."""
        if not path.exists() and not path.is_symlink():
            raise UsageError(f"{path} does not exist", vi=f"Không tìm thấy {path}")
        file = claim(path, folder, 0, keep_free=self._keep_free)
        if file.reason:
            raise Rejected(f"{path.name}: {file.reason}", vi=f"{path.name}: {file.reason}")
        return file

    def read(self, file: SourceFile, side: Sidecar, first_index: int, wish: PageWish) -> tuple[ReadPage, ...]:
        """Every side of the file, blank ones too, as sides of the paper's batch from `first_index` on.

        Raises Rejected for what cannot be read, UsageError for sides that must not come into this paper.
        """
        (looked,) = self._pool.look_into((file,), self._limits, priority=0)
        if looked.origin is not Origin.CAPTURED:
            raise UsageError(
                f"{file.source} is signed or born digital: take it in as a paper of its own (sohoa ingest)",
                vi=f"{file.source} là tệp điện tử gốc hay đã ký sẵn: hãy tiếp nhận thành giấy tờ riêng (sohoa ingest)",
            )
        pages = pages_of(file, looked, batch=side.batch, first_index=first_index)
        for page in pages:
            if page.reason:
                raise Rejected(f"{page.source}: {page.reason}", vi=f"{page.source}: {page.reason}")
        read = tuple(self.again(page) for page in pages)
        content = [one for one in read if one.verdict is Verdict.CONTENT]
        if not content:
            raise UsageError("every side of this file is blank", vi="Tệp chỉ có mặt trắng")
        if wish.act == "replace" and len(content) != 1:
            raise UsageError(
                f"one page is replaced by one; this file has {len(content)} pages with content",
                vi=f"Một trang chỉ thay bằng một trang; tệp này có {len(content)} trang có nội dung",
            )
        self._check(content, side)
        return read

    def again(self, page: Page) -> ReadPage:
        """One side, with the turn that a person says if one does. Raises Rejected."""
        earlier = known(page, self._work)
        if earlier is None:
            earlier = self._pool.submit(read_side, page, self._work, self._limits, priority=0).result()
        return replace(earlier, page=page)

    def _check(self, content: Sequence[ReadPage], side: Sidecar) -> None:
        """A page under the wrong dossier is the worst error there is: what clearly names another one stays out."""
        there = {(one.source_sha256, one.number) for one in side.pages}
        today = datetime.now(VIETNAM).date()
        found = {one.page.index: readings(one, today, self._receipts) for one in content}
        alike = agreed(item for items in found.values() for item in items)
        code = parse_dossier_code(side.paper.dossier) if side.paper.dossier else None
        for one in content:
            where = one.page.source
            if (one.page.file.sha256, one.page.number) in there:
                raise UsageError(
                    f"{where}: the paper has this very page already",
                    vi=f"{where}: giấy tờ đã có đúng trang này",
                )
            coded = any(item.source == QR for item in found[one.page.index])
            marked = read_mark(barcode.text for barcode in one.barcodes) is not None
            if marked or is_separator(view_page(one, self._types), coded):
                raise UsageError(f"{where} is a separator sheet", vi=f"{where} là tờ phân cách")
            readable = found[one.page.index]
            if code is not None:
                other = stranger_to(code, readable, alike)
            else:
                says = named(readable, alike)
                other = says.code.text if says.code else says.conflict[0] if says.conflict else None
            if other is not None:
                raise UsageError(
                    f"{where} names dossier {other}, this paper is in {side.paper.dossier or 'none'}",
                    vi=f"{where} ghi mã hồ sơ {other}, còn giấy tờ này thuộc {side.paper.dossier or 'chưa hồ sơ nào'}",
                )
