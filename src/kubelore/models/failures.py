"""What can go wrong between here and a model, as errors for people."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from datetime import UTC, datetime
from difflib import get_close_matches
from email.utils import parsedate_to_datetime

import httpx

from kubelore.errors import ModelError
from kubelore.redaction import redact

RETRIED = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529})
UNREACHABLE_ATTEMPTS = 3
"""A refused connection seldom heals within a minute; a busy server does."""
SHOWN_MODELS = 12


class TryAgain(ModelError):
    """The endpoint may answer the next time."""

    def __init__(
        self, message: str, *, wait: float | None = None, attempts: int | None = None, hint: str | None = None
    ) -> None:
        """`wait` is what the server asked for, in seconds; `attempts` bounds the tries below the usual."""
        super().__init__(message, hint=hint)
        self.wait = wait
        self.attempts = attempts


class Refused(Exception):
    """The endpoint answered with an error; stays inside this package."""

    def __init__(self, status: int, message: str, code: str = "", wait: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = redact(message)[:500]
        self.code = code
        self.wait = wait

    @classmethod
    def of(cls, response: httpx.Response) -> Refused:
        """From an error response whose body has been read."""
        try:
            body = response.json()
        except (ValueError, RecursionError):
            body = None
        message, code = _message(body)
        wait = retry_after(response.headers.get("retry-after"))
        location = response.headers.get("location", "")
        if response.is_redirect and location:
            message = f"it redirects to {location}"
        return cls(response.status_code, message or response.text.strip()[:300], code, wait)

    @classmethod
    def in_stream(cls, body: object) -> Refused:
        """From an error that came in place of a piece of the answer."""
        message, code = _message(body)
        return cls(int(code) if code.isdigit() and len(code) == 3 else 500, message or "unknown error", code)

    def says(self, *phrases: str) -> bool:
        text = f"{self.message} {self.code}".lower()
        return any(phrase in text for phrase in phrases)

    def names_model(self) -> bool:
        """Whether it is the model that the server does not have."""
        unknown = self.says("not found", "not exist", "unknown", "invalid model", "no such", "not available")
        return self.status in (400, 403, 404, 422) and self.says("model") and unknown


def _message(body: object) -> tuple[str, str]:
    """Text and code of an error body, in the shapes of OpenAI, Ollama, FastAPI and gateways."""
    if not isinstance(body, dict):
        return "", ""
    error = body.get("error", body)
    if isinstance(error, str):
        return error, ""
    if not isinstance(error, dict):
        return "", ""
    text = error.get("message") or error.get("detail") or error.get("error") or ""
    code = error.get("code") or error.get("type") or ""
    return str(text), str(code)


def retry_after(header: str | None) -> float | None:
    """Seconds to wait by a Retry-After header, in either form; None when there is none."""
    if not header:
        return None
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        until = parsedate_to_datetime(header)
    except ValueError:
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(0.0, (until - datetime.now(UTC)).total_seconds())


def explain(
    refusal: Refused, url: str, model: str, *, has_key: bool, path: str = "/chat/completions"
) -> ModelError:
    """What a refused request means."""
    if refusal.says("insufficient_quota", "exceeded your current quota", "billing"):
        return ModelError(
            f"the account at {url} has no quota left: {refusal.message}", hint="see its billing page"
        )
    if refusal.status in RETRIED:
        busy = "is limiting requests" if refusal.status == 429 else f"failed (HTTP {refusal.status})"
        return TryAgain(f"{url} {busy}: {refusal.message}", wait=refusal.wait)
    if refusal.status in (401, 403):
        if has_key:
            return ModelError(
                f"{url} did not accept the API key (HTTP {refusal.status}): {refusal.message}",
                hint="check OPENAI_API_KEY, and that it belongs to OPENAI_BASE_URL",
            )
        return ModelError(f"{url} asks for an API key and none is set", hint="set OPENAI_API_KEY")
    if refusal.status == 404:
        return ModelError(
            f"{url} has no {path}",
            hint="OPENAI_BASE_URL usually ends in /v1, e.g. http://host:8000/v1",
        )
    if refusal.says(
        "context length", "context_length", "maximum context", "context window", "too many tokens"
    ):
        return ModelError(
            f"the prompt is too long for {model}: {refusal.message}", hint="use a model with a larger context"
        )
    return ModelError(f"{url} refused the request (HTTP {refusal.status}): {refusal.message}")


def no_such_model(url: str, model: str, known: Sequence[str]) -> ModelError:
    """`known` are the models the server has, when it tells."""
    text = f"{url} has no model {model}" if model else f"{url} needs the name of a model"
    if not known:
        return ModelError(text, hint="name another with --model")
    near = get_close_matches(model, known, n=3, cutoff=0.4)
    shown = [*near, *(name for name in known if name not in near)][:SHOWN_MODELS]
    more = f" and {len(known) - len(shown)} more" if len(known) > len(shown) else ""
    return ModelError(f"{text}; it has: {', '.join(shown)}{more}", hint="name one of them with --model")


def explain_transport(error: httpx.HTTPError, url: str) -> ModelError:
    """Why no complete answer came back."""
    text = str(error) or type(error).__name__
    if isinstance(error, httpx.ProxyError):
        return ModelError(
            f"the proxy on the way to {url} refused: {text}",
            hint="check HTTPS_PROXY, or name the host in NO_PROXY",
        )
    if "WRONG_VERSION_NUMBER" in text or "RECORD_LAYER_FAILURE" in text:
        return ModelError(f"{url} does not speak TLS", hint="write http:// in OPENAI_BASE_URL")
    if "CERTIFICATE" in text or "SSL" in text:
        return ModelError(
            f"the TLS certificate of {url} is not trusted: {text}",
            hint="name the file of its certificate authority in SSL_CERT_FILE",
        )
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        if isinstance(_root(error), socket.gaierror):
            return ModelError(f"the host of {url} has no address: {text}", hint="check OPENAI_BASE_URL")
        return TryAgain(
            f"nothing answers at {url}: {text}",
            attempts=UNREACHABLE_ATTEMPTS,
            hint="is the model server running? Check OPENAI_BASE_URL",
        )
    if isinstance(error, httpx.TimeoutException):
        return TryAgain(f"{url} stopped answering")
    return TryAgain(f"the connection to {url} broke off: {text}")


def _root(error: BaseException) -> BaseException:
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__ or error
    return error
