"""Who is let in: whether the file of tokens can be read and whom it names, and the keys of JWTs.

A file of its own: what is wrong with either is found where servers use them (`net`), and is only told here.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from ...core.errors import BadField, OperatorError
from ...net.json_web_token import check_installed, key_source, lacking_settings
from ...net.jwks import KeyUrl, fetched
from ...net.tls import utc_now
from ...net.token_file import token_file
from ...settings import Settings
from ...settings.command_line import COMMAND_LINE
from .result import CheckResult


async def check_access(settings: Settings, now: Callable[[], datetime] = utc_now) -> list[CheckResult]:
    """Of what is set alone. The keys are fetched, where they are at a URL."""
    found = [await asyncio.to_thread(_tokens, settings, now())] if settings.token_file is not None else []
    if settings.jwt_jwks or settings.jwt_issuer or settings.jwt_audience:
        result = CheckResult("access", "jwt", where=settings.jwt_jwks)
        found += [_broken(result, each) for each in lacking_settings(COMMAND_LINE.option, vars(settings))]
        if settings.jwt_jwks:
            found.append(await asyncio.to_thread(_keys, result))
    return found


def _tokens(settings: Settings, now: datetime) -> CheckResult:
    assert settings.token_file is not None
    result = CheckResult("access", "tokens", where=str(settings.token_file))
    try:
        tokens = token_file(settings.token_file, COMMAND_LINE.option("token_file")).value
    except BadField as error:
        return _broken(result, error)
    over = sum(token.is_over(now) for token in tokens)
    admins = sum(token.is_admin and not token.is_over(now) for token in tokens)
    told = f"{len(tokens) - over} tokens, {admins} of administrators"
    return replace(result, works=True, result=f"{told}; {over} have expired" if over else told)


def _keys(result: CheckResult) -> CheckResult:
    try:
        check_installed(COMMAND_LINE.option("jwt_jwks"))
        source = key_source(result.where, COMMAND_LINE.option("jwt_jwks"))
        keys = fetched(source.url) if isinstance(source, KeyUrl) else source.keys
    except BadField as error:
        return _broken(result, error)
    except OperatorError as error:
        return replace(result, error=str(error))
    except ValueError as error:
        fix = "see whether it is the address of the issuer's JWK Set, and can be reached from here"
        return replace(result, is_reachable=False, error=f"the keys cannot be fetched: {error}", fix=fix)
    return replace(result, works=True, result=f"{len(keys)} keys: {', '.join(key.kind for key in keys)}")


def _broken(result: CheckResult, error: BadField) -> CheckResult:
    """Whose error says what is accepted: there is nothing to add."""
    return replace(result, error=str(error))
