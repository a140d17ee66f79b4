"""Every setting there is, declared once: its name, what it may be, one sentence."""

from dataclasses import dataclass

from heatproxy.options import Constraint, Flag, ListOf, Number, OneOf, Text
from heatproxy.places import Backend, Elsewhere, File, Folder, HostPort, Size
from heatproxy.wire.compression import ALGORITHMS


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting; ``name`` is its key in the file, tables before a dot.

    A ``live`` one takes effect on SIGHUP; others need a restart.
    """

    name: str
    constraint: Constraint
    sentence: str
    live: bool = False

    @property
    def variable(self) -> str:
        """Its name in the environment."""
        return "HEATPROXY_" + self.name.upper().replace(".", "_")


SETTINGS = (
    Setting("listen", HostPort("127.0.0.1:3307"), "Where MySQL clients connect."),
    Setting(
        "data_dir",
        Folder("~/.local/share/heatproxy"),
        "Where heatproxy keeps its files and the embedded MySQL its data.",
    ),
    Setting(
        "backend",
        Backend(),
        "The real MySQL behind heatproxy: embedded (one of its own), or "
        "mysql://USER:PASSWORD@HOST:PORT with special characters percent-encoded.",
    ),
    Setting(
        "workers",
        Number(low=1, high=64, whole=True, default=1),
        "How many processes relay the bytes of clients.",
    ),
    Setting(
        "drain_timeout_s",
        Number(low=0, high=86_400, default=30),
        "How long statements and transactions under way may take to finish after "
        "SIGTERM, in seconds.",
        live=True,
    ),
    Setting(
        "limits.connections",
        Number(low=0, high=1_000_000, whole=True, default=0),
        "How many clients may be connected at a time; 0 leaves it to MySQL.",
        live=True,
    ),
    Setting(
        "limits.connections_per_user",
        Number(low=0, high=1_000_000, whole=True, default=0),
        "How many connections one user name may have at a time; 0 leaves it to MySQL.",
        live=True,
    ),
    Setting(
        "limits.login_timeout_s",
        Number(low=0, high=86_400, default=10),
        "How long a client may take to log in, in seconds; 0 leaves it to MySQL.",
        live=True,
    ),
    Setting(
        "limits.idle_timeout_s",
        Number(low=0, high=31_536_000, default=0),
        "How long a client may send nothing while no statement of it runs, in "
        "seconds; 0 leaves it to MySQL.",
        live=True,
    ),
    Setting(
        "tls.enabled",
        Flag(default=True),
        "Whether clients are offered TLS.",
        live=True,
    ),
    Setting(
        "tls.certificate",
        File(),
        "The certificate that clients see, a PEM file with its chain; by default one "
        "that heatproxy has signed itself, in tls/ of its data_dir; read again on "
        "SIGHUP.",
        live=True,
    ),
    Setting(
        "tls.key",
        File(),
        "The private key of tls.certificate, a PEM file without a passphrase.",
        live=True,
    ),
    Setting(
        "tls.ca",
        File(),
        "Certificates of those who may sign certificates of clients, a PEM file; "
        "a client that shows one must show such a one; none need be shown.",
        live=True,
    ),
    Setting(
        "tls.min_version",
        OneOf(("TLSv1.2", "TLSv1.3"), default="TLSv1.2"),
        "The oldest version of TLS that clients may speak.",
        live=True,
    ),
    Setting(
        "tls.require_secure_transport",
        Flag(default=False),
        "Whether clients without TLS are refused.",
        live=True,
    ),
    Setting(
        "backend_tls.mode",
        OneOf(("as_client", "required", "disabled"), default="as_client"),
        "When a client's connection to the backend has TLS: when the client's own "
        "has, always (accounts that REQUIRE SSL then take clients without it, unless "
        "tls.require_secure_transport is set), or never; over a network clients are "
        "offered TLS only if the backend's connection has it too.",
    ),
    Setting(
        "backend_tls.verify",
        OneOf(("none", "ca", "identity"), default="none"),
        "What is verified of the backend's certificate: nothing, who signed it, or "
        "also that it is for the backend's host.",
    ),
    Setting(
        "backend_tls.ca",
        File(),
        "Certificates of those who may sign the backend's, a PEM file; by default "
        "those that this machine trusts.",
    ),
    Setting(
        "backend_tls.min_version",
        OneOf(("TLSv1.2", "TLSv1.3"), default="TLSv1.2"),
        "The oldest version of TLS that the backend may speak.",
    ),
    Setting(
        "compression.algorithms",
        ListOf(OneOf(ALGORITHMS), default=ALGORITHMS),
        "What clients may choose from for their connections, as in MySQL's "
        "protocol_compression_algorithms.",
        live=True,
    ),
    Setting(
        "embedded.buffer_pool_size",
        Size("256M"),
        "InnoDB's buffer pool in the embedded MySQL.",
    ),
    Setting(
        "lakehouse.allowed_schemes",
        ListOf(OneOf(("https", "http")), default=("https", "http")),
        "What the URLs of Lakehouse files may begin with.",
        live=True,
    ),
    Setting(
        "lakehouse.allowed_hosts",
        ListOf(Text(), default=("*",)),
        "Which hosts Lakehouse files may come from: names, names such as "
        "*.example.com, addresses or networks; * is every public address, while "
        "loopback, private and link-local ones must be listed.",
        live=True,
    ),
    Setting(
        "lakehouse.allowed_folders",
        ListOf(Folder(), default=()),
        "Which local folders Lakehouse files may come from; none by default.",
        live=True,
    ),
    Setting(
        "lakehouse.url_mapping",
        ListOf(Elsewhere(), default=()),
        "Other places for what scripts name, as 'URL => URL': what begins with the "
        "first is at the second instead, with the same rest; * stands for any "
        "characters but a slash, and oci://BUCKET@NAMESPACE/ for a bucket.",
        live=True,
    ),
    Setting(
        "lakehouse.allowed_buckets",
        ListOf(Text(), default=()),
        "Which buckets anybody may load from with heatproxy's own credentials: "
        "s3://BUCKET and oci://BUCKET@NAMESPACE, where * stands for any characters; "
        "none by default.",
        live=True,
    ),
    Setting(
        "lakehouse.s3_endpoint",
        Text(""),
        "The URL of an S3-compatible store, by default Amazon's own; its keys are "
        "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or those of the machine's role.",
        live=True,
    ),
    Setting(
        "lakehouse.s3_region",
        Text(""),
        "The region of S3 buckets that a script names without one.",
        live=True,
    ),
    Setting(
        "lakehouse.oci_config",
        File(),
        "The configuration file of OCI's tools, with the key for oci:// buckets; "
        "none by default.",
        live=True,
    ),
    Setting(
        "lakehouse.oci_profile",
        Text("DEFAULT"),
        "The profile of lakehouse.oci_config.",
        live=True,
    ),
    Setting(
        "lakehouse.oci_endpoint",
        Text("https://objectstorage.{region}.oraclecloud.com"),
        "Where OCI's object storage is, with {region} in place of the region.",
        live=True,
    ),
    Setting(
        "lakehouse.max_file_bytes",
        Size("64G"),
        "How large one Lakehouse file may be.",
        live=True,
    ),
    Setting(
        "lakehouse.profile",
        OneOf(("9.2", "8.0"), default="9.2"),
        "The HeatWave release whose scripts are run: since 9.2 delimiters of CSV "
        "files that a script does not name are found out; before, a vertical bar ended "
        "each field, the last of a line too.",
        live=True,
    ),
    Setting(
        "lakehouse.copy_limit",
        Size("64M", optional=True),
        "How many bytes of Lakehouse tables may be copied into temporary tables of a "
        "client's session, for MySQL to answer a statement that has no rule for being "
        "answered as MySQL does; 0 refuses such a statement.",
        live=True,
    ),
    Setting(
        "engine.memory_limit",
        Size("50%"),
        "How much memory the analytic engine may use before it spills to disk.",
    ),
    Setting(
        "engine.threads",
        Number(low=0, high=1024, whole=True, default=0),
        "How many threads the analytic engine uses; 0 is one per processor.",
    ),
    Setting(
        "rapid.exactness",
        OneOf(("strict", "sql", "heatwave"), default="sql"),
        "How equal to MySQL's an answer of RAPID must be: in every byte; up to what "
        "SQL leaves open (the order of ties and of unordered rows, which member of a "
        "case-insensitive group is shown); or also with floating-point numbers summed "
        "in another order.",
        live=True,
    ),
    Setting(
        "rapid.offload_in_transactions",
        Flag(default=False),
        "Whether SELECTs inside transactions may go to RAPID too, where MySQL's answer "
        "would provably be the same.",
        live=True,
    ),
    Setting(
        "rapid.freshness_wait_s",
        Number(low=0, high=3600, default=1),
        "How long a SELECT waits until RAPID has what the backend has committed, in "
        "seconds, before MySQL answers it.",
        live=True,
    ),
    Setting(
        "rapid.answer_limit",
        Size("1G"),
        "How large an answer of RAPID may be: nothing of it is sent before it is "
        "whole, what is over 64 MB waits in a file, and a larger one MySQL gives.",
        live=True,
    ),
    Setting(
        "rapid.shadow",
        Number(low=0, high=1, default=0),
        "Which share of the SELECTs that RAPID answers MySQL answers too: differences "
        "are logged and counted, and the client is given MySQL's answer.",
        live=True,
    ),
    Setting(
        "rapid.switched_off",
        ListOf(Text(), default=()),
        "Functions and clauses that RAPID leaves to MySQL, by the names that EXPLAIN "
        "and the log of differences give them.",
        live=True,
    ),
    Setting(
        "rapid.load_connections",
        Number(low=1, high=64, whole=True, default=2),
        "How many connections to the backend read a table that is being loaded.",
        live=True,
    ),
    Setting(
        "rapid.server_id",
        Number(low=0, high=4_294_967_295, whole=True, default=0),
        "The server_id under which the backend's binary log is read, one that no other "
        "server or reader of it has; 0 makes one up from the data_dir's name.",
    ),
    Setting(
        "automl.workers",
        Number(low=1, high=64, whole=True, default=1),
        "How many trainings run at the same time; others wait.",
    ),
    Setting(
        "automl.threads",
        Number(low=0, high=1024, whole=True, default=0),
        "How many threads one training uses; 0 is one per processor.",
    ),
    Setting(
        "automl.time_budget_s",
        Number(low=0, high=31_536_000, default=0),
        "After how many seconds a classification or regression takes the best model it "
        "has found; 0 sets no time, so that the same data give the same model.",
        live=True,
    ),
    Setting(
        "automl.memory_limit",
        Size("0", optional=True),
        "How much memory the rows of one classification or regression may take, so "
        "that of a longer table only a sample is learned from; 0 learns from all rows.",
        live=True,
    ),
    Setting(
        "automl.format",
        OneOf(("9.5", "8.0"), default="9.5"),
        "Whose formats AutoML's answers and catalogs have: those of HeatWave 9.5, or "
        "those of 8.0.3x, which labs of 2022 and 2023 read.",
        live=True,
    ),
    Setting(
        "automl.dialects",
        ListOf(OneOf(("redshift", "datasette")), default=("redshift", "datasette")),
        "Whose SQL for machine learning is understood besides HeatWave's: redshift is "
        "CREATE MODEL and its like, datasette the functions sqml_...",
        live=True,
    ),
    Setting(
        "inside.enabled",
        Flag(default=True),
        "Whether the routines answer calls from inside the backend: in stored "
        "programs, triggers and views, and of sessions that go straight to it.",
    ),
    Setting(
        "inside.callers",
        Number(low=1, high=64, whole=True, default=16),
        "How many such calls are answered at the same time, each on a connection of "
        "its own to the backend; others wait.",
    ),
    Setting(
        "log.level",
        OneOf(("debug", "info", "warning", "error"), default="info"),
        "The least severe messages that are logged.",
        live=True,
    ),
    Setting(
        "log.format",
        OneOf(("text", "json"), default="text"),
        "How a message is written: a line of text, or an object of JSON.",
        live=True,
    ),
    Setting(
        "log.slow_statement_s",
        Number(low=0, high=31_536_000, default=10),
        "From how many seconds on a statement is logged, without its text, as slow; "
        "0 logs none.",
        live=True,
    ),
    Setting(
        "metrics.listen",
        HostPort("", optional=True),
        "Where /metrics (for Prometheus) and /healthz are served over HTTP, to "
        "anybody who can connect; nowhere by default.",
    ),
)
