"""The home's own store from the settings; apart from `wire`, which takes seconds to import."""

from __future__ import annotations

from config.settings import Settings
from pipeline.paths import HomePaths
from storage.seaweedfs_process import StoreProcess


def store_process(paths: HomePaths, settings: Settings) -> StoreProcess:
    """The process of the home's own store, not launched yet."""
    return StoreProcess(paths.store, bucket=settings.s3.bucket, grace=settings.process.store_seconds)
