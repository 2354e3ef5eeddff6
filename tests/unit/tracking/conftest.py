"""A W&B server on loopback that answers far enough for init, log, finish, resume and artifacts."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

KEY = "0" * 40
_OPERATION = re.compile(r"\b(?:query|mutation)\s+(\w+)")
_STREAM = re.compile(r"/files/([^/]+)/([^/]+)/([^/]+)/file_stream")
_HISTORY, _SUMMARY = "wandb-history.jsonl", "wandb-summary.json"
_NEWEST = {"max_cli_version": "99.0.0", "min_cli_version": "0.1.0"}


@dataclass
class ServedRun:
    """What the server holds of one run."""

    fields: dict[str, Any] = field(default_factory=dict)
    files: dict[str, list[str]] = field(default_factory=dict)
    exit_code: int | None = None
    n_upserts: int = 0

    @property
    def config(self) -> dict[str, Any]:
        """The config without what wandb adds to it."""
        kept = json.loads(self.fields.get("config") or "{}")
        return {key: item["value"] for key, item in kept.items() if key != "_wandb"}

    @property
    def added(self) -> dict[str, Any]:
        """What wandb itself adds to the config."""
        kept = json.loads(self.fields.get("config") or "{}")
        return kept.get("_wandb", {}).get("value", {})  # type: ignore[no-any-return]

    @property
    def history(self) -> list[dict[str, Any]]:
        """One mapping a step."""
        return [json.loads(line) for line in self.files.get(_HISTORY, ())]

    @property
    def summary(self) -> dict[str, Any]:
        """The last summary that was sent."""
        lines = self.files.get(_SUMMARY) or ["{}"]
        return json.loads(lines[-1])  # type: ignore[no-any-return]


class WandbServer:
    """The server's memory, and how it misbehaves.

    Attributes:
        behaviour: ``well``; ``hang`` takes requests and never answers; ``error`` answers 500, ``forbid`` 403.
        vanish_after: requests after which every connection is cut; ``None`` for never.
    """

    def __init__(self, port: int = 0) -> None:
        """Listen on a port of loopback; without one on any that is free."""
        self.runs: dict[tuple[str, str], ServedRun] = {}
        self.artifacts: dict[str, dict[str, Any]] = {}
        self.uploads: dict[str, bytes] = {}
        self.seen: list[str] = []
        self.bodies: list[bytes] = []
        self.behaviour = "well"
        self.vanish_after: int | None = None
        self.stopped = threading.Event()
        self._lock = threading.Lock()
        self._server = _Listener(("127.0.0.1", port), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def n_points(self) -> dict[str, int]:
        """From run id to the number of steps in its history."""
        return {identifier: len(run.history) for (_, identifier), run in self.runs.items()}

    def run(self, identifier: str, project: str = "harness") -> ServedRun:
        """A run of a project."""
        return self.runs[project, identifier]

    def stop(self) -> None:
        """Stop listening; further connections are refused, those that hang are let go."""
        if not self.stopped.is_set():
            self.stopped.set()
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()

    def is_cut(self) -> bool:
        """Whether this request finds nobody any more."""
        with self._lock:
            self.vanish_after = None if self.vanish_after is None else self.vanish_after - 1
            return self.stopped.is_set() or (self.vanish_after is not None and self.vanish_after < 0)

    def answer(self, query: str, given: dict[str, Any]) -> dict[str, Any]:
        """The data of a GraphQL operation."""
        operation = _OPERATION.search(query)
        name = operation[1] if operation else ""
        values = {**given, **(given.get("input") or {})}
        with self._lock:
            self.seen.append(name)
            reply: Callable[[dict[str, Any]], dict[str, Any]] | None = getattr(self, f"_on_{name}", None)
            return {} if reply is None else reply(values)

    def stream(self, project: str, identifier: str, content: dict[str, Any]) -> None:
        """Take in lines of a run's files, each at its offset."""
        with self._lock:
            run = self.runs[project, identifier]
            for name, chunk in (content.get("files") or {}).items():
                kept = run.files.get(name, [])[: chunk["offset"]]
                run.files[name] = kept + list(chunk["content"])
            if content.get("complete"):
                run.exit_code = content.get("exitcode")

    def _on_UpsertBucket(self, values: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        project, name = values.get("project") or "uncategorized", values["name"]
        is_new = (project, name) not in self.runs
        run = self.runs.setdefault((project, name), ServedRun())
        run.n_upserts += 1
        run.fields |= {key: value for key, value in values.items() if value is not None}
        entity = values.get("entity") or "somebody"
        owner = {"id": "P", "name": project, "entity": {"id": "E", "name": entity}}
        bucket = {
            "id": f"B{name}", "name": name, "displayName": run.fields.get("displayName"), "description": "",
            "config": run.fields.get("config") or "{}", "sweepName": None,
            "historyLineCount": len(run.history), "project": owner,
        }  # fmt: skip
        return {"upsertBucket": {"bucket": bucket, "inserted": is_new}}

    def _on_RunResumeStatus(self, values: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        project, name = values.get("project") or "uncategorized", values["name"]
        run = self.runs.get((project, name))
        bucket = None
        if run is not None:
            bucket = {
                "name": name, "historyLineCount": len(run.history), "eventsLineCount": 0, "logLineCount": 0,
                "historyTail": json.dumps([json.dumps(line) for line in run.history[-1:]]),
                "summaryMetrics": json.dumps(run.summary), "config": run.fields.get("config") or "{}",
                "eventsTail": "[]", "tags": run.fields.get("tags") or [],
                "wandbConfig": json.dumps(run.added),
            }  # fmt: skip
        return {"model": {"id": "P", "name": project, "entity": {"id": "E", "name": "somebody"}, "bucket": bucket}}

    def _on_CreateRunFiles(self, values: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        run = values["run"]
        files = [{"name": name, "uploadUrl": f"{self.url}/put/{run}/{name}"} for name in values["files"]]
        return {"createRunFiles": {"runID": run, "uploadHeaders": [], "files": files}}

    def _on_ArtifactType(self, values: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        return {"project": {"artifact": None}}

    def _on_CreateArtifact(self, values: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        collection = values["artifactCollectionName"]
        same = [key for key, kept in self.artifacts.items()
                if (kept["artifactCollectionName"], kept["digest"]) == (collection, values["digest"])]  # fmt: skip
        identifier = same[0] if same else f"A{len(self.artifacts)}"
        kept = self.artifacts.setdefault(identifier, {**values, "state": "PENDING", "paths": []})
        artifact = {
            "id": identifier, "digest": values["digest"], "state": kept["state"], "aliases": [],
            "versionIndex": 0, "artifactSequence": {"id": "S", "name": collection, "latestArtifact": None},
        }  # fmt: skip
        return {"createArtifact": {"artifact": artifact}}

    def _on_CreateArtifactManifest(self, values: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        return {"createArtifactManifest": {"artifactManifest": self._manifest(values["artifactID"])}}

    def _on_UpdateArtifactManifest(self, values: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        return {"updateArtifactManifest": {"artifactManifest": self._manifest(values["artifactManifestID"])}}

    def _manifest(self, artifact: str) -> dict[str, Any]:
        name = "wandb_manifest.json"
        file = {
            "id": "F", "name": name, "displayName": name, "uploadUrl": f"{self.url}/put/manifest/{artifact}",
            "uploadHeaders": [],
        }  # fmt: skip
        return {"id": artifact, "file": file}

    def _on_CreateArtifactFiles(self, values: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        edges = []
        for file in values["artifactFiles"]:
            self.artifacts[file["artifactID"]]["paths"].append(file["name"])
            node = {
                "id": file["name"], "name": file["name"], "displayName": file["name"],
                "uploadUrl": f"{self.url}/put/artifact/{file['artifactID']}/{file['name']}", "uploadHeaders": [],
                "storagePath": file["name"], "uploadMultipartUrls": None, "artifact": {"id": file["artifactID"]},
            }  # fmt: skip
            edges.append({"node": node})
        return {"createArtifactFiles": {"files": {"edges": edges}}}

    def _on_CommitArtifact(self, values: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        self.artifacts[values["artifactID"]]["state"] = "COMMITTED"
        return {"commitArtifact": {"artifact": {"id": values["artifactID"], "digest": "0"}}}

    def _on_Viewer(self, values: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        viewer = {
            "id": "U", "entity": "somebody", "username": "somebody", "email": "", "flags": "{}", "admin": False,
            "teams": {"edges": []},
        }  # fmt: skip
        return {"viewer": viewer, "serverInfo": {"cliVersionInfo": _NEWEST}}

    def _on_ServerInfo(self, values: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        latest = {"outOfDate": False, "latestVersionString": "99", "versionOnThisInstanceString": "99"}
        return {"serverInfo": {"cliVersionInfo": _NEWEST, "latestLocalVersionInfo": latest, "features": []}}


class _Listener(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Say nothing: wandb cuts connections that it no longer needs."""


def _handler(server: WandbServer) -> type[BaseHTTPRequestHandler]:
    """The handler of one server's requests."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def do_GET(self) -> None:
            self._take(lambda _: ({}, 404))

        def do_PUT(self) -> None:
            def keep(body: bytes) -> tuple[dict[str, Any], int]:
                server.uploads[self.path.removeprefix("/put/")] = body
                return {}, 200

            self._take(keep)

        def do_POST(self) -> None:
            def take(body: bytes) -> tuple[dict[str, Any], int]:
                if self.path == "/graphql":
                    asked = json.loads(body)
                    return {"data": server.answer(asked["query"], asked.get("variables") or {})}, 200
                if stream := _STREAM.match(self.path):
                    server.stream(stream[2], stream[3], json.loads(body))
                return {"limits": {}}, 200

            self._take(take)

        def _take(self, reply: Callable[[bytes], tuple[dict[str, Any], int]]) -> None:
            body = self._body()
            server.bodies.append(body)
            if server.behaviour == "hang":
                server.stopped.wait()
            if server.is_cut():
                self.close_connection = True
                self.connection.close()
                return
            codes = {"error": 500, "forbid": 403}
            is_ill = server.behaviour in codes
            content, code = ({}, codes[server.behaviour]) if is_ill else reply(body)
            encoded = json.dumps(content).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(encoded)))
            self.end_headers()
            self.wfile.write(encoded)

        def _body(self) -> bytes:
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            while self.headers.get("Transfer-Encoding") == "chunked":
                length = int(self.rfile.readline().strip() or b"0", 16)
                content += self.rfile.read(length)
                self.rfile.readline()
                if not length:
                    break
            return gzip.decompress(content) if self.headers.get("Content-Encoding") == "gzip" else content

    return Handler


@pytest.fixture
def server() -> Iterator[WandbServer]:
    """A server that listens while the test runs."""
    found = WandbServer()
    yield found
    found.stop()


@pytest.fixture
def wandb_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Folders of wandb's own in a temporary place, and none of the user's settings; wandb starts anew."""
    for name in [name for name in os.environ if name.startswith("WANDB_")]:
        monkeypatch.delenv(name)
    for name in ("DATA", "CACHE", "CONFIG", "ARTIFACT"):
        monkeypatch.setenv(f"WANDB_{name}_DIR", str(tmp_path / "home" / name.lower()))
    monkeypatch.setenv("NETRC", str(tmp_path / "home" / "netrc"))
    monkeypatch.chdir(tmp_path)
    yield tmp_path / "home"
    if "wandb" in sys.modules:
        sys.modules["wandb"].teardown()


@pytest.fixture
def online(wandb_home: Path, server: WandbServer, monkeypatch: pytest.MonkeyPatch) -> WandbServer:
    """The server, with a login to it."""
    monkeypatch.setenv("WANDB_BASE_URL", server.url)
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    return server


@pytest.fixture
def offline_runs() -> Callable[[Path], dict[str, dict[str, Any]]]:
    """From a folder of offline runs to what wandb's own reader finds in each, by run id."""
    return _offline_runs


def _offline_runs(folder: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    readers = [  # side by side: each takes a second to start
        subprocess.Popen(
            [sys.executable, "-m", "wandb", "leet", "inspect", "--json", str(each)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for each in sorted(folder.glob("wandb/offline-run-*"))
    ]
    for reader in readers:
        said, _ = reader.communicate()
        assert reader.returncode == 0
        run: dict[str, Any] = {"history": [], "summary": {}, "config": {}, "artifacts": [], "metrics": []}
        for record in map(json.loads, said.splitlines()):
            kind = record["type"]
            if kind == "run":
                run["run"] = record["run"]
            elif kind == "history":
                run["history"].append(record["history"])
            elif kind in ("summary", "config"):
                run[kind] |= record[kind].get("update", {})
            elif kind == "artifact":
                run["artifacts"].append(record["artifact"]["name"])
            elif kind == "metric":
                run["metrics"].append(record["metric"])
            elif kind == "exit":
                run["exit_code"] = record["exit"].get("exit_code", 0)
        assert run["run"]["run_id"] not in found, "one run lies in two folders"
        found[run["run"]["run_id"]] = run
    return found
