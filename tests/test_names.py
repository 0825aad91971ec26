"""Nobody else in the environment ships a package of our names (docs/decisions/0001)."""

from __future__ import annotations

from importlib.metadata import packages_distributions

OURS = ("pipeline", "scanners", "ocr", "signing", "storage", "config", "samples")


def test_no_other_distribution_ships_our_names() -> None:
    owners = packages_distributions()
    assert {name: set(owners.get(name, ["sohoa"])) for name in OURS} == {name: {"sohoa"} for name in OURS}
