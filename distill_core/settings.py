"""Settings of the app, read from the environment once, and the lock on the data folder."""

from __future__ import annotations

import ipaddress
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock, Timeout

from distill_core.errors import DiskError, JobError, StillroomError
from distill_core.layout import DataHome

DEVICES = ("auto", "cpu", "cuda", "mps")
#: set on a Space whose front matter has `hf_oauth: true`; without the secret anybody could sign a cookie
OAUTH = ("OAUTH_CLIENT_ID", "OAUTH_CLIENT_SECRET", "OAUTH_SCOPES", "OPENID_PROVIDER_URL")


def is_loopback(host: str) -> bool:
    """True when only this machine can reach a server bound to `host` (a name other than localhost counts as not)."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


@dataclass(frozen=True)
class Settings:
    """What the app was told. `public` means: people who are not the owner of this machine may reach it.

    max_upload_mb in 10^6 bytes; max_queue counts waiting runs; auth is (user, password); mcp: are the API's functions
    offered as MCP tools, None: where that is safe (`offers_mcp`).
    On a Space: open_space: may everybody start runs? oauth: can people sign in? zero_gpu: is its GPU lent for moments?
    backup: a mounted folder that run folders are copied to.
    """

    home: DataHome
    host: str = "127.0.0.1"
    port: int = 7860
    allow_public: bool = False
    auth: tuple[str, str] | None = field(default=None, repr=False)
    space_id: str | None = None
    max_upload_mb: int = 200
    max_queue: int = 20
    device: str = "auto"
    mcp: bool | None = None
    space_author: str = ""
    open_space: bool = False
    oauth: bool = False
    zero_gpu: bool = False
    backup: Path | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Reads STILLROOM_HOME, HOST, PORT, ALLOW_PUBLIC, STILLROOM_AUTH (user:password), SPACE_ID, MAX_UPLOAD_MB,
        MAX_QUEUE, STILLROOM_DEVICE, STILLROOM_MCP, STILLROOM_BACKUP, and what a Space says of itself. Raises
        StillroomError naming the variable at fault."""
        env = os.environ if environment is None else environment
        home = env.get("STILLROOM_HOME")
        space_id = env.get("SPACE_ID") or None
        device = (env.get("STILLROOM_DEVICE") or "auto").lower()
        zero_gpu = space_id is not None and _flag(env.get("SPACES_ZERO_GPU"))
        backup = (env.get("STILLROOM_BACKUP") or "").strip()
        if device not in DEVICES:
            raise StillroomError(
                f"STILLROOM_DEVICE={device!r} is no device.", hint=f"Choose one of {', '.join(DEVICES)}."
            )
        return cls(
            home=DataHome(Path(home).expanduser().resolve()) if home else DataHome.from_environment(),
            host=env.get("HOST") or ("0.0.0.0" if space_id else "127.0.0.1"),
            port=_number(env, "PORT", 7860, 0, 65535),
            allow_public=_flag(env.get("ALLOW_PUBLIC")) or space_id is not None,
            auth=_auth(env.get("STILLROOM_AUTH")),
            space_id=space_id,
            max_upload_mb=_number(env, "MAX_UPLOAD_MB", 200, 1, 100_000),
            max_queue=_number(env, "MAX_QUEUE", 20, 1, 10_000),
            # A process of its own gets nothing of a GPU that is lent to one call for a moment.
            device="cpu" if zero_gpu else device,
            mcp=_flag(env["STILLROOM_MCP"]) if (env.get("STILLROOM_MCP") or "").strip() else None,
            space_author=env.get("SPACE_AUTHOR_NAME") or "",
            open_space=_flag(env.get("ALLOW_PUBLIC")),
            oauth=space_id is not None and all(env.get(name) for name in OAUTH),
            zero_gpu=zero_gpu,
            backup=Path(backup).expanduser().resolve() if backup else None,
        )

    @property
    def public(self) -> bool:
        """Reachable from other machines, or on a Space."""
        return self.space_id is not None or not is_loopback(self.host)

    @property
    def allow_local_paths(self) -> bool:
        """May people name files and folders of this machine? Only where the page is theirs alone."""
        return not self.public

    @property
    def viewers(self) -> bool:
        """Viewer mode: everybody but the owner only looks. On a Space, unless its owner set a login or opened it."""
        return self.space_id is not None and self.auth is None and not self.open_space

    @property
    def offers_mcp(self) -> bool:
        """Gradio's MCP endpoint asks for no login: by itself it is there only where nobody else can reach it."""
        return (not self.public and self.auth is None) if self.mcp is None else self.mcp

    @property
    def address(self) -> str:
        return f"http://{self.host}:{self.port}"

    def check_bind(self) -> None:
        """Raises StillroomError for a bind beyond loopback with neither login nor an explicit ALLOW_PUBLIC=1, and for
        a login that the MCP endpoint would go around."""
        if self.auth and self.offers_mcp:
            raise StillroomError(
                "STILLROOM_MCP=1 would let in whoever has no login: the MCP endpoint does not ask for one.",
                hint="Leave STILLROOM_MCP out, or guard the app by a proxy instead of STILLROOM_AUTH.",
            )
        if is_loopback(self.host) or self.auth or self.allow_public:
            return
        raise StillroomError(
            f"HOST={self.host} would let other machines use this app, and there is no login.",
            hint="Set STILLROOM_AUTH=user:password, or ALLOW_PUBLIC=1 if everyone may, or leave HOST at 127.0.0.1.",
        )


def _flag(value: str | None) -> bool:
    return (value or "").strip().lower() in {"1", "true", "yes", "on"}


def _number(env: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    text = (env.get(name) or "").strip()
    if not text:
        return default
    try:
        value = int(text)
    except ValueError:
        raise StillroomError(f"{name}={text!r} is no whole number.", hint=f"For example {name}={default}.") from None
    if not low <= value <= high:
        raise StillroomError(f"{name}={value} is out of range.", hint=f"It must lie between {low} and {high}.")
    return value


def _auth(text: str | None) -> tuple[str, str] | None:
    if not text:
        return None
    user, colon, password = text.partition(":")
    # A login that is set but unusable must never silently become "no login".
    if not (colon and user and password):
        raise StillroomError("STILLROOM_AUTH is not of the form user:password.", hint="Both parts must be there.")
    return user, password


class HomeLock:
    """The data folder belongs to one app at a time: two of them would start each other's runs twice."""

    def __init__(self, home: DataHome) -> None:
        self.home = home
        self._lock = FileLock(home.root / "home.lock")

    @property
    def _owner(self) -> Path:
        return self.home.root / "app.json"

    def acquire(self, address: str) -> HomeLock:
        """Raises JobError saying who holds the folder, DiskError when it cannot be written."""
        try:
            self._lock.acquire(timeout=0)
            self._owner.write_text(json.dumps({"pid": os.getpid(), "address": address}), encoding="utf-8")
        except Timeout:
            raise JobError(
                f"The data folder {self.home.root} is in use by another Stillroom{self._who()}.",
                hint="Use that one, close it first, or give this one a folder of its own with STILLROOM_HOME=FOLDER.",
            ) from None
        except OSError as error:
            self._lock.release()
            raise DiskError(
                f"The data folder {self.home.root} cannot be written: {error.strerror or error}.",
                hint="Choose another one with STILLROOM_HOME=FOLDER.",
            ) from None
        return self

    def _who(self) -> str:
        try:
            owner = json.loads(self._owner.read_text(encoding="utf-8"))
            return f" (process {owner['pid']}, {owner['address']})"
        except (OSError, ValueError, KeyError, TypeError):
            return ""

    def release(self) -> None:
        self._lock.release()
