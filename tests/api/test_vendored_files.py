"""What the browser loads is what the lock names: committed, unchanged, licensed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from api.pages.vendoring import PACKAGES, ROOT, VENDOR, sha256

ENTRIES = json.loads((VENDOR / "vendor.json").read_text())


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["name"])
def test_vendored_files_have_the_checksums_that_were_recorded(entry: dict[str, Any]) -> None:
    folder = VENDOR / entry["folder"]

    found = {path.name: sha256(path) for path in folder.iterdir()}

    assert found == entry["sha256"]


def test_every_package_in_use_is_recorded_with_its_licence_and_locked_version() -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text())["packages"]

    assert [entry["name"] for entry in ENTRIES] == [package.name for package in PACKAGES]
    for entry in ENTRIES:
        assert "LICENSE" in entry["sha256"]
        assert entry["version"] == lock[f"node_modules/{entry['name']}"]["version"]


def test_no_vendored_file_names_a_source_map_or_another_host() -> None:
    for path in VENDOR.glob("*/*.*s"):
        text = path.read_text()
        assert "sourceMappingURL" not in text
        assert "@import" not in text
