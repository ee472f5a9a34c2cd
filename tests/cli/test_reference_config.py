"""LM-Debugger's own config files: what they come to here, and what is said of it."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from lm_debugger.errors import SettingsError
from lm_debugger.settings import Settings
from lm_debugger.settings_sources import Loaded, load

REFERENCE_FILE = """{
  server_files_dir:: "files/",
  model_name:"gpt2-medium",
  device:"cpu",
  server_ip:"127.0.0.1",
  server_port:8123,
  elastic_ip:"x",
  elastic_port:9200,
  react_ip:"localhost",
  react_port:3000,
  streamlit_ip:"127.0.0.1",
  streamlit_port:8501,
  top_k_tokens_for_ui:7,
  top_k_for_elastic:40,
  create_cluster_files:true,
  num_clusters:3000,
  num_layers:24,
  elastic_index:$.model_name+"_projections_docs",
  elastic_projections_path:$.server_files_dir + "values_logits.pkl",
  streamlit_cluster_to_value_file_path:$.server_files_dir + "a.pkl",
  streamlit_value_to_cluster_file_path:$.server_files_dir + "b.pkl",
}
"""

ELSEWHERE = "198.51.100.7"
"""An address of the kind kept for documentation (RFC 5737): no machine has it."""

Read = Callable[..., Loaded]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Settings from the text of a file, and flags."""

    def load_text(text: str, **flags: object) -> Loaded:
        path = tmp_path / "some.jsonnet"
        path.write_text(text)
        return load(path, flags)

    return load_text


def notice(loaded: Loaded, word: str) -> str:
    """The one that holds the word."""
    [found] = [line for line in loaded.notices if word in line]
    assert "\n" not in found
    assert found.endswith(".")
    return found


def test_a_whole_file(read: Read) -> None:
    loaded = read(REFERENCE_FILE)
    assert loaded.settings == Settings(
        models=["gpt2-medium"],
        device="cpu",
        host="127.0.0.1",
        port=8123,
        explore_port=8501,
        cors_origins=["http://localhost:3000", "http://127.0.0.1:3000"],
        legacy_top_k=7,
        legacy_projection_top_k=40,
        n_clusters=3000,
    )
    ignored = notice(loaded, "Ignored")
    for name in ("elastic_ip", "streamlit_ip", "num_layers", "elastic_projections_path"):
        assert name in ignored
    for name in ("model_name", "react_ip", "react_port", "streamlit_port", "create_cluster_files"):
        assert name not in ignored
    assert len(loaded.notices) == 2


def test_a_visible_server_files_dir_is_where_the_index_goes(read: Read) -> None:
    visible = re.sub(r"server_files_dir::[^,]*", 'server_files_dir: "somewhere/"', REFERENCE_FILE)
    assert read(visible).settings.cache_dir == Path("somewhere")


def test_our_name_wins_over_lm_debuggers_in_one_file(read: Read) -> None:
    for text in ("{port: 1, server_port: 2}", "{server_port: 2, aport:: 0, port: 1}"):
        assert read(text).settings.port == 1
    both = read("{create_cluster_files: false, n_clusters: 5, react_port: 1, cors_origins: ['*']}")
    assert (both.settings.n_clusters, both.settings.cors_origins) == (5, ["*"])
    assert both.notices == ()


# --- the origin of its page ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "origins"),
    [
        ('react_ip: "localhost", react_port: 3000', ["localhost:3000", "127.0.0.1:3000"]),
        ('react_ip: "127.0.0.1", react_port: 3000', ["127.0.0.1:3000", "localhost:3000"]),
        ('react_ip: "LOCALHOST", react_port: "3000"', ["localhost:3000", "127.0.0.1:3000"]),
        ('react_ip: "::1", react_port: 3000', ["[::1]:3000", "localhost:3000", "127.0.0.1:3000"]),
        ('react_ip: "0.0.0.0", react_port: 1', ["0.0.0.0:1", "localhost:1", "127.0.0.1:1"]),
        ('react_ip: "10.1.2.3", react_port: 3000', ["10.1.2.3:3000"]),
        ('react_ip: "lab.example.org", react_port: 80', ["lab.example.org"]),
        ("react_port: 3000", ["localhost:3000", "127.0.0.1:3000"]),
    ],
)
def test_the_page_may_call(read: Read, written: str, origins: list[str]) -> None:
    loaded = read(f"{{{written}}}")
    expected = [f"http://{origin}" for origin in origins]
    assert loaded.settings.cors_origins == expected
    assert all(origin in notice(loaded, "react_ip") for origin in expected)


@pytest.mark.parametrize(
    "written",
    [
        'react_ip: "localhost"',
        'react_ip: "a b", react_port: 3000',
        "react_ip: 7, react_port: 3000",
        'react_ip: "localhost", react_port: "REACT_PORT"',
        'react_ip: "localhost", react_port: 0',
    ],
)
def test_what_makes_no_origin_is_ignored_and_said(read: Read, written: str) -> None:
    loaded = read(f"{{{written}}}")
    assert loaded.settings.cors_origins == []
    assert "react_ip" in notice(loaded, "Ignored")


def test_flags_decide_origins_and_nothing_else_is_said(read: Read) -> None:
    loaded = read("{react_ip: 'localhost', react_port: 3000}", cors_origins=["http://a.example"])
    assert loaded.settings.cors_origins == ["http://a.example"]
    assert loaded.notices == ()


# --- the address that browsers are told ----------------------------------------------------------


def test_an_address_of_this_machine_is_listened_on(read: Read) -> None:
    for host in ("127.0.0.1", "localhost", "0.0.0.0"):
        loaded = read(f"{{server_ip: '{host}'}}")
        assert (loaded.settings.host, loaded.settings.allowed_hosts) == (host, [])
        assert loaded.notices == ()


@pytest.mark.parametrize(
    ("told", "everywhere"),
    [(ELSEWHERE, "0.0.0.0"), ("no-such-host.invalid", "0.0.0.0"), ("2001:db8::7", "::")],
)
def test_another_address_means_all_of_them(read: Read, told: str, everywhere: str) -> None:
    loaded = read(f"{{server_ip: '{told}', streamlit_ip: 'lab.example.org', allowed_hosts: ['a']}}")
    assert loaded.settings.host == everywhere
    names = ["a", told, "lab.example.org", "localhost", "127.0.0.1", "::1"]
    assert loaded.settings.allowed_hosts == names
    said = notice(loaded, "server_ip")
    assert told in said
    assert everywhere in said
    assert "--allowed-host" in said


def test_flags_decide_the_address(read: Read) -> None:
    by_host = read(f"{{server_ip: '{ELSEWHERE}'}}", host="127.0.0.1")
    assert (by_host.settings.host, by_host.settings.allowed_hosts) == ("127.0.0.1", [])
    assert by_host.notices == ()
    by_names = read(f"{{server_ip: '{ELSEWHERE}'}}", allowed_hosts=["b.example"])
    assert (by_names.settings.host, by_names.settings.allowed_hosts) == ("0.0.0.0", ["b.example"])
    assert "under the names" not in notice(by_names, "server_ip")


def test_a_port_in_use_does_not_make_the_address_foreign(read: Read) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        text = f"{{server_ip: '127.0.0.1', server_port: {taken.getsockname()[1]}}}"
        assert read(text).settings.host == "127.0.0.1"


# --- clusters, lengths ---------------------------------------------------------------------------


def test_no_clusters_where_none_are_wanted(read: Read) -> None:
    loaded = read("{create_cluster_files: false, num_clusters: 3000}")
    assert loaded.settings.n_clusters == 0
    assert "no clusters are built" in notice(loaded, "create_cluster_files")
    wanted = read("{create_cluster_files: false, num_clusters: 3000}", n_clusters=40)
    assert (wanted.settings.n_clusters, wanted.notices) == (40, ())
    assert read("{create_cluster_files: true, num_clusters: 3000}").settings.n_clusters == 3000
    with pytest.raises(SettingsError, match=r'must be true or false.*"no"'):
        read("{create_cluster_files: 'no'}")


def test_lists_that_are_cut_are_named(read: Read) -> None:
    loaded = read("{top_k_for_elastic: 300, top_k_tokens_for_ui: 201}")
    assert (
        notice(loaded, "top_k_for_elastic")
        == "top_k_for_elastic is cut from 300 to 200, the setting max_top_k."
    )
    assert (
        notice(loaded, "top_k_tokens_for_ui")
        == "top_k_tokens_for_ui is cut from 201 to 200, the setting max_top_k."
    )
    assert read("{top_k_for_elastic: 200}").notices == ()
    assert read("{top_k_for_elastic: 300}", max_top_k=300).notices == ()
    ours = read("{top_k_for_elastic: 100}", legacy_projection_top_k=250)
    assert notice(ours, "legacy_projection_top_k").startswith("legacy_projection_top_k is cut")


# --- names of forks ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "top_k", "temperature", "model_path", "model_type", "use_cuda", "num_heads", "prompt",
        "seed", "max_length", "max_tokens", "hidden_size", "flask_port", "kibana_port", "api_port",
        "es_port", "server_name", "log_dir", "log_file", "batch_size", "mode", "tokens", "layers",
        "cache", "cluster_algorithm", "top_p", "num_values", "server_files", "ip", "url", "theme",
        "post",  # as near to host as to port
    ],
)  # fmt: skip
def test_a_key_of_a_fork_gets_no_false_suggestion(read: Read, name: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read(f"{{{name}: 1}}")
    assert f"Unknown setting {name} in" in caught.value.message
    assert "did you mean" not in caught.value.message
    assert "known are models" in caught.value.message


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("prot", "port"), ("model", "models"), ("maxTopK", "max_top_k"), ("hosts", "host"),
        ("max-waiting", "max_waiting"), ("cors_origin", "cors_origins"),
        ("n_cluster", "n_clusters"), ("sever_port", "server_port"), ("model_names", "model_name"),
        ("react_prot", None),
    ],
)  # fmt: skip
def test_a_slip_of_the_pen_is_recognised(read: Read, name: str, meant: str | None) -> None:
    if meant is None:  # LM-Debugger's page may have more settings of its own
        assert name in notice(read(f"{{'{name}': 1}}"), "Ignored")
        return
    with pytest.raises(SettingsError, match=rf"did you mean {meant}\?"):
        read(f"{{'{name}': 1}}")
