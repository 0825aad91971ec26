"""A home that does not come up still says what is well and what is not."""

from pathlib import Path

from config.settings import Settings
from pipeline.errors import Unavailable
from pipeline.home.doctor import probes_alone
from pipeline.paths import HomePaths


def test_the_machine_is_probed_beside_the_reason(tmp_path: Path) -> None:
    reason = Unavailable("the store at s3.example does not answer", vi="Kho lưu trữ không trả lời")
    probes = probes_alone(HomePaths(tmp_path), Settings(), reason)
    assert [probe["state"] for probe in probes[:3]] == ["ok", "ok", "ok"]
    last = probes[-1]
    assert (last["state"], last["found"]) == ("error", "Kho lưu trữ không trả lời")
    assert "s3.example" in last["remedy"]
