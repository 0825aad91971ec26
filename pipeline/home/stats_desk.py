"""`sohoa stats`: the digitisation indicators, as numbers and as a workbook."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import config
from config.settings import Settings
from pipeline.errors import UsageError
from pipeline.wire import Records
from storage.indicators import (
    DIMENSIONS,
    Counts,
    Indicator,
    count,
    facts,
    last_day,
    load_indicators,
    without_dossier,
)
from storage.proof import VIETNAM
from storage.workbook import Sheet, write_workbook


class StatsDesk:
    """Counts what the database knows at this moment."""

    def __init__(self, records: Records, settings: Settings) -> None:
        self._records = records
        self._agency = settings.agency

    def run(self, arguments: dict[str, Any], actor: str) -> dict[str, Any]:
        """Figures for a month or for all time, by one dimension. Raises UsageError."""
        month, by, output = arguments.get("month"), arguments.get("by"), arguments.get("output")
        if by is not None and by not in DIMENSIONS:
            raise UsageError(f"--by is one of {', '.join(DIMENSIONS)}", vi=f"--by: {', '.join(DIMENSIONS)}")
        day = last_day(month, datetime.now(VIETNAM).date())
        formulas = load_indicators(Path(config.__path__[0]) / "indicators.toml", day)
        database = self._records.database
        counts = count(facts(database), formulas, by=by, month=month)
        counts.without_dossier = without_dossier(database)
        self._records.ledger.note(
            act="stats", actor=actor, agency=self._agency.code, objects=[], details={"month": month, "by": by}
        )
        result = {
            "month": month,
            "by": by,
            "indicators": [{**_about(one), **_figures(counts.totals[one.key])} for one in formulas],
            "groups": [
                {"name": name, **{one.key: _figures(sums[one.key]) for one in formulas}}
                for name, sums in sorted(counts.groups.items())
            ]
            if by
            else [],
            "not_digitised": counts.open,
            "papers_without_dossier": counts.without_dossier,
        }
        if output:
            write_workbook(self._sheets(result, formulas, counts), Path(str(output)))
            result["path"] = str(output)
        return result

    def _sheets(self, result: dict[str, Any], formulas: list[Indicator], counts: Counts) -> list[Sheet]:
        period = f"Kỳ: tháng {result['month']}" if result["month"] else "Kỳ: toàn bộ"
        heading = [f"{self._agency.name} ({self._agency.code})", period]
        totals = Sheet(
            "Chỉ tiêu",
            heading,
            [("Chỉ tiêu", 40), ("Tử số", 10), ("Mẫu số", 10), ("Tỷ lệ %", 10), ("Căn cứ", 60)],
            [
                [i["name"], i["numerator"], i["denominator"], i["percent"], i["source"]]
                for i in result["indicators"]
            ],
        )
        parts = Sheet(
            "Chi tiết",
            heading,
            [("Nhóm", 30), *[(f"{one.name}: {what}", 18) for one in formulas for what in ("tử", "mẫu")]],
            [
                [
                    group["name"],
                    *[group[one.key][what] for one in formulas for what in ("numerator", "denominator")],
                ]
                for group in result["groups"]
            ],
        )
        left = Sheet(
            "Chưa số hóa",
            heading,
            [
                ("Mã hồ sơ", 32),
                ("Cơ quan", 16),
                ("Thủ tục", 20),
                ("Tháng", 10),
                ("Lý do", 60),
                ("Giấy tờ", 60),
            ],
            [
                [
                    one["dossier"],
                    one["agency"],
                    one["procedure"],
                    one["month"],
                    "\n".join(one["reasons"]),
                    "\n".join(f"{paper['type_name']} ({paper['id']})" for paper in one["papers"]),
                ]
                for one in counts.open
            ],
        )
        return [totals, *([parts] if result["groups"] else []), left]


def _about(one: Indicator) -> dict[str, Any]:
    return {
        "key": one.key,
        "name": one.name,
        "unit": one.unit,
        "source": one.source,
        "valid_from": one.valid_from.isoformat(),
    }


def _figures(sums: list[int]) -> dict[str, Any]:
    above, below = sums
    return {
        "numerator": above,
        "denominator": below,
        "percent": round(100 * above / below, 2) if below else None,
    }
