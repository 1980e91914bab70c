"""Whose Space is it? Told by what Hugging Face says of the person who signed in."""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Mapping
from typing import Any

from huggingface_hub import whoami

log = logging.getLogger(__name__)

#: s for which an answer of the Hub about a person's organisations holds
REMEMBERED_S = 600.0
MOST_REMEMBERED = 500
ADMIN = "admin"


class Owners:
    """space_id: "owner/name". The owner is that person, or whoever administers that organisation."""

    def __init__(self, space_id: str, author: str = "") -> None:
        self.names = {name.lower() for name in (space_id.partition("/")[0], author) if name}
        self._asked: dict[str, tuple[float, bool]] = {}
        self._lock = threading.Lock()

    def owns(self, session: Mapping[str, Any] | None, now: float | None = None) -> bool:
        """session: of a signed cookie, as Gradio's sign-in leaves it. Anything that is not as expected is no owner."""
        now = time.time() if now is None else now
        info = (session or {}).get("oauth_info")
        if not isinstance(info, Mapping) or not isinstance(info.get("userinfo"), Mapping):
            return False
        expires = info.get("expires_at")
        if not isinstance(expires, int | float) or expires < now:
            return False
        person = info["userinfo"]
        if self._is_ours(person.get("preferred_username")):
            return True
        orgs = person.get("orgs")
        if isinstance(orgs, list):
            return self._administers(orgs, "preferred_username")
        return self._asked_of_the_hub(info.get("access_token"), now)

    def _is_ours(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self.names

    def _administers(self, orgs: list[Any], name: str) -> bool:
        return any(
            isinstance(org, Mapping) and self._is_ours(org.get(name)) and org.get("roleInOrg") == ADMIN for org in orgs
        )

    def _asked_of_the_hub(self, token: object, now: float) -> bool:
        """Where signing in told no organisations (it does so only if the person allowed it): the Hub does."""
        if not isinstance(token, str) or not token:
            return False
        key = hashlib.sha256(token.encode()).hexdigest()
        with self._lock:
            known = self._asked.get(key)
        if known is not None and known[0] > now:
            return known[1]
        try:
            said = whoami(token)
            found = self._administers(list(said.get("orgs") or []), "name")
        except Exception as error:
            log.warning("the Hub did not say who is signed in: %s", type(error).__name__)
            return False
        with self._lock:
            if len(self._asked) >= MOST_REMEMBERED:
                self._asked.clear()
            self._asked[key] = (now + REMEMBERED_S, found)
        return found
