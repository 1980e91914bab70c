"""The doors: who may talk to the app. Host allow-list, Origin check, login, limits, and the launch itself."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse

from distill_core.layout import ASSETS
from ui import mcp, text, theme, visitors
from ui.asgi import App, Receive, Scope, Send

SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}


def host_of(value: str) -> str:
    """The name in a Host header, without its port: "localhost:7860" → "localhost", "[::1]:1" → "[::1]"."""
    value = value.strip().lower()
    if value.startswith("["):
        return value.partition("]")[0] + "]"
    return value.partition(":")[0]


def allowed_hosts(host: str, environment: Mapping[str, str]) -> set[str]:
    """Names this app answers to. A leading `*.` stands for any name below. Empty names never count."""
    names = {"localhost", "127.0.0.1", "[::1]"}
    if host not in ("0.0.0.0", "::", ""):
        names.add(f"[{host.strip('[]')}]" if ":" in host else host)
    names.add(environment.get("SPACE_HOST", ""))
    if environment.get("SPACE_ID"):
        names.add("*.hf.space")
    names |= set(environment.get("STILLROOM_ALLOWED_HOSTS", "").replace(",", " ").split())
    return {name.strip().lower() for name in names if name.strip()}


class Doorkeeper:
    """ASGI middleware. Refuses foreign Host headers (DNS rebinding) and changes asked for by foreign pages."""

    def __init__(self, app: App, allowed: set[str]) -> None:
        self.app = app
        self.allowed = allowed

    def knows(self, name: str) -> bool:
        return name in self.allowed or any(
            pattern.startswith("*.") and name.endswith(pattern[1:]) for pattern in self.allowed
        )

    def refusal(self, scope: Scope) -> str | None:
        """Why a request is refused, or None."""
        headers = {key.decode("latin-1").lower(): value.decode("latin-1") for key, value in scope["headers"]}
        if not self.knows(host_of(headers.get("host", ""))):
            return text.FORBIDDEN_HOST
        if scope["type"] == "http" and scope["method"] in SAFE_METHODS:
            return None
        if headers.get("sec-fetch-site") == "cross-site":
            return text.FORBIDDEN_ORIGIN
        origin = headers.get("origin")
        # Programs send no Origin; browsers do for every request that changes something.
        if origin is not None and not self._same(origin, headers.get("host", "")):
            return text.FORBIDDEN_ORIGIN
        return None

    def _same(self, origin: str, host: str) -> bool:
        """Is the page that asks one of ours: the same name and port? Behind a proxy the port may be left out."""
        parts = urlsplit(origin)
        if parts.hostname is None:
            return False  # "null": a sandboxed frame or a file
        return parts.netloc.lower() == host.strip().lower()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            reason = self.refusal(scope)
            if reason is not None:
                if scope["type"] == "websocket":
                    await send({"type": "websocket.close", "code": 1008})
                else:
                    await PlainTextResponse(reason + "\n", status_code=403)(scope, receive, send)
                return
        await self.app(scope, receive, send)


def launch(app: Any, settings: Any, *, environment: Mapping[str, str] | None = None) -> None:
    """Opens the app and returns; the caller waits. Raises OSError when the port is taken."""
    environment = os.environ if environment is None else environment
    middleware = [Middleware(Doorkeeper, allowed=allowed_hosts(settings.host, environment))]
    if settings.viewers:
        middleware.append(Middleware(visitors.Visitors, settings=settings))
    app.launch(
        server_name=settings.host,
        server_port=settings.port,
        favicon_path=ASSETS / "images" / "favicon.svg",
        theme=theme.theme(),
        css=theme.css(),
        head=theme.head(),
        auth=settings.auth,
        max_file_size=settings.max_upload_mb * 1_000_000,
        allowed_paths=None,
        ssr_mode=False,
        run_history=False,
        footer_links=[],
        quiet=True,
        show_error=False,
        inbrowser=False,
        share=False,
        enable_monitoring=False,
        mcp_server=settings.offers_mcp,
        prevent_thread_lock=True,
        app_kwargs={"middleware": middleware},
    )
    if settings.offers_mcp:
        mcp.answer_in_json(app)
