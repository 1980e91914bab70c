"""A small Hub of our own: serves folders over as much of the Hub's HTTP interface as the client libraries use.

`HubServer(root)` serves ``root/models/<owner>/<name>/…`` and ``root/datasets/<owner>/<name>/…``; every repository has
one branch, ``main``. Point ``HF_ENDPOINT`` at `.url` before huggingface_hub is imported (so: in a child process).
"""

from __future__ import annotations

import base64
import hashlib
import json
import time
from dataclasses import dataclass, field
from functools import lru_cache
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.local_server import LocalServer

LFS = {".safetensors", ".bin", ".parquet", ".arrow", ".model", ".onnx"}


@dataclass
class HubServer(LocalServer):
    """Context manager; the keyword arguments name repositories (``owner/name``) that misbehave.

    slow: seconds before each answer. broken: answer every request with this status (500, 503 …). gated: exist, but
    access is on request. facts: what the Hub tells of a repository beside its files (tags, downloads, cardData …).
    In slow and broken, ``search`` names the list of repositories. requests: what was asked, as ``METHOD path``, in
    order. sent: bytes of the bodies of its answers. writers: token → its owner, who may write below that name.
    created: what repositories were made with.
    """

    root: Path
    slow: dict[str, float] = field(default_factory=dict)
    broken: dict[str, int] = field(default_factory=dict)
    gated: frozenset[str] = frozenset()
    facts: dict[str, dict[str, Any]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    sent: int = 0
    writers: dict[str, str] = field(default_factory=dict)
    created: dict[str, dict[str, Any]] = field(default_factory=dict)
    uploads: dict[str, bytes] = field(default_factory=dict)
    url: str = ""

    def handler(self) -> type[BaseHTTPRequestHandler]:
        return type("Handler", (_Handler,), {"hub": self})

    def environment(self, home: Path) -> dict[str, str]:
        """Variables that point a child's Hugging Face libraries here, with caches of their own under `home`."""
        return {
            "HF_ENDPOINT": self.url,
            "HF_HOME": str(home),
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_OFFLINE": "0",
            "TRANSFORMERS_OFFLINE": "0",
            "HF_DATASETS_OFFLINE": "0",
            "NO_PROXY": "127.0.0.1",
        }


@dataclass(frozen=True)
class _File:
    path: str
    size: int
    blob: str  # git's id of the content
    sha256: str

    @property
    def lfs(self) -> bool:
        return Path(self.path).suffix in LFS

    @property
    def etag(self) -> str:
        return self.sha256 if self.lfs else self.blob


@lru_cache(maxsize=256)
def _described(path: Path, name: str, modified: int) -> _File:
    content = path.read_bytes()
    blob = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
    return _File(name, len(content), blob, hashlib.sha256(content).hexdigest())


class _Repository:
    def __init__(self, folder: Path) -> None:
        paths = sorted(path for path in folder.rglob("*") if path.is_file())
        self.folder = folder
        self.files = [_described(p, p.relative_to(folder).as_posix(), p.stat().st_mtime_ns) for p in paths]
        self.commit = hashlib.sha1("\n".join(f"{f.path} {f.blob}" for f in self.files).encode()).hexdigest()

    def siblings(self, blobs: bool) -> list[dict[str, Any]]:
        if not blobs:
            return [{"rfilename": file.path} for file in self.files]
        rows = []
        for file in self.files:
            row: dict[str, Any] = {"rfilename": file.path, "size": file.size, "blobId": file.blob}
            if file.lfs:
                row["lfs"] = {"sha256": file.sha256, "size": file.size, "pointerSize": 134}
            rows.append(row)
        return rows

    def tree(self, under: str, recursive: bool) -> list[dict[str, Any]] | None:
        start = f"{under}/" if under else ""
        inside = [file for file in self.files if file.path.startswith(start)]
        if under and not inside:
            return None
        rows: list[dict[str, Any]] = []
        for file in inside:
            parts = file.path[len(start) :].split("/")
            for depth in range(1, len(parts)):
                row = {"type": "directory", "path": start + "/".join(parts[:depth]), "oid": "0" * 40, "size": 0}
                if row not in rows and (recursive or depth == 1):
                    rows.append(row)
            if recursive or len(parts) == 1:
                rows.append(self.entry(file))
        return rows

    def entry(self, file: _File) -> dict[str, Any]:
        row: dict[str, Any] = {"type": "file", "path": file.path, "oid": file.blob, "size": file.size}
        if file.lfs:
            row["lfs"] = {"oid": file.sha256, "size": file.size, "pointerSize": 134}
        return row


class _Handler(BaseHTTPRequestHandler):
    hub: HubServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *args: object) -> None:
        """Tests have no use for an access log."""

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_PUT(self) -> None:
        self._answer()

    def _answer(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.hub.requests.append(f"{self.command} {self.path}")
        address = urlsplit(self.path)
        query = {key: values[-1] for key, values in parse_qs(address.query).items()}
        parts = [unquote(part) for part in address.path.strip("/").split("/")]
        writes = parts[:2] in (["api", "repos"], ["api", "validate-yaml"]) or parts[0] == "uploads"
        if writes or parts[4:5] in (["preupload"], ["commit"]) or parts[-1] == "batch":
            return self._write(parts)
        if parts[0] == "api" and parts[1:2] in (["models"], ["datasets"]):
            if len(parts) == 2:
                return self._search(parts[1], query)
            return self._repository(parts[1], parts[2:], query, api=True)
        if parts[0] == "datasets":
            return self._repository("datasets", parts[1:], query, api=False)
        return self._repository("models", parts, query, api=False)

    # ---------------------------------------------------------------- writing

    def _owner(self) -> str | None:
        return self.hub.writers.get((self.headers.get("Authorization") or "").removeprefix("Bearer "))

    def _write(self, parts: list[str]) -> None:
        """A repository is made, files go up (large ones by git-lfs), a commit puts them in place."""
        if parts[0] == "uploads":
            self.hub.uploads[parts[1]] = self.body
            return self._json({})
        if parts[:2] == ["api", "validate-yaml"]:
            return self._json({"errors": [], "warnings": []})
        owner = self._owner()
        if owner is None:
            return self._fail(401, "", "Invalid username or password.")
        asked = json.loads(self.body) if parts[-1] != "main" or parts[4] != "commit" else {}
        if parts[:3] == ["api", "repos", "create"]:
            name = f"{asked.get('organization') or owner}/{asked['name']}"
        else:
            name = "/".join(parts[2:4]) if parts[0] == "api" else f"{parts[0]}/{parts[1].removesuffix('.git')}"
        if name.split("/")[0] != owner:
            return self._fail(403, "", f"You may not write to {name}")
        if name in self.hub.broken:
            return self._fail(self.hub.broken[name], "", "Internal error")
        folder = self.hub.root / "models" / name
        if parts[:3] == ["api", "repos", "create"]:
            if name in self.hub.created:
                said = {"error": "You already created this model repo", "url": f"{self.hub.url}/{name}"}
                return self._send(409, json.dumps(said).encode(), "application/json", {})
            self.hub.created[name] = asked
            folder.mkdir(parents=True, exist_ok=True)
            return self._json({"url": f"{self.hub.url}/{name}"})
        if parts[-1] == "batch":
            actions = {"upload": {"href": "", "header": {}}}
            rows = [
                {**row, "actions": {"upload": {**actions["upload"], "href": f"{self.hub.url}/uploads/{row['oid']}"}}}
                for row in asked["objects"]
            ]
            return self._json({"transfer": "basic", "objects": rows})
        if parts[4] == "preupload":
            modes = [
                {"path": row["path"], "uploadMode": "lfs" if Path(row["path"]).suffix in LFS else "regular"}
                for row in asked["files"]
            ]
            return self._json({"files": [{**row, "shouldIgnore": False, "oid": None} for row in modes]})
        return self._commit(folder, name)

    def _commit(self, folder: Path, name: str) -> None:
        for line in self.body.splitlines():
            row = json.loads(line)
            if row["key"] == "header":
                continue
            value = row["value"]
            content = self.hub.uploads[value["oid"]] if row["key"] == "lfsFile" else base64.b64decode(value["content"])
            path = folder / value["path"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        commit = _Repository(folder).commit
        self._json({"success": True, "commitOid": commit, "commitUrl": f"{self.hub.url}/{name}/commit/{commit}"})

    def _search(self, kind: str, query: dict[str, str]) -> None:
        """As the Hub's list: by name, the most downloaded first; downloads and tags as `facts` says."""
        time.sleep(self.hub.slow.get("search", 0.0))
        if "search" in self.hub.broken:
            return self._fail(self.hub.broken["search"], "", "Internal error")
        rows = []
        for folder in sorted(path for path in (self.hub.root / kind).glob("*/*") if path.is_dir()):
            name = f"{folder.parent.name}/{folder.name}"
            weights = folder / "model.safetensors"
            if query.get("search", "").lower() in name.lower() and (
                query.get("filter") != "safetensors" or weights.exists()
            ):
                facts = {
                    "id": name,
                    "modelId": name,
                    "tags": [],
                    "downloads": 0,
                    "likes": 0,
                    "gated": name in self.hub.gated,
                }
                rows.append({**facts, **self.hub.facts.get(name, {})})
        rows.sort(key=lambda row: -row["downloads"])
        self._json(rows[: int(query.get("limit") or 1000)])

    def _repository(self, kind: str, parts: list[str], query: dict[str, str], *, api: bool) -> None:
        name = "/".join(parts[:2])
        time.sleep(self.hub.slow.get(name, 0.0))
        if name in self.hub.broken:
            return self._fail(self.hub.broken[name], "", "Internal error")
        folder = self.hub.root / kind / name
        if len(parts) < 2 or ".." in parts or not folder.is_dir():
            return self._fail(401, "RepoNotFound", "Repository not found")
        if name in self.hub.gated:
            return self._fail(403, "GatedRepo", f"Access to {name} is restricted")
        repository, rest = _Repository(folder), parts[2:]
        if rest[:1] in (["revision"], ["tree"], ["paths-info"], ["resolve"]):
            if rest[1] not in ("main", repository.commit):
                return self._fail(404, "RevisionNotFound", f"Invalid rev id: {rest[1]}")
            return self._inside(repository, name, rest[0], "/".join(rest[2:]), query)
        if api and not rest:
            return self._inside(repository, name, "revision", "", query)
        return self._fail(404, "", "Not found")

    def _inside(self, repository: _Repository, name: str, what: str, path: str, query: dict[str, str]) -> None:
        if what == "revision":
            blobs = query.get("blobs", "").lower() in ("true", "1")
            facts = {"_id": "0" * 24, "id": name, "modelId": name, "sha": repository.commit, "private": False}
            facts |= {"gated": False, "disabled": False, "tags": [], "downloads": 0, "likes": 0}
            facts |= self.hub.facts.get(name, {})
            return self._json(facts | {"siblings": repository.siblings(blobs)})
        if what == "tree":
            rows = repository.tree(path, query.get("recursive", "").lower() in ("true", "1"))
            return self._fail(404, "EntryNotFound", "Not found") if rows is None else self._json(rows)
        if what == "paths-info":
            wanted = self._posted_paths()
            rows = [repository.entry(file) for file in repository.files if file.path in wanted]
            folders = {str(parent) for file in repository.files for parent in Path(file.path).parents} - {"."}
            rows += [{"type": "directory", "path": p, "oid": "0" * 40, "size": 0} for p in wanted if p in folders]
            return self._json(rows)
        return self._file(repository, path)

    def _posted_paths(self) -> list[str]:
        if "json" in (self.headers.get("Content-Type") or ""):
            paths = json.loads(self.body)["paths"]
            return [paths] if isinstance(paths, str) else paths
        return parse_qs(self.body.decode()).get("paths", [])

    def _file(self, repository: _Repository, path: str) -> None:
        file = next((file for file in repository.files if file.path == path), None)
        if file is None:
            return self._fail(404, "EntryNotFound", "Entry not found", {"X-Repo-Commit": repository.commit})
        content = (repository.folder / path).read_bytes()
        status, headers = 200, {"ETag": f'"{file.etag}"', "X-Repo-Commit": repository.commit, "Accept-Ranges": "bytes"}
        span = (self.headers.get("Range") or "").removeprefix("bytes=")
        if span:
            first, _, last = span.partition("-")
            end = min(int(last), file.size - 1) if last else file.size - 1
            headers["Content-Range"] = f"bytes {first}-{end}/{file.size}"
            status, content = 206, content[int(first) : end + 1]
        return self._send(status, content, "application/octet-stream", headers)

    def _json(self, value: object) -> None:
        self._send(200, json.dumps(value).encode(), "application/json", {})

    def _fail(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        named = {"X-Error-Message": message} | ({"X-Error-Code": code} if code else {}) | (headers or {})
        self._send(status, json.dumps({"error": message}).encode(), "application/json", named)

    def _send(self, status: int, content: bytes, content_type: str, headers: dict[str, str]) -> None:
        try:
            self.send_response(status)
            for key, value in {"Content-Type": content_type, "Content-Length": str(len(content)), **headers}.items():
                self.send_header(key, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)
                self.hub.sent += len(content)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # a client that gave up on a slow answer
