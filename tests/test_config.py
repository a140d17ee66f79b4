"""Every setting is declared once, can be given three ways, and is refused by name."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from heatproxy import config
from heatproxy.config import Config, ConfigError, load
from heatproxy.places import Address
from heatproxy.settings import SETTINGS, Setting

ROOT = Path(__file__).parent.parent
each_setting = pytest.mark.parametrize("setting", SETTINGS, ids=lambda s: s.name)


def value_of(found: Config, name: str) -> Any:
    for part in name.split("."):
        found = getattr(found, part)
    return found


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "heatproxy.toml"
    path.write_text(text)
    return path


def test_the_printed_settings_are_the_file_in_the_project() -> None:
    assert (ROOT / "configs/heatproxy.toml").read_text() == config.render_toml()


def test_the_printed_defaults_are_the_defaults(tmp_path: Path) -> None:
    lines = config.render_toml().splitlines()
    keys = [s.name.rpartition(".")[2] for s in SETTINGS]
    uncommented = [
        line.removeprefix("# ") if line[2:].split(" = ")[0] in keys else line
        for line in lines
    ]
    assert sum(" = " in line for line in uncommented if line[:1] != "#") == len(
        SETTINGS
    )
    path = written(tmp_path, "\n".join(uncommented))
    assert load(path, environ={}) == load(environ={})


@each_setting
def test_a_setting_has_a_default_and_one_sentence(setting: Setting) -> None:
    assert setting.sentence.endswith(".")
    assert setting.sentence[:-1].count(". ") == 0
    value_of(load(environ={}), setting.name)


def test_config_and_settings_have_the_same_names() -> None:
    found = load(environ={})
    names = set()
    for field in dataclasses.fields(found):
        value = getattr(found, field.name)
        if field.name in config._TABLES:
            names |= {f"{field.name}.{f.name}" for f in dataclasses.fields(value)}
        else:
            names.add(field.name)
    assert names == {setting.name for setting in SETTINGS}


WRONG: dict[str, list[Any]] = {
    "listen": ["3307", "host:port", "h:99999", "", 3307, "mysql://h:1", "h:1/x"],
    "data_dir": ["", 7],
    "backend": ["", "postgres://u@h", "mysql://h", "mysql://u:p@h:x", "mysql://u@h/db"],
    "embedded.buffer_pool_size": ["", "0", "-1M", "5X", "0%", "101%", "M"],
    "lakehouse.allowed_schemes": [["ftp"], [7]],
    "lakehouse.allowed_hosts": [7, [["a"]]],
    "lakehouse.allowed_folders": [7, [7]],
    "lakehouse.max_file_bytes": ["lots"],
    "lakehouse.copy_limit": ["lots", "-1", "101%", "M"],
    "engine.memory_limit": ["lots", -1],
    "engine.threads": [-1, 1.5, "many", True],
    "lakehouse.url_mapping": ["nowhere", ["https://a/"], ["a => b"], [7]],
    "lakehouse.allowed_buckets": [7, [True]],
    "lakehouse.s3_endpoint": [True, ["x"]],
    "lakehouse.s3_region": [True],
    "lakehouse.profile": ["9.1", 9.2, ["8.0"]],
    "lakehouse.oci_config": [7],
    "lakehouse.oci_profile": [True],
    "lakehouse.oci_endpoint": [True],
    "rapid.exactness": ["loose", 3],
    "rapid.offload_in_transactions": ["maybe"],
    "rapid.freshness_wait_s": [-1, "soon"],
    "rapid.answer_limit": ["lots"],
    "rapid.shadow": [-0.1, 1.5, "all"],
    "rapid.switched_off": [7],
    "rapid.load_connections": [0, 65, 1.5],
    "rapid.server_id": [-1, 4_294_967_296, 1.5],
    "automl.workers": [0, "many"],
    "automl.threads": [-1],
    "automl.time_budget_s": [-1, "long"],
    "automl.memory_limit": ["lots", -1],
    "automl.format": ["10.0", 9.5],
    "inside.enabled": ["maybe"],
    "inside.callers": [0, 65, 1.5],
    "automl.dialects": ["oracle", 3],
    "log.level": ["loud", 7],
    "workers": [0, 65, 1.5, "many"],
    "drain_timeout_s": [-1, "soon"],
    "limits.connections": [-1, 1.5, "many"],
    "limits.connections_per_user": [-1, 1.5],
    "limits.login_timeout_s": [-1, "soon"],
    "limits.idle_timeout_s": [-0.1, "never"],
    "log.format": ["xml", 7],
    "log.slow_statement_s": [-1, "slow"],
    "metrics.listen": ["9307", 9307, "host:port"],
    "tls.enabled": ["perhaps", 2],
    "tls.certificate": [7],
    "tls.key": [7],
    "tls.ca": [7],
    "tls.min_version": ["SSLv3", 1.2],
    "tls.require_secure_transport": ["perhaps"],
    "backend_tls.mode": ["always", 7],
    "backend_tls.verify": ["some", True],
    "backend_tls.ca": [7],
    "backend_tls.min_version": ["SSLv3"],
    "compression.algorithms": [["gzip"], [7]],
}


@each_setting
def test_a_wrong_value_is_refused_with_what_is_allowed(setting: Setting) -> None:
    assert WRONG[setting.name]
    for value in WRONG[setting.name]:
        with pytest.raises(ConfigError, match=rf"^{setting.name} must be "):
            load(overrides={setting.name: value}, environ={})


def test_flags_beat_the_environment_which_beats_the_file(tmp_path: Path) -> None:
    text = "[engine]\nthreads = 1\n[automl]\nthreads = 1\nworkers = 2\n"
    environ = {
        "HEATPROXY_ENGINE_THREADS": "3",
        "HEATPROXY_AUTOML_THREADS": "3",
        "HEATPROXY_CACHE": "/not/a/setting",
    }
    flags = {"engine.threads": 4, "automl.threads": None}
    found = load(written(tmp_path, text), flags, environ)
    assert found.engine.threads == 4
    assert (found.automl.threads, found.automl.workers) == (3, 2)


@pytest.mark.parametrize("given", [0, "0", "0M"])
def test_that_nothing_may_be_copied_can_be_said(given: int | str) -> None:
    found = load(overrides={"lakehouse.copy_limit": given}, environ={})
    assert found.lakehouse.copy_limit == 0


def test_lists_may_be_text_with_commas() -> None:
    environ = {"HEATPROXY_LAKEHOUSE_ALLOWED_HOSTS": "*, 127.0.0.1,"}
    assert load(environ=environ).lakehouse.allowed_hosts == ("*", "127.0.0.1")
    flags = {"lakehouse.allowed_folders": "/a,~/b"}
    folders = load(overrides=flags, environ={}).lakehouse.allowed_folders
    assert folders == (Path("/a"), Path("~/b").expanduser())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lisen = 'x:1'", "lisen: no such setting; did you mean listen?"),
        ("[lakehouse]\nallowed_host = []", "did you mean lakehouse.allowed_hosts?"),
        ("[lakehous]\nallowed_hosts = []", "lakehous: no such setting"),
        ("[log.level]\nx = 1", "log.level must be one of debug, info"),
        ("zzz = 1", "zzz: no such setting$"),
        ("listen = ", "is not TOML"),
    ],
)
def test_what_the_file_has_wrong_is_named(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=message.replace("?", r"\?")) as caught:
        load(written(tmp_path, text), environ={})
    assert "heatproxy.toml" in str(caught.value)


def test_a_missing_file_and_an_unknown_flag_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="can't be read"):
        load(tmp_path / "none.toml", environ={})
    with pytest.raises(ConfigError, match=r"did you mean log\.level"):
        load(overrides={"log.levl": "info"}, environ={})


def test_no_address_is_one_where_that_is_a_choice() -> None:
    assert load(environ={}).metrics.listen is None
    found = load(overrides={"metrics.listen": "[::1]:0"}, environ={})
    assert found.metrics.listen == Address("::1", 0)


OTHERS: dict[str, Any] = {
    "drain_timeout_s": 1.5,
    "lakehouse.allowed_folders": ["/a", "/b"],
    "limits.connections": 7,
    "log.level": "debug",
    "tls.certificate": "/c.pem",
    "tls.enabled": False,
    "tls.key": "/k.pem",
}


def test_live_settings_go_through_json_to_other_processes() -> None:
    old = load(environ={})
    new = load(overrides={**OTHERS, "automl.workers": 3}, environ={})
    assert config.differences(old, new) == (
        [s.name for s in SETTINGS if s.name in OTHERS],
        ["automl.workers"],
    )
    values = json.loads(json.dumps(config.live_values(new)))
    changed = config.with_live_values(old, values)
    assert config.differences(changed, new) == ([], ["automl.workers"])
    # and back, to what is nothing
    values = json.loads(json.dumps(config.live_values(old)))
    assert config.with_live_values(changed, values) == old


@each_setting
def test_every_value_that_is_live_is_read_back_as_itself(setting: Setting) -> None:
    found = load(environ={})
    values = config.live_values(found)
    assert (setting.name in values) == setting.live
    assert config.with_live_values(found, values) == found


@pytest.mark.parametrize("url", ["mysql://u:sesame@h:x", "mysql://u:sesame/@h"])
def test_the_password_is_never_printed(url: str) -> None:
    for environ, flags in (({}, {"backend": url}), ({"HEATPROXY_BACKEND": url}, {})):
        with pytest.raises(ConfigError) as caught:
            load(overrides=flags, environ=environ)
        assert "sesame" not in str(caught.value)
