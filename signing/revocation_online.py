"""Asking OCSP and CRL servers that a file's certificates name: by HTTP only, never in one's own network.

The addresses come from whoever made the file, so loopback, private and link-local ones are refused unless an
administrator named the host.
"""

from __future__ import annotations

import ipaddress
from types import SimpleNamespace
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import DefaultResolver
from pyhanko_certvalidator.fetchers import FetcherBackend
from pyhanko_certvalidator.fetchers.aiohttp_fetchers import AIOHttpFetcherBackend
from yarl import URL

from signing.conditions import Conditions


class _Guarded(AbstractResolver):
    def __init__(self, hosts: tuple[str, ...]) -> None:
        self._inner = DefaultResolver()
        self._hosts = hosts

    async def resolve(self, host: str, port: int = 0, *args: Any, **named: Any) -> list[ResolveResult]:
        """The addresses of a host that may be asked. Raises OSError for others."""
        found = await self._inner.resolve(host, port, *args, **named)
        if host not in self._hosts:
            found = [one for one in found if ipaddress.ip_address(one["host"].split("%")[0]).is_global]
        if not found:
            raise OSError(f"{host} is at no public address")
        return found

    async def close(self) -> None:
        await self._inner.close()


def session(conditions: Conditions) -> aiohttp.ClientSession:
    """A session that reaches only what may be asked; to be closed by the caller, within its event loop."""
    trace = aiohttp.TraceConfig()

    async def check(_: aiohttp.ClientSession, __: SimpleNamespace, about: Any) -> None:
        _allow(about.url, conditions)

    async def follow(_: aiohttp.ClientSession, __: SimpleNamespace, about: Any) -> None:
        _allow(about.url.join(URL(about.response.headers.get("Location", ""))), conditions)

    trace.on_request_start.append(check)
    trace.on_request_redirect.append(follow)
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(resolver=_Guarded(conditions.hosts), use_dns_cache=False),
        trace_configs=[trace],
        timeout=aiohttp.ClientTimeout(total=conditions.timeout),
    )


def backend(conditions: Conditions, over: aiohttp.ClientSession) -> FetcherBackend:
    """PyHanko's fetchers over that session."""
    return AIOHttpFetcherBackend(session=over, per_request_timeout=int(conditions.timeout) or 1)


def _allow(url: URL, conditions: Conditions) -> None:
    host = str(url.host or "").strip("[]")
    if url.scheme not in ("http", "https") or (host not in conditions.hosts and _is_private(host)):
        raise aiohttp.InvalidURL(url)


def _is_private(host: str) -> bool:
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return False
