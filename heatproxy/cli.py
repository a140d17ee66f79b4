"""heatproxy's command line."""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from heatproxy import logs
from heatproxy.config import Config, ConfigError, load

# Every command imports what it needs itself: the supervisor stays small, and so do
# the processes below it, which import this module when it is the main program.


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options) or 0)
    except KeyboardInterrupt:
        return 130
    except Exception as problem:
        if not isinstance(problem, _expected()):
            raise
        print(f"heatproxy: {problem}", file=sys.stderr)
        return 1


def _expected() -> tuple[type[Exception], ...]:
    """What a person may do something about: said in one line, without a traceback."""
    from heatproxy import bench, demo
    from heatproxy.backend import packages
    from heatproxy.backend.embedded import DataDirInUse
    from heatproxy.backend.mysqld import MysqldError
    from heatproxy.supervisor.children import ChildFailed

    return (
        bench.BenchFailed,
        ChildFailed,
        ConfigError,
        DataDirInUse,
        MysqldError,
        OSError,
        demo.DemoFailed,
        packages.PackagesError,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="heatproxy",
        description="MySQL HeatWave's Lakehouse and AutoML for any MySQL.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    up = commands.add_parser("up", help="run heatproxy in the foreground")
    _add_settings(up, "--listen", "--data-dir", "--backend", "--workers", "--config")
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
        "bench",
        help="what the way through a running heatproxy costs",
        description="Measure the heatproxy that runs on --listen and --data-dir, or "
        "one of its own: with wire beside HAProxy and MySQL Router where installed, "
        "with rapid beside MySQL and DuckDB, with load beside DuckDB, with predict "
        "beside the model alone, with automl beside FLAML and LightGBM.",
    )
    measure.add_argument(
        "what",
        nargs="?",
        choices=("wire", "rapid", "load", "predict", "automl"),
        help="the relay beside other proxies, RAPID beside MySQL and DuckDB, "
        "loading files beside DuckDB, predictions beside the model alone, or "
        "training beside FLAML and LightGBM",
    )
    measure.add_argument(
        "--quick", action="store_true", help="all that have a name: fewer, shorter"
    )
    measure.add_argument(
        "--data",
        metavar="DIR",
        default="data",
        help="automl: the folder of the data sets (data)",
    )
    _add_settings(measure, "--listen", "--data-dir")
    measure.set_defaults(run=_bench)
    return parser


def _add_settings(parser: argparse.ArgumentParser, *flags: str) -> None:
    meant = {
        "--listen": ("HOST:PORT", "where MySQL clients connect (127.0.0.1:3307)"),
        "--data-dir": ("DIR", "where heatproxy keeps its files"),
        "--backend": ("URL", "embedded (default) or mysql://USER:PASSWORD@HOST:PORT"),
        "--workers": ("N", "how many processes relay clients' bytes (1)"),
        "--config": ("FILE", "settings, see configs/heatproxy.toml"),
    }
    for flag in flags:
        metavar, text = meant[flag]
        parser.add_argument(flag, metavar=metavar, help=text)


def _config(options: argparse.Namespace) -> Config:
    given = vars(options)
    names = ("listen", "data_dir", "backend", "workers")
    path = given.get("config")
    overrides = {name: given.get(name) for name in names}
    return load(Path(path) if path else None, overrides)


def _up(options: argparse.Namespace) -> None:
    from heatproxy.backend.progress import Logged, on_stderr
    from heatproxy.backend.reach import reach_backend
    from heatproxy.supervisor import sockets

    config = _config(options)
    logs.begin("supervisor", config.log.level, config.log.format)
    with ExitStack() as stack:
        listening = sockets.bind(config.listen, config.workers)
        stack.callback(listening.close)
        address = listening.address
        placed = replace(config, listen=address)
        notify = Logged() if config.log.format == "json" else on_stderr()
        backend = stack.enter_context(reach_backend(placed, notify))
        how = f"mysql --host={address.host} --port={address.port}"
        if config.backend is None:
            how = f"heatproxy mysql --data-dir {config.data_dir}"
        ready = f"heatproxy is ready on {address}; connect with: {how}"
        asyncio.run(
            _supervise(
                config,
                backend,
                listening,
                lambda: _config(options),
                lambda: _say(ready),
            )
        )


async def _supervise(*arguments: Any) -> None:
    from heatproxy.supervisor.supervisor import Supervisor

    await Supervisor(*arguments).run()


def _mysql(options: argparse.Namespace) -> None:
    from heatproxy.backend import packages
    from heatproxy.backend.progress import on_stderr

    config = _config(options)
    client_cnf = config.data_dir / "client.cnf"
    if not client_cnf.exists():
        raise ConfigError(f"{client_cnf} is not there: start `heatproxy up` first")
    command = packages.client_command(packages.cache_dir(), on_stderr())
    command = (*command, f"--defaults-file={client_cnf}", *options.args)
    os.execvp(command[0], command)  # noqa: S606


def _demo(options: argparse.Namespace) -> int:
    from heatproxy import demo
    from heatproxy.backend.progress import on_stderr

    return demo.run(on_stderr(), print)


def _check(options: argparse.Namespace) -> int:
    from heatproxy import check  # it knows the routines, and with them all libraries

    return check.run(_config(options), print)


def _bench(options: argparse.Namespace) -> int:
    folder = Path(options.data_dir).absolute() if options.data_dir else None
    if options.what == "wire":
        from heatproxy.bench import wire  # its client is compiled code

        return wire.run(folder, _say, quick=options.quick)
    if options.what == "rapid":
        from heatproxy.bench import rapid

        return rapid.run(folder, _say, quick=options.quick)
    if options.what == "load":
        from heatproxy.bench import files

        return files.run(folder, _say, quick=options.quick)
    if options.what == "automl":
        from heatproxy.bench import automl

        return automl.run(Path(options.data), _say, quick=options.quick)
    if options.what == "predict":
        from heatproxy.bench import predict

        return predict.run(folder, _say, quick=options.quick)
    config = _config(options)
    if not (config.data_dir / "client.cnf").exists():
        raise ConfigError(f"nothing runs on {config.data_dir}: start heatproxy up")
    from heatproxy.bench import through

    return through.run(config, print)


def _say(line: str) -> None:
    print(line, flush=True)  # each when it is known, into a pipe too
