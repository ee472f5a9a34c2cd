"""Settings: file < environment < flags, what is refused, and the files in config/."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from lm_debugger.cli.serve import command as serve
from lm_debugger.errors import SettingsError
from lm_debugger.settings import Settings
from lm_debugger.settings_sources import load
from lm_debugger.settings_table import markdown_table, table

ROOT = Path(__file__).parents[2]


@pytest.fixture
def config(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path / "some.jsonnet"
        path.write_text(text)
        return path

    return write


def test_later_sources_win_one_by_one(
    config: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = config("{ port: 1000 + 1, host: '127.0.0.2', threads: 3, models: ['a', 'b'] }")
    monkeypatch.setenv("LM_DEBUGGER_HOST", "127.0.0.3")
    monkeypatch.setenv("LM_DEBUGGER_THREADS", "4")
    settings = load(path, {"threads": "5", "host": None}).settings
    assert settings.port == 1001
    assert settings.host == "127.0.0.3"
    assert settings.threads == 5
    assert settings.models == ["a", "b"]
    assert settings.dtype == "float32"


def test_lists_in_the_environment_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LM_DEBUGGER_MODELS", "demo, gpt2")
    monkeypatch.setenv("LM_DEBUGGER_CORS_ORIGINS", "http://a.example,https://b.example:8443")
    settings = load().settings
    assert settings.models == ["demo", "gpt2"]
    assert settings.cors_origins == ["http://a.example", "https://b.example:8443"]


def test_a_folder_with_a_comma_is_one_model_in_a_file_or_flag(
    config: Callable[[str], Path],
) -> None:
    assert load(config("{models: ['./a,b']}")).settings.models == ["./a,b"]
    assert load(flags={"models": ["./a,b"]}).settings.models == ["./a,b"]


@pytest.mark.parametrize(
    ("file", "environment", "flags", "words"),
    [
        ("{prot: 1}", {}, {}, r"Unknown setting prot in .*some\.jsonnet; did you mean port\?"),
        ("{}", {"LM_DEBUGGER_PROT": "1"}, {}, "did you mean LM_DEBUGGER_PORT"),
        ("{zzzzqqq: 1}", {}, {}, "known are models, revision"),
        ("{}", {"LM_DEBUGGER_CACHE_LIMIT": "1"}, {}, "known are LM_DEBUGGER_MODELS"),
        ("{port: 70000}", {}, {}, r"port \(from .*some\.jsonnet\).*65535"),
        ("{}", {"LM_DEBUGGER_PORT": "x"}, {}, r"port \(from LM_DEBUGGER_PORT\).*integer"),
        ("{port: 1}", {}, {"port": "1.5"}, r"port \(from --port\).*integer"),
        ("{models: []}", {}, {}, "models"),
        ("{models: ['']}", {}, {}, "empty name"),
        ("{device: 'gpu'}", {}, {}, "auto, cpu, cuda, cuda:N, mps"),
        ("{dtype: 'int8'}", {}, {}, "'float32', 'float16' or 'bfloat16'"),
        ("{}", {}, {"cors_origins": ["localhost:3000"]}, "scheme, host and port"),
        ("{}", {}, {"cors_origins": ["http://a/b"]}, "without a path"),
        ("{max_top_k: 10}", {}, {}, "max_top_k"),
        ("{", {}, {}, "not valid Jsonnet"),
        ("[1]", {}, {}, "must hold an object"),
        ("error 'stop'", {}, {}, "stop"),
    ],
)
def test_what_is_refused_and_how(
    config: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
    file: str,
    environment: dict[str, str],
    flags: dict[str, Any],
    words: str,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=words) as caught:
        load(config(file), flags)
    assert "\n" not in caught.value.message


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"no config file .*nothing\.jsonnet"):
        load(tmp_path / "nothing.jsonnet")


def test_variables_of_the_build_are_none_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LM_DEBUGGER_BUILD_SKIP_FRONTEND", "1")
    assert load().settings == Settings()


@pytest.mark.parametrize(
    "name", ["demo", "gpt2", "gpt2-medium", "gpt2-large", "gpt2-xl", "distilgpt2"]
)
def test_config_files(name: str) -> None:
    loaded = load(ROOT / "config" / f"{name}.jsonnet")
    assert loaded.notices == ()
    n_clusters = {"gpt2-medium": 3000, "gpt2-large": 4000}.get(name)  # rule 18
    assert loaded.settings == Settings(models=[name], n_clusters=n_clusters)


def test_every_setting_is_explained_once_and_has_a_flag() -> None:
    rows = table()
    assert [row.name for row in rows] == list(Settings.model_fields)
    flags = {option for parameter in serve.params for option in parameter.opts}
    for row in rows:
        assert len(row.description) > 10, row.name
        assert row.environment == f"LM_DEBUGGER_{row.name.upper()}"
        assert row.name == "models" or row.flag in flags
    known = {row.flag for row in rows} | {"models", "--config", "--config_path"}
    assert flags <= known


def test_markdown_table_has_a_row_for_every_setting() -> None:
    lines = markdown_table().splitlines()
    assert [line.split("|")[1].strip() for line in lines[2:]] == [f"`{r.name}`" for r in table()]
    assert all(line.count("|") == 6 for line in lines)


def test_the_documents_hold_the_table() -> None:
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    found = re.search(r"<!-- settings:begin -->\n(.*?)<!-- settings:end -->", page, re.DOTALL)
    assert found, "docs/settings.md has no markers settings:begin and settings:end"
    assert found[1].strip() == markdown_table().strip(), "run: lm-debugger settings --markdown"


def test_settings_command(run: Callable[..., Result], config: Callable[[str], Path]) -> None:
    assert run("settings", "--markdown").stdout == markdown_table()
    result = run("settings", "--config", str(config("{server_port: 8123, elastic_port: 9200}")))
    assert json.loads(result.stdout)["port"] == 8123
    assert re.fullmatch(r"Ignored in .*some.jsonnet, .*: elastic_port\.\n", result.stderr)
