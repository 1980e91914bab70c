"""Whose Space it is, from what signing in left in the session; the Hub is faked."""

from __future__ import annotations

from typing import Any

import pytest

from distill_core.services import owners
from distill_core.services.owners import Owners

NOW = 1_800_000_000.0


def session(
    name: str = "somebody", *, orgs: Any = None, token: Any = "hf_x", expires: Any = NOW + 60
) -> dict[str, Any]:
    person = {"preferred_username": name, "name": "The Owner"} | ({} if orgs is None else {"orgs": orgs})
    return {"oauth_info": {"userinfo": person, "access_token": token, "expires_at": expires}}


def org(name: str, role: str = "admin") -> dict[str, str]:
    return {"preferred_username": name, "name": "The Full Name", "roleInOrg": role}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Answers by token; counts its questions."""
    said: dict[str, Any] = {"asked": 0}

    def whoami(token: str) -> dict[str, Any]:
        said["asked"] += 1
        if token not in said:
            raise ConnectionError("no way there")
        return said[token]

    monkeypatch.setattr(owners, "whoami", whoami)
    return said


@pytest.mark.parametrize(
    ("given", "owner"),
    [
        (session("me"), True),
        (session("ME"), True),
        (session("somebody", orgs=[]), False),
        (session("somebody", orgs=[org("me")]), True),
        (session("somebody", orgs=[org("me", "write")]), False),
        (session("somebody", orgs=[org("other")]), False),
        (session("somebody", orgs=[{"name": "me", "roleInOrg": "admin"}]), False),  # a full name can be anything
        (session("somebody", orgs=["me", None, 7]), False),
        (session("me", expires=NOW - 1), False),
        (session("me", expires=None), False),
        (session("me", expires="never"), False),
        ({}, False),
        (None, False),
        ({"oauth_info": None}, False),
        ({"oauth_info": {"userinfo": "me"}}, False),
        ({"oauth_info": {"userinfo": {"preferred_username": ["me"]}, "expires_at": NOW + 1}}, False),
    ],
)
def test_owners(hub: dict[str, Any], given: Any, owner: bool) -> None:
    assert Owners("me/stillroom").owns(given, NOW) is owner
    assert hub["asked"] == 0


def test_the_author_of_a_space_is_its_owner_too(hub: dict[str, Any]) -> None:
    assert Owners("team/stillroom", "Me").owns(session("me", orgs=[]), NOW)
    assert not Owners("team/stillroom").owns(session("me", orgs=[]), NOW)
    assert not Owners("/", "").owns(session("", orgs=[]), NOW)


def test_the_hub_is_asked_once_about_organisations(hub: dict[str, Any]) -> None:
    hub["hf_admin"] = {"orgs": [{"name": "team", "roleInOrg": "admin"}]}
    hub["hf_reader"] = {"orgs": [{"name": "team", "roleInOrg": "read"}, {"name": "x", "roleInOrg": "admin"}]}
    space = Owners("team/stillroom")
    for _ in range(3):
        assert space.owns(session(token="hf_admin"), NOW) and not space.owns(session(token="hf_reader"), NOW)
    assert hub["asked"] == 2
    assert space.owns(session(token="hf_admin", expires=NOW + 1e6), NOW + owners.REMEMBERED_S + 1)
    assert hub["asked"] == 3


def test_a_hub_that_says_nothing_makes_no_owner(hub: dict[str, Any]) -> None:
    space = Owners("team/stillroom")
    assert not space.owns(session(token="hf_unknown"), NOW) and not space.owns(session(token=None), NOW)
    hub["hf_unknown"] = {"orgs": [{"name": "team", "roleInOrg": "admin"}]}
    assert space.owns(session(token="hf_unknown"), NOW), "a failure must not be remembered"
