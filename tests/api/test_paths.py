"""No reply of a hosted server has a path of its machine; one that is not hosted tells them."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
from flask.testing import FlaskClient
from huggingface_hub import constants

from lm_debugger.api.app import create_app
from lm_debugger.api.legacy import PATHS
from lm_debugger.api.loader import Loader
from lm_debugger.api.naming import Names
from lm_debugger.api.progress import Report
from lm_debugger.api.registry import Entry, ModelRegistry, indexer
from lm_debugger.engine.debugger import Debugger
from lm_debugger.errors import InvalidCheckpoint
from lm_debugger.settings import Settings
from tests.load.test_faults import DAMAGES, WEIGHTS
from tests.until import until

PLACE = "home of an operator"
"""A name with blanks in it, above everything that is served."""


def in_place_of_weights(target: Path) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        (folder / WEIGHTS).unlink()
        (folder / WEIGHTS).symlink_to(target)

    return damage


KINDS: dict[str, Callable[[Path], object]] = {
    **{name: damage for name, damage in DAMAGES.items() if name != "no-memory"},
    "weights-unreadable": in_place_of_weights(Path("/proc/self/mem")),  # even for root
    "weights-link": in_place_of_weights(Path("/srv/blobs/0123")),
    "weights-pickled": lambda folder: (folder / WEIGHTS).rename(folder / "pytorch_model.bin"),
    "folder-gone": lambda folder: shutil.rmtree(folder),
    "too-large": lambda folder: None,
    "bug": lambda folder: None,
}
HUB = {"org/unknown": None, "org/damaged": DAMAGES["weights-half"]}
TWINS = ("a/twin", "b/twin")
"""Both work."""


class Setup:
    """A server of models that work and models that fail, each in its own way."""

    def __init__(self, root: Path, good: Path, *, hosted: bool) -> None:
        self.root = root
        for name, damage in KINDS.items():
            shutil.copytree(good, root / name)
            damage(root / name)
        for name in TWINS:
            shutil.copytree(good, root / name)
        snapshot = root / "hub" / "models--org--damaged" / "snapshots" / "main"
        shutil.copytree(good, snapshot)
        DAMAGES["weights-half"](snapshot)
        (snapshot.parent.parent / "refs").mkdir()
        (snapshot.parent.parent / "refs" / "main").write_text("main")
        folders = [str(root / name) for name in (*TWINS, *KINDS)]
        self.settings = Settings(
            models=[*folders, *HUB], hosted=hosted, cache_dir=root / "cache", n_clusters=4,
            memory_limit_mb=0, metrics=True, max_requests_per_minute=100_000,
        )  # fmt: skip
        self.log: list[Entry] = []
        self.registry = ModelRegistry(
            Names.of(self.settings), self._load, indexer(self.settings), self.log.append
        )
        self.registry.start()
        self.registry.wait()
        self.client = create_app(self.settings, self.registry).test_client()

    def _load(self, name: str, report: Report) -> Debugger:
        if name.endswith("/bug"):
            raise RuntimeError(f"[Errno 5] at '{self.root}/bug/x y.py', {self.root}/bug/z.py")
        if name.endswith("/too-large"):
            few = self.settings.model_copy(update={"memory_limit_mb": None})
            return Loader(few, free=lambda: 1000)(name, report)
        return Loader(self.settings)(name, report)

    def sentences(self) -> dict[str, str]:
        """Why each model failed, by its id."""
        listed = self.client.get("/api/v1/models").json["models"]
        return {model["id"]: model["error"] for model in listed if model["state"] == "failed"}


@pytest.fixture(scope="module")
def setup(
    tmp_path_factory: pytest.TempPathFactory, random_folder: Path
) -> Iterator[Callable[[bool], Setup]]:
    """Makes a server, hosted or not."""
    made: list[Setup] = []

    def make(hosted: bool) -> Setup:
        root = tmp_path_factory.mktemp("paths") / PLACE
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(constants, "HF_HUB_CACHE", str(root / "hub"))
            patch.setattr(constants, "HF_HUB_OFFLINE", True)
            made.append(Setup(root, random_folder, hosted=hosted))
        return made[-1]

    yield make
    for one in made:
        one.registry.close()


@pytest.fixture(scope="module")
def hosted(setup: Callable[[bool], Setup]) -> Setup:
    return setup(True)


@pytest.fixture(scope="module")
def own(setup: Callable[[bool], Setup]) -> Setup:
    return setup(False)


def replies(client: FlaskClient, id: str) -> Iterator[tuple[str, str]]:
    """What every route answers that is asked about a model, with the headers."""
    document = client.get("/openapi.json").json
    yield "/openapi.json", str(document)
    for path, methods in document["paths"].items():
        address = path.replace("{layer}", "0").replace("{dim}", "0").replace("{cluster}", "0")
        for method, operation in methods.items():
            asked: dict[str, Any] = {"method": method.upper()}
            if "requestBody" in operation:
                content = operation["requestBody"]["content"]["application/json"]
                body = {"prompt": "Who is it", **content["example"], "model": id}
                if "run" in body:
                    body["run"] = {**body["run"], "model": id}
                asked["json"] = body
            else:
                asked["query_string"] = {"model": id, "q": "music"}
            reply = client.open(address, **asked)
            yield f"{method} {address} {id}", f"{reply.headers}{reply.text}"
    for address in ("/", "/docs", "/metrics", "/nowhere", "/assets/nothing.js", "/a/b", *PATHS):
        reply = client.get(address)
        yield address, f"{reply.headers}{reply.text}"


def test_no_reply_of_a_hosted_server_has_a_path_of_its_machine(hosted: Setup) -> None:
    client = hosted.client
    ids = [entry.id for entry in hosted.registry.entries]
    assert ids == ["twin", "twin-2", *KINDS, *HUB]
    assert set(hosted.sentences()) == {*KINDS, *HUB}
    for id in (*ids, "unknown"):
        for asked, reply in replies(client, id):
            assert str(hosted.root) not in reply, asked
            assert PLACE.split()[0] not in reply, asked  # nor a piece of it
            assert PLACE.split()[-1] not in reply, asked
            assert "blobs/" not in reply, asked
    answer = client.post("/api/v1/trace", json={"prompt": "Who is it", "model": "twin-2"})
    assert (answer.status_code, answer.json["model"]) == (200, "twin-2")
    rows = {row["name"]: row["value"] for row in client.get("/api/v1/settings").json["settings"]}
    assert rows["models"] == ids


SAYS = {
    "weights-half": f"{WEIGHTS} of weights-half is cut off: ",
    "weights-gone": "The weights of weights-gone are missing: ",
    "weights-unreadable": "cannot be read: Input/output error (weights-unreadable/",
    "weights-link": "is a link to 0123, which is not there (in weights-link)",
    "tokenizer-empty": "tokenizer.json of tokenizer-empty is empty",
    "config-list": "config.json of config-list holds no JSON object",
    "config-shape": "transformers cannot read config-shape: `embed_dim` must be divisible by ",
    "folder-gone": "There is no folder 'folder-gone'.",
    "too-large": "too-large needs about ",
    "bug": "bug could not be loaded: [Errno 5] at 'bug/x y.py', bug/z.py",
    "unknown": "'org/unknown' is neither a folder here nor a model in the hub's cache, models",
    "damaged": f"{WEIGHTS} of org/damaged is cut off",
}


def test_sentences_still_say_what_is_wrong(hosted: Setup) -> None:
    told = hosted.sentences()
    assert [*told] == [*KINDS, *HUB]
    for id, sentence in told.items():
        name = Path(id).name
        assert SAYS.get(name, name) in sentence
        assert len(sentence) < 600


def test_where_it_is_stands_in_the_log_and_on_a_server_of_ones_own(
    hosted: Setup, own: Setup
) -> None:
    for entry in hosted.log:
        assert entry.error is None or str(hosted.root) in entry.error.message
    told = own.sentences()
    assert [*told] == [*(str(own.root / name) for name in KINDS), *HUB]
    for entry in own.log:
        assert entry.error is None or told[entry.id] == entry.error.message
    for sentence in told.values():
        assert str(own.root) in sentence


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES])
def test_neither_has_an_index_that_cannot_be_written(
    hosted: Setup, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, code: int
) -> None:
    def fail(*_: object) -> NoReturn:
        raise OSError(code, os.strerror(code), str(hosted.root / "cache" / "x"))

    monkeypatch.setattr("lm_debugger.index.store.os.fsync", fail)
    client = hosted.client
    client.post("/api/v1/index", json={"action": "start", "model": "twin"})
    until(lambda: client.get("/api/v1/index").json["state"] == "failed")
    assert str(hosted.root) in caplog.text
    for asked, reply in replies(client, "twin"):
        assert str(hosted.root) not in reply, asked
        assert "operator" not in reply, asked


@pytest.mark.parametrize(
    ("sentence", "told"),
    [
        ("in /srv/x/model/config.json.", "in model/config.json."),
        ("in /srv/x/model.", "in model."),
        ("in /srv/x/model", "in model"),
        ("in /srv/x/models/y", "in x/models/y"),
        ("in /srv/x-2/model/y", "in y"),
        ("(/srv/x/model)", "(model)"),
        ("'/srv/x/model/a b/c'", "'model/a b/c'"),
        ("at '/opt/some where/c.py', line 3", "at 'c.py', line 3"),
        ("[/etc/passwd]", "[passwd]"),
        ("~/secret/x and ~root/y, file:///etc/hosts", "x and y, hosts"),
        (r"C:\Users\me\model.bin is", "model.bin is"),
        ("at:/etc/x;/etc/y", "at:x;y"),
        ("of https://hub.example/org/name/resolve", "of https://hub.example/org/name/resolve"),
        (
            "</s>, either/or, 1/2, org/name, ./x, a / b",
            "</s>, either/or, 1/2, org/name, ./x, a / b",
        ),
        ("model.", "model."),
    ],
)
def test_paths_are_cut_to_their_last_name(sentence: str, told: str) -> None:
    names = Names(["/srv/x", "/srv/x/model"], hosted=True)
    error = InvalidCheckpoint(sentence, model="/srv/x/model", missing=["/srv/y/z", 3], n=None)
    assert names.told(error).message == told
    assert names.told(error).details == {"model": "model", "missing": ["z", 3], "n": None}
    assert isinstance(names.told(error), InvalidCheckpoint)
    assert Names(["/srv/x/model"]).told(error) is error


def test_each_model_of_a_hosted_server_has_a_name_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "org" / "gpt2").mkdir(parents=True)
    folder = str(tmp_path / "org" / "gpt2")
    given = ["demo", folder, f"{folder}/", "/srv/gpt2", "gpt2", "/srv/demo", "org/gpt2", "/"]
    expected = ["demo", "gpt2-2", "gpt2-3", "gpt2-4", "gpt2", "demo-2", "org/gpt2", "model"]
    assert [*Names(given, hosted=True).ids.values()] == expected
    assert [*Names(given).ids.items()] == [(name, name) for name in given]
