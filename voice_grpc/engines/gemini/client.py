"""Opening google-genai's client, on a connection that is ours to keep warm and to bound."""

import asyncio
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import httpx2
from google import genai
from google.genai import types

from ...net.addresses import secrets_in
from ..http.client import limited, open_client
from ..http.errors import OPENING_ERRORS, unopened
from .errors import SERVER

KEPT_SECONDS = 200.0
"""For idle connections: less than the 240 s of Google's front end."""

DEFAULT_URL = "https://generativelanguage.googleapis.com"
_TRUE = ("true", "1")


def is_on_vertex(key: str) -> bool:
    """As the SDK decides it; a key of ours is one of the Gemini API, whatever else is set."""
    setting = os.environ.get("GOOGLE_GENAI_USE_ENTERPRISE", os.environ.get("GOOGLE_GENAI_USE_VERTEXAI", ""))
    return not key and setting.lower() in _TRUE


def address(on_vertex: bool) -> str:
    """Scheme, host and port of what the SDK will talk to, without a name or a password in it."""
    if on_vertex:
        location = os.environ.get("GOOGLE_CLOUD_LOCATION", "") or "global"
        host = "aiplatform" if location == "global" else f"{location}-aiplatform"
        url = os.environ.get("GOOGLE_VERTEX_BASE_URL") or f"https://{host}.googleapis.com"
    else:
        url = os.environ.get("GOOGLE_GEMINI_BASE_URL") or DEFAULT_URL
    read = urlsplit(url)
    return f"{read.scheme}://{read.netloc.rpartition('@')[2]}"


def secrets_of(key: str) -> tuple[str, ...]:
    """What the SDK sends and nobody is to see; the address of a proxy of Google's API may hold some too."""
    found = [key, os.environ.get("GOOGLE_API_KEY", "")]
    for name in ("GOOGLE_GEMINI_BASE_URL", "GOOGLE_VERTEX_BASE_URL"):
        found += secrets_in(os.environ.get(name, ""))
    return tuple(each for each in found if each)


def open_gemini(key: str, connect_seconds: float) -> tuple[httpx2.AsyncClient, genai.Client]:
    """Blocks: it reads certificates, and on Vertex credentials. Raises what the SDK raises, and `EngineError`
    when there can be no HTTP.

    `vertexai` is said although the SDK would find it out: it looks for its base URL before it does.
    """
    http = _open_http(address(is_on_vertex(key)), connect_seconds)
    options = types.HttpOptions(httpx_async_client=http)
    if is_on_vertex(key):
        return http, _open_on_vertex(options)
    if not key:
        return http, genai.Client(http_options=options)
    with _without_talk_of_keys():
        return http, genai.Client(vertexai=False, api_key=key, http_options=options)


async def close_gemini(opened: tuple[httpx2.AsyncClient, genai.Client]) -> None:
    http, client = opened
    await client.aio.aclose()
    await asyncio.to_thread(client.close)
    await http.aclose()


def _open_http(url: str, connect_seconds: float) -> httpx2.AsyncClient:
    """The SDK asks for no timeout at all, not even the client's own: it is set on each request as it goes
    out."""

    async def bound(request: httpx2.Request) -> None:
        request.extensions["timeout"] = httpx2.Timeout(None, connect=connect_seconds).as_dict()

    try:
        http = open_client(url, connect_seconds, limits=limited(KEPT_SECONDS))
    except OPENING_ERRORS as error:
        raise unopened("llm", SERVER, url, error) from None
    http.event_hooks = {**http.event_hooks, "request": [bound]}
    return http


def _open_on_vertex(options: types.HttpOptions) -> genai.Client:
    """With what the SDK reads itself, but does not look at when a base URL is set, unless it is given it."""
    project, location = (os.environ.get(f"GOOGLE_CLOUD_{name}") for name in ("PROJECT", "LOCATION"))
    if project and location:
        return genai.Client(vertexai=True, project=project, location=location, http_options=options)
    return genai.Client(vertexai=True, http_options=options)


@contextmanager
def _without_talk_of_keys() -> Iterator[None]:
    """The SDK says that it uses GOOGLE_API_KEY where both variables are set, also when it was given a key."""

    def passes(record: logging.LogRecord) -> bool:
        return not record.getMessage().startswith("Both GOOGLE_API_KEY and GEMINI_API_KEY are set")

    logger = logging.getLogger("google_genai._api_client")
    logger.addFilter(passes)
    try:
        yield
    finally:
        logger.removeFilter(passes)
