"""Whose Space it is, from what signing in left in the session, or from a program's token; the Hub is faked."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from distill_core.services import owners
from distill_core.services.owners import Owners
from tests.sign_in import SIGNED_IN, SignIn, told_of_token

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


def test_a_session_proves_nothing_where_nobody_can_sign_in() -> None:
    assert not Owners("me/stillroom", signing=False).owns(session("me"), NOW)


# ---------------------------------------------------------------- programs, by their token; the Hub is a local one

MINE = "hf_" + "a" * 34
ON_SPACE = (("space", "me/stillroom", "repo.write"),)


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[SignIn]:
    with SignIn() as found:
        monkeypatch.setenv("HF_ENDPOINT", found.url)
        yield found


def tokens_of(provider: SignIn) -> int:
    return provider.asked.count("/api/whoami-v2")


@pytest.mark.parametrize(
    ("said", "owner"),
    [
        (told_of_token("me"), True),
        (told_of_token("ME"), True),
        (told_of_token("me", "read"), False),
        (told_of_token("me", "god"), False),
        (told_of_token("somebody"), False),
        (told_of_token("somebody", orgs=(("me", "admin"),)), True),
        (told_of_token("somebody", orgs=(("me", "write"), ("other", "admin"))), False),
        (told_of_token("somebody", "read", orgs=(("me", "admin"),)), False),
        (told_of_token("me", "fineGrained", scoped=ON_SPACE), True),
        (told_of_token("me", "fineGrained", scoped=(("user", "me", "repo.write"),)), True),
        (told_of_token("me", "fineGrained", scoped=(("user", "me", "repo.content.read"),)), False),
        (told_of_token("me", "fineGrained", scoped=(("space", "me/other", "repo.write"),)), False),
        (told_of_token("me", "fineGrained", scoped=(("model", "me/stillroom", "repo.write"),)), False),
        (told_of_token("me", "fineGrained", scoped=(("org", "other", "repo.write"),)), False),
        (told_of_token("me", "fineGrained"), False),
        (told_of_token("somebody", "fineGrained", scoped=ON_SPACE), False),
        (told_of_token("x", "fineGrained", scoped=(("org", "me", "repo.write"),), orgs=(("me", "admin"),)), True),
        ({**told_of_token("me"), "auth": {"type": "oauth", "accessToken": {"role": "write"}}}, False),
        ({**told_of_token("me"), "type": "org"}, False),
        ({"type": "user", "name": "me", "orgs": None}, False),
        ({**told_of_token("me"), "auth": {"type": "access_token", "accessToken": "write"}}, False),
    ],
)
def test_tokens_that_may_write_to_the_space_are_its_owners(provider: SignIn, said: Any, owner: bool) -> None:
    provider.tokens[MINE] = said
    space = Owners("me/stillroom", signing=False)
    assert [space.bears(MINE, NOW) for _ in range(3)] == [owner] * 3
    assert tokens_of(provider) == 1, "the answer must be remembered, whatever it is"


def test_answers_about_tokens_hold_for_a_while(provider: SignIn) -> None:
    space = Owners("me/stillroom")
    assert not space.bears(MINE, NOW)
    provider.tokens[MINE] = told_of_token("me")
    assert not space.bears(MINE, NOW + owners.REFUSED_S - 1) and space.bears(MINE, NOW + owners.REFUSED_S + 1)
    del provider.tokens[MINE]  # taken back on the Hub
    later = NOW + owners.REFUSED_S + owners.REMEMBERED_S
    assert space.bears(MINE, later) and not space.bears(MINE, later + 2)
    assert tokens_of(provider) == 3


@pytest.mark.parametrize(
    "token", [None, "", "hf_", "secret", SIGNED_IN, "hf_" + "a" * 300, MINE + " ", "hf_é" + "a" * 30]
)
def test_what_is_no_access_token_is_not_asked_about(provider: SignIn, token: str | None) -> None:
    provider.known = told_of_token("me")
    assert not Owners("me/stillroom").bears(token, NOW)
    assert provider.asked == []


def test_a_stranger_cannot_make_it_ask_without_end(provider: SignIn) -> None:
    space = Owners("me/stillroom")
    provider.tokens[MINE] = told_of_token("me")
    assert space.bears(MINE, NOW)
    for number in range(3 * owners.MOST_ASKED):
        assert not space.bears(f"hf_{number:034d}", NOW)
    assert tokens_of(provider) == owners.MOST_ASKED
    other = "hf_" + "b" * 34
    provider.tokens[other] = told_of_token("me")
    assert not space.bears(other, NOW + 59), "the minute is used up"
    assert space.bears(other, NOW + 61)
    for number in range(owners.MOST_ASKED):
        space.bears(f"hf_{number:034d}", NOW + owners.REMEMBERED_S)
    asked = tokens_of(provider)
    assert space.bears(MINE, NOW + owners.REMEMBERED_S + 1), "who was the owner before is asked about at any time"
    assert tokens_of(provider) == asked + 1


def test_what_is_remembered_of_tokens_is_bounded_and_no_token(
    hub: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owners, "MOST_ASKED", 10_000)
    monkeypatch.setattr(owners, "MOST_REMEMBERED", 5)
    hub[MINE] = told_of_token("me")
    space = Owners("me/stillroom")
    assert space.bears(MINE, NOW)
    for number in range(20):
        space.bears(f"hf_{number:034d}", NOW)
    assert hub["asked"] == 21
    assert space.bears(MINE, NOW) and hub["asked"] == 21, "strangers must not crowd out the owner"
    held = repr([vars(space._tokens), vars(space)])
    assert MINE not in held and "hf_" not in held and len(space._tokens._bad) == 5


def test_a_hub_that_says_nothing_makes_no_owner_of_a_token_either(
    monkeypatch: pytest.MonkeyPatch, provider: SignIn, caplog: pytest.LogCaptureFixture
) -> None:
    provider.tokens[MINE] = told_of_token("me")
    space = Owners("me/stillroom")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    with caplog.at_level(logging.DEBUG):
        assert not space.bears(MINE, NOW)
    assert "did not say" in caplog.text and MINE not in caplog.text
    monkeypatch.setenv("HF_ENDPOINT", provider.url)
    assert not space.bears(MINE, NOW + owners.UNANSWERED_S - 1)
    assert space.bears(MINE, NOW + owners.UNANSWERED_S + 1)
