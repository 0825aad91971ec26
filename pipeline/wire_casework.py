"""Settings in, what handles dossiers as a whole out: procedures, codes, the one-stop system, the outbox."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from sqlalchemy import Engine as Database

import config
from config.settings import Settings
from pipeline.casework import Casework, Destination, secret_of
from pipeline.classify.types import TypeCatalogue
from pipeline.paths import HomePaths
from pipeline.procedures.catalogue import ProcedureShelf
from pipeline.procedures.issuing import Templates as CodeTemplates
from pipeline.registry.http import HttpClient, HttpRegistry
from pipeline.request_book import RequestBook
from storage.dossiers import Dossiers
from storage.outbox import Outbox
from storage.registered import Registered
from storage.s3 import Bucket
from storage.scan_requests import ScanRequests


def procedure_shelf(paths: HomePaths, settings: Settings, types: TypeCatalogue) -> ProcedureShelf:
    """The bundled procedures, and the home's own over them."""
    own = settings.procedures.folder or paths.procedures
    return ProcedureShelf([Path(config.__path__[0]) / "procedures", own], types.types.keys())


def open_casework(
    paths: HomePaths,
    settings: Settings,
    database: Database,
    requests: ScanRequests,
    bucket: Bucket,
    types: TypeCatalogue,
    lock: timedelta,
) -> Casework:
    """What handles dossiers as a whole. Raises UsageError when an address or a template is wrong."""
    wanted = settings.registry
    registry = None
    if wanted.url:
        registry = HttpRegistry(
            HttpClient(wanted.url, timeout=wanted.timeout_seconds),
            token=secret_of(wanted.token, wanted.token_file),
        )
    secret = secret_of(wanted.webhook_secret, wanted.webhook_secret_file)
    places = {"event": wanted.webhook_url, "return_set": settings.returns.url}
    shelf = procedure_shelf(paths, settings, types)
    registered = Registered(database)
    required = wanted.required or registry is not None
    return Casework(
        dossiers=Dossiers(database, bucket, lock=lock),
        shelf=shelf,
        templates=CodeTemplates.load(
            settings.procedures.codes or Path(config.__path__[0]) / "issued_codes.toml"
        ),
        registered=registered,
        outbox=Outbox(database),
        registry=registry,
        requests=RequestBook(
            kept=requests,
            registered=registered,
            registry=registry,
            shelf=shelf,
            required=required,
            agency=settings.agency.code,
        ),
        required=required,
        destinations={
            kind: Destination(HttpClient(url, timeout=wanted.timeout_seconds), secret)
            for kind, url in places.items()
            if url
        },
    )
