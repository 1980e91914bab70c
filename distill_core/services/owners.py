"""Whose Space is it? Told by what Hugging Face says of the person who signed in, or of a program's access token."""

from __future__ import annotations

import hashlib
import logging
import re
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Mapping
from typing import Any

from huggingface_hub import get_session
from huggingface_hub.utils import HfHubHTTPError, build_hf_headers, hf_raise_for_status

from distill_core import hub

log = logging.getLogger(__name__)

#: s for which an answer of the Hub holds: about a person's organisations, about the owner's token
REMEMBERED_S = 600.0
MOST_REMEMBERED = 500
ADMIN = "admin"

#: s for which a token is a stranger's after the Hub said so, and after the Hub said nothing
REFUSED_S, UNANSWERED_S = 60.0, 10.0
#: questions a minute about tokens that were never the owner's
MOST_ASKED = 20
#: people's access tokens; those that apps are lent (hf_oauth_…, hf_jwt_…) are not even asked about
ACCESS_TOKEN = re.compile(r"hf_[A-Za-z0-9]{10,100}")
WRITE = "repo.write"


def whoami(token: str) -> dict[str, Any]:
    """What the Hub says of a token. Raises whatever goes wrong; the Hub's own client would wait without an end."""
    asked = get_session().get(
        f"{hub.endpoint()}/api/whoami-v2", headers=build_hf_headers(token=token), timeout=hub.ANSWER_SECONDS
    )
    hf_raise_for_status(asked)
    said: dict[str, Any] = asked.json()
    return said


class Owners:
    """space_id: "owner/name". The owner is that person, or whoever administers that organisation. signing: can people
    sign in? Where not, a session proves nothing."""

    def __init__(self, space_id: str, author: str = "", *, signing: bool = True) -> None:
        self.space_id, self.signing = space_id.lower(), signing
        self.names = {name.lower() for name in (space_id.partition("/")[0], author) if name}
        self._asked: dict[str, tuple[float, bool]] = {}
        self._tokens = Tokens()
        self._lock = threading.Lock()

    def owns(self, session: Mapping[str, Any] | None, now: float | None = None) -> bool:
        """session: of a signed cookie, as Gradio's sign-in leaves it. Anything that is not as expected is no owner."""
        now = time.time() if now is None else now
        info = (session or {}).get("oauth_info") if self.signing else None
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

    def bears(self, token: str | None, now: float | None = None) -> bool:
        """token: what a program sent. Is it an access token of the owner's that may write to the Space? One that may
        only read is often lent to other people's programs, and starts nothing here."""
        if token is None or ACCESS_TOKEN.fullmatch(token) is None:
            return False
        now = time.time() if now is None else now
        key = _hashed(token)
        known = self._tokens.known(key, now)
        if known is not None:
            return known
        if not self._tokens.may_ask(key, now):
            return False
        found, holds_s = False, UNANSWERED_S
        try:
            said = whoami(token)
            found = self._is_theirs(said) and self._may_write(said)
            holds_s = REMEMBERED_S if found else REFUSED_S
        except HfHubHTTPError as error:
            if error.response.status_code in (401, 403):
                holds_s = REFUSED_S
        except Exception as error:
            log.warning("the Hub did not say whose token a program sent: %s", type(error).__name__)
        self._tokens.keep(key, found, now + holds_s)
        return found

    def _is_theirs(self, said: Mapping[str, Any]) -> bool:
        if said.get("type") != "user":
            return False
        orgs = said.get("orgs")
        return self._is_ours(said.get("name")) or (isinstance(orgs, list) and self._administers(orgs, "name"))

    def _may_write(self, said: Mapping[str, Any]) -> bool:
        """A token with the role write, or a fine-grained one that may write to this Space's repository."""
        token = _part(_part(said, "auth"), "accessToken")
        if _part(said, "auth").get("type") != "access_token":
            return False
        if token.get("role") != "fineGrained":
            return token.get("role") == "write"
        scoped = _part(token, "fineGrained").get("scoped")
        return any(
            isinstance(scope, Mapping)
            and self._is_the_space(_part(scope, "entity"))
            and WRITE in (scope.get("permissions") or ())
            for scope in (scoped if isinstance(scoped, list) else [])
        )

    def _is_the_space(self, entity: Mapping[str, Any]) -> bool:
        """Is this repository meant, by its own name or as one of its owner's?"""
        name = entity.get("name")
        if entity.get("type") == "space":
            return isinstance(name, str) and name.lower() == self.space_id
        return entity.get("type") in ("user", "org") and self._is_ours(name)

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
        key = _hashed(token)
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


class Tokens:
    """What the Hub said of programs' tokens, by their hashes.

    Anybody can send any number of made-up ones. So the owner's are kept apart, where others cannot crowd them out; and
    only so many new ones are asked about in a minute. One that was the owner's before is asked about at any time.
    """

    def __init__(self) -> None:
        self._good: OrderedDict[str, float] = OrderedDict()  # until when it holds; kept when that is over
        self._bad: OrderedDict[str, float] = OrderedDict()
        self._times: deque[float] = deque()
        self._lock = threading.Lock()

    def known(self, key: str, now: float) -> bool | None:
        """None: the Hub has to be asked."""
        with self._lock:
            if self._good.get(key, 0.0) > now:
                return True
            return False if self._bad.get(key, 0.0) > now else None

    def may_ask(self, key: str, now: float) -> bool:
        """May the Hub be asked about this token now? If so, that counts."""
        with self._lock:
            if key in self._good:
                return True
            while self._times and self._times[0] <= now - 60:
                self._times.popleft()
            if len(self._times) >= MOST_ASKED:
                return False
            self._times.append(now)
            return True

    def keep(self, key: str, good: bool, until: float) -> None:
        with self._lock:
            for kept in (self._good, self._bad):
                kept.pop(key, None)
            kept = self._good if good else self._bad
            kept[key] = until
            while len(kept) > MOST_REMEMBERED:
                kept.popitem(last=False)


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _part(said: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = said.get(name)
    return found if isinstance(found, Mapping) else {}
