"""heatproxy's command line."""

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from heatproxy import bench, demo
from heatproxy.backend import packages
from heatproxy.backend.embedded import DataDirInUse
from heatproxy.backend.mysqld import MysqldError
from heatproxy.backend.progress import on_stderr
from heatproxy.backend.reach import reach_backend
from heatproxy.config import Config, ConfigError, load
from heatproxy.server import LOG_FORMAT, EngineFailed, serve

# What a person may do something about: said in one line, without a traceback.
EXPECTED = (
    ConfigError,
    DataDirInUse,
    EngineFailed,
    MysqldError,
    OSError,
    demo.DemoFailed,
    packages.PackagesError,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options) or 0)
    except EXPECTED as problem:
        print(f"heatproxy: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="heatproxy",
        description="MySQL HeatWave's Lakehouse and AutoML for any MySQL.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    up = commands.add_parser("up", help="run heatproxy in the foreground")
    _add_settings(up, "--listen", "--data-dir", "--backend", "--config")
    up.set_defaults(run=_up)

    show = commands.add_parser("demo", help="run a HeatWave lab, start to end")
    show.set_defaults(run=_demo)

    mysql = commands.add_parser("mysql", help="the mysql client, through heatproxy")
    _add_settings(mysql, "--data-dir")
    mysql.add_argument("args", nargs="*", metavar="-- ARGS", help="passed to mysql")
    mysql.set_defaults(run=_mysql)

    look = commands.add_parser("check", help="say what is there and what is missing")
    _add_settings(look, "--listen", "--data-dir", "--backend", "--config")
    look.set_defaults(run=_check)

    measure = commands.add_parser(
        "bench", help="what the way through a running heatproxy costs"
    )
    _add_settings(measure, "--listen", "--data-dir")
    measure.set_defaults(run=_bench)
    return parser


def _add_settings(parser: argparse.ArgumentParser, *flags: str) -> None:
    meant = {
        "--listen": ("HOST:PORT", "where MySQL clients connect (127.0.0.1:3307)"),
        "--data-dir": ("DIR", "where heatproxy keeps its files"),
        "--backend": ("URL", "embedded (default) or mysql://USER:PASSWORD@HOST:PORT"),
        "--config": ("FILE", "settings, see configs/heatproxy.toml"),
    }
    for flag in flags:
        metavar, text = meant[flag]
        parser.add_argument(flag, metavar=metavar, help=text)


def _config(options: argparse.Namespace) -> Config:
    given = vars(options)
    names = ("listen", "data_dir", "backend")
    path = given.get("config")
    overrides = {name: given.get(name) for name in names}
    return load(Path(path) if path else None, overrides)


def _up(options: argparse.Namespace) -> None:
    config = _config(options)
    logging.basicConfig(level=config.log.level.upper(), format=LOG_FORMAT)
    with ExitStack() as stack:
        backend = stack.enter_context(reach_backend(config, on_stderr()))
        how = f"mysql --host={config.listen.host} --port={config.listen.port}"
        if config.backend is None:
            how = f"heatproxy mysql --data-dir {config.data_dir}"
        ready = f"heatproxy is ready on {config.listen}; connect with: {how}"
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(serve(config, backend, lambda: print(ready, flush=True)))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop where it is installed: it needs a quarter less of a processor."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def _mysql(options: argparse.Namespace) -> None:
    config = _config(options)
    client_cnf = config.data_dir / "client.cnf"
    if not client_cnf.exists():
        raise ConfigError(f"{client_cnf} is not there: start `heatproxy up` first")
    command = packages.client_command(packages.cache_dir(), on_stderr())
    command = (*command, f"--defaults-file={client_cnf}", *options.args)
    os.execvp(command[0], command)  # noqa: S606


def _demo(options: argparse.Namespace) -> int:
    return demo.run(on_stderr(), print)


def _check(options: argparse.Namespace) -> int:
    from heatproxy import check  # it knows the routines, and with them all libraries

    return check.run(_config(options), print)


def _bench(options: argparse.Namespace) -> int:
    config = _config(options)
    if not (config.data_dir / "client.cnf").exists():
        raise ConfigError(f"nothing runs on {config.data_dir}: start heatproxy up")
    return bench.run(config, print)
