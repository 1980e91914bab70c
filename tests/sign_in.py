"""Hugging Face on this machine: a sign-in that lets `person` in without asking, and `whoami` of the tokens it knows.

Answers as the Hub does: discovery, authorize (a redirect with a code), token (an ID token, signed), keys, userinfo, and
/api/whoami-v2.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

from tests.local_server import LocalServer

CLIENT, SECRET = "the-space", "the-space's secret"
#: the token that signing in gives
SIGNED_IN = "hf_oauth_x"


def told_of_token(
    name: str,
    role: str = "write",
    *,
    scoped: tuple[tuple[str, str, str], ...] = (),
    orgs: tuple[tuple[str, str], ...] = (),
) -> dict[str, Any]:
    """What whoami says of an access token. role: read, write or fineGrained; scoped: (kind, name, permission) of what a
    fine-grained one reaches; orgs: (name, role in it)."""
    token: dict[str, Any] = {"displayName": "program", "role": role, "createdAt": "2026-01-01T00:00:00.000Z"}
    if role == "fineGrained":
        parts = [{"entity": {"_id": "1", "type": kind, "name": of}, "permissions": [may]} for kind, of, may in scoped]
        token["fineGrained"] = {"canReadGatedRepos": True, "global": ["post.write"], "scoped": parts}
    member = [{"type": "org", "name": org, "roleInOrg": of} for org, of in orgs]
    auth = {"type": "access_token", "accessToken": token}
    return {"type": "user", "id": "1", "name": name, "orgs": member, "auth": auth}


@dataclass
class SignIn(LocalServer):
    """person: who is let in, as userinfo tells them (`orgs` left out: they did not allow that to be told). known: what
    whoami says of them; tokens: and of access tokens. asked: paths, in order."""

    person: dict[str, Any] = field(default_factory=lambda: {"preferred_username": "somebody", "orgs": []})
    known: dict[str, Any] = field(default_factory=lambda: {"type": "user", "name": "somebody", "orgs": []})
    tokens: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    codes: dict[str, str] = field(default_factory=dict)
    url: str = ""

    def handler(self) -> type[BaseHTTPRequestHandler]:
        self.key = RSAKey.generate_key(2048, parameters={"kid": "one"})
        return type("Handler", (_Handler,), {"provider": self})

    def environment(self) -> dict[str, str]:
        """What a Space with `hf_oauth: true` says of itself."""
        return {
            "OAUTH_CLIENT_ID": CLIENT,
            "OAUTH_CLIENT_SECRET": SECRET,
            "OAUTH_SCOPES": "openid profile",
            "OPENID_PROVIDER_URL": self.url,
            "HF_ENDPOINT": self.url,
            "HF_HUB_OFFLINE": "0",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "NO_PROXY": "127.0.0.1",
        }

    def about(self) -> dict[str, Any]:
        name = self.person["preferred_username"]
        return {"sub": name, "name": name, "profile": f"{self.url}/{name}", "picture": "", **self.person}


class _Handler(BaseHTTPRequestHandler):
    provider: SignIn

    def log_message(self, *args: object) -> None:
        """Tests have no use for an access log."""

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        query = {key: values[-1] for key, values in parse_qs(address.query).items()}
        self.provider.asked.append(address.path)
        if address.path == "/.well-known/openid-configuration":
            return self._json(self._discovery())
        if address.path == "/oauth/authorize":
            code = f"code-{len(self.provider.codes)}"
            self.provider.codes[code] = query.get("nonce", "")
            return self._redirect(query["redirect_uri"], {"code": code, "state": query["state"]})
        if address.path == "/oauth/jwks":
            return self._json({"keys": [self.provider.key.as_dict(private=False, use="sig", alg="RS256")]})
        if address.path == "/oauth/userinfo":
            return self._json(self.provider.about())
        if address.path == "/api/whoami-v2":
            token = self.headers.get("Authorization", "").removeprefix("Bearer ")
            said = self.provider.known if token == SIGNED_IN else self.provider.tokens.get(token)
            return self._json({"error": "Invalid user token"}, 401) if said is None else self._json(said)
        return self._json({"error": "Not found"}, 404)

    def do_POST(self) -> None:
        self.provider.asked.append(urlsplit(self.path).path)
        body = parse_qs(self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode())
        nonce = self.provider.codes.pop(body["code"][0], None)
        if nonce is None:
            return self._json({"error": "invalid_grant"}, 400)
        now = int(time.time())
        claims = {"iss": self.provider.url, "aud": CLIENT, "iat": now, "exp": now + 3600, "nonce": nonce}
        signed = jwt.encode({"alg": "RS256", "kid": "one"}, {**claims, **self.provider.about()}, self.provider.key)
        token = {"access_token": SIGNED_IN, "token_type": "bearer", "expires_in": 3600, "scope": "openid profile"}
        return self._json({**token, "id_token": signed})

    def _discovery(self) -> dict[str, Any]:
        url = self.provider.url
        return {
            "issuer": url,
            "authorization_endpoint": f"{url}/oauth/authorize",
            "token_endpoint": f"{url}/oauth/token",
            "userinfo_endpoint": f"{url}/oauth/userinfo",
            "jwks_uri": f"{url}/oauth/jwks",
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    def _json(self, value: object, status: int = 200) -> None:
        content = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _redirect(self, where: str, query: dict[str, str]) -> None:
        self.send_response(302)
        self.send_header("Location", f"{where}{'&' if '?' in where else '?'}{urlencode(query)}")
        self.send_header("Content-Length", "0")
        self.end_headers()
