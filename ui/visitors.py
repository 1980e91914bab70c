"""Who asks: a Space's owner, or somebody who looks. `guarded` puts the guard before all that pages may ask for. Here is
also what a viewer is told, and the doors that do not go through `Services`: uploads, and files of the data folder."""

from __future__ import annotations

import urllib.parse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anyio.to_thread
import gradio as gr
from gradio import oauth
from gradio.context import LocalContext
from starlette.responses import PlainTextResponse

from distill_core.services.owners import Owners
from distill_core.services.viewing import Guarded
from ui import markup
from ui import text_visitors as words
from ui.asgi import App, Receive, Scope, Send

PREFIX = "/gradio_api"
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
#: what a viewer may post to: calls (guarded where they are answered) and what belongs to them
POSTS = ("queue/join", "component_server", "call", "run", "api", "reset", "cancel", "mcp")
FILES = f"{PREFIX}/file"


def session_of(request: Any) -> Mapping[str, Any] | None:
    """The signed cookie's contents of a Gradio or Starlette request; None where there are none."""
    inner = request.request if isinstance(request, gr.Request) else request
    scope = getattr(inner, "scope", None)
    found = scope.get("session") if isinstance(scope, dict) else None
    return found if isinstance(found, Mapping) else None


def token_of(scope: Any) -> str | None:
    """The token of `Authorization: Bearer …`. No page elsewhere can make a browser send that: a form cannot, and a
    script is asked for a leave that the app does not give.

    `x-hf-authorization`, which Gradio's clients send unasked, is not looked at: Spaces take it away before the app, and
    Gradio's own loop behind MCP adds one with the Space's token, which would make everybody the owner.
    """
    headers = scope.get("headers") if isinstance(scope, dict) else None
    for name, value in headers or ():
        if name.lower() == b"authorization":
            kind, _, token = value.decode("latin-1").strip().partition(" ")
            return token.strip() if kind.lower() == "bearer" else None
    return None


def owners_of(settings: Any) -> Owners:
    return Owners(settings.space_id, settings.space_author, signing=settings.oauth)


def is_owner(owners: Owners, request: Any) -> bool:
    """Signed in as the owner, or a program with the owner's token."""
    inner = request.request if isinstance(request, gr.Request) else request
    return owners.owns(session_of(request)) or owners.bears(token_of(getattr(inner, "scope", None)))


def guarded(services: Any, settings: Any) -> Any:
    """What pages are built on: on a Space the guard, else `Services` itself."""
    if not settings.viewers:
        return services
    owners = owners_of(settings)
    return Guarded(services, lambda: is_owner(owners, LocalContext.request.get(None)))


class Visitors:
    """ASGI middleware of viewer mode. Viewers upload nothing, and get no file of the data folder."""

    def __init__(self, app: App, settings: Any) -> None:
        self.app = app
        self.owners, self.root = owners_of(settings), Path(settings.home.root).resolve()

    def refusal(self, scope: Scope) -> str | None:
        path = str(scope.get("path", "")).rstrip("/")
        if scope["method"] in SAFE_METHODS:
            return words.NO_FILES if path.startswith(FILES) and self._is_ours(path) else None
        if any(path == f"{PREFIX}/{post}" or path.startswith(f"{PREFIX}/{post}/") for post in POSTS):
            return None
        return words.REFUSED

    def _is_ours(self, path: str) -> bool:
        """Does a path of Gradio's file route lead into the data folder? Compared as the route itself reads it."""
        asked = path.removeprefix(FILES).lstrip("=/")
        ways = {asked, urllib.parse.unquote(asked)}
        return any(
            Path(f"/{way}").resolve().is_relative_to(self.root) or Path(way).resolve().is_relative_to(self.root)
            for way in ways
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            reason = self.refusal(scope)
            # Only then is it worth asking who it is: that may take a question to the Hub.
            if reason is not None and not await anyio.to_thread.run_sync(self._owns, scope):
                await PlainTextResponse(reason + "\n", status_code=403)(scope, receive, send)
                return
        await self.app(scope, receive, send)

    def _owns(self, scope: Scope) -> bool:
        session = scope.get("session")
        known = self.owners.owns(session if isinstance(session, Mapping) else None)
        return known or self.owners.bears(token_of(scope))


# ---------------------------------------------------------------- what they are told


def told_html(settings: Any, owner: bool) -> str:
    """The line on top of every page."""
    if owner:
        return f'<p class="sr-visitor">{markup.esc(words.YOURS)}</p>'
    address = f"https://huggingface.co/spaces/{urllib.parse.quote(settings.space_id)}?duplicate=true"
    link = f'<a class="sr-button" href="{markup.esc(address)}" target="_blank" rel="noreferrer">{words.DUPLICATE}</a>'
    said = words.LOOK if settings.oauth else f"{words.LOOK} {words.NO_SIGN_IN}"
    return f'<p class="sr-visitor"><span>{markup.esc(said)}</span>{link}</p>'


def build(app: gr.Blocks, settings: Any) -> None:
    """Inside `gr.Blocks`, below the header. Nothing outside viewer mode."""
    if not settings.viewers:
        return
    owners = owners_of(settings)
    with gr.Row(elem_id="visitors"):
        said = markup.still_html(told_html(settings, False), elem_id="visitor-said")
        if settings.oauth:
            # Gradio's sign-in takes a Space for one by a variable that Docker Spaces lack; setting that variable would
            # also switch on its hot reloading, and pages that ask huggingface.co about the Space.
            oauth.get_space = lambda: settings.space_id
            gr.LoginButton(words.SIGN_IN, words.SIGN_OUT, size="md", scale=0, elem_id="sign-in", variant="secondary")

    def told(request: gr.Request) -> str:
        return told_html(settings, is_owner(owners, request))

    app.load(told, None, said, show_progress="hidden", api_visibility="private", concurrency_limit=None)
