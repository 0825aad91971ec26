"""Table of the one-time links by which papers go out to be signed. Working state: new links are made in a moment."""

from __future__ import annotations

from sqlalchemy import Column, Integer, String, Table

from storage.schema import metadata

signing_link = Table(
    "signing_link",
    metadata,
    Column("token_sha256", String(64), primary_key=True),
    Column("document", String(40), nullable=False, unique=True),
    Column("sha256", String(64), nullable=False),
    Column("actor", String(128), nullable=False),
    Column("port", Integer, nullable=False),
    Column("expires", String(40), nullable=False),
    Column("fetched", String(40)),
    Column("returned", String(40)),
    Column("refusals", Integer, nullable=False),
)
"""The token itself is nowhere; `port` is where the home answered, so that a home started anew answers there again."""
