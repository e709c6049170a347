"""Every setting of `gateway.toml`: type, default, one sentence.

The tables of the region (`[[organization]]`, `[[endpoint]]`, `[[route]]`, `[[practitioner]]`,
`[[client]]`) are described in `gateway.domain.region` and read by `gateway.configuration`.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import quote

from gateway.domain.client import Issuer
from gateway.domain.time import SECOND, duration
from gateway.pipeline.catalogues import Catalogues
from profiles.issue import NotConformant, NotPermitted
from profiles.reading.record import Place, read_record

if TYPE_CHECKING:
    from profiles.terminology import Remote

#: Name of the file a folder of configuration starts with.
FILE = "gateway.toml"
#: Environment variable that names the configuration where no option does.
ENVIRONMENT = "GATEWAY_CONFIG"
#: Tables of `gateway.toml` that belong to the region, not to the settings of one process.
REGION_TABLES = ("organization", "endpoint", "route", "practitioner", "client")

_SIZE = re.compile(r"(\d+)\s*(B|kB|MB|GB)")
_BYTES = {"B": 1, "kB": 1_000, "MB": 1_000_000, "GB": 1_000_000_000}


def size(text: Any) -> int:
    """Read a size such as `16kB`, `20MB` into bytes; ValueError otherwise."""
    match = _SIZE.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is None:
        raise ValueError('a size in quotes, such as "16kB" or "20MB"')
    return int(match[1]) * _BYTES[match[2]]


def span(text: Any) -> int:
    """Read a duration such as `5s`, `14d` into microseconds; ValueError otherwise."""
    if not isinstance(text, str):
        raise ValueError('a duration in quotes, such as "500ms", "5s", "15m", "14d"')  # noqa: TRY004
    return duration(text)


Size = Annotated[int, size]
Span = Annotated[int, span]


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewaySettings:
    """Who this gateway is."""

    #: Name of the region, shown in the CapabilityStatement and on interface sheets.
    name: str = "Region"
    #: Address partners use for the FHIR interface; goes into links of search results.
    base_url: str = "http://127.0.0.1:8080/fhir"
    #: Time zone in which dates of consents and reports are read.
    timezone: str = "Europe/Berlin"


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSettings:
    """The HTTP listener: FHIR, inbound messages, health, metrics."""

    #: Address and port to listen on.
    listen: str = "127.0.0.1:8080"
    #: Certificate (PEM) of the listener; empty speaks plain HTTP.
    certificate: str = ""
    #: Private key (PEM) of the certificate.
    key: str = ""
    #: CA (PEM) whose client certificates are accepted.
    ca: str = ""
    #: Largest body taken; an endpoint's max_bytes may be smaller.
    max_body: Size = 20_000_000
    #: Bytes of bodies in work at a time; who does not fit is answered 503.
    held: Size = 256_000_000
    #: Largest header block taken.
    max_header: Size = 16_000
    #: Time a client has for its header block.
    header_timeout: Span = 10 * SECOND
    #: Longest silence within a body.
    body_timeout: Span = 30 * SECOND
    #: Time one request may take in total.
    request_timeout: Span = 120 * SECOND
    #: Requests served at the same time; more are answered 503.
    concurrency: int = 256
    #: Failed authentications one address may make in a minute; more are answered 429.
    failed_logins: int = 30
    #: Most resources on one page of a search result.
    page: int = 100
    #: What is done with errors in resources that callers write: reject (validated in full: FHIR R4,
    #: its rules, the profiles claimed) or none (only the structure has to hold).
    validation: Literal["reject", "none"] = "reject"
    #: Whether an update of an unknown id creates the resource with the id the caller chose.
    create_on_update: bool = False
    #: Origins whose scripts may call from a browser (CORS), like "https://app.example"; "*" is all.
    origins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SecuritySettings:
    """How callers prove who they are."""

    #: token (bearer token or client certificate), smart (access token of the token endpoint or of
    #: an issuer, or client certificate), mtls (client certificate only), none (loopback).
    authentication: Literal["token", "smart", "mtls", "none"] = "token"
    #: How long an access token of the token endpoint is good for; SMART asks for five minutes.
    token_lifetime: Span = 300 * SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSettings:
    """Where messages, resources and evidence lie."""

    #: Database: sqlite:///file or postgresql+psycopg://user@host/database, without a password.
    url: str = "sqlite:///gateway.db"
    #: File that holds the database password.
    password_file: str = ""
    #: Environment variable that holds the database password.
    password_env: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySettings:
    """Key files: 32 random bytes in hexadecimal, readable by the gateway's user only (0400)."""

    #: Folder of data.key, region.key, index.key and signing.key.
    folder: str = "keys"


@dataclass(frozen=True, slots=True, kw_only=True)
class MllpSettings:
    """Limits every MLLP listener keeps."""

    #: Open connections to one listener.
    connections: int = 1_000
    #: Open connections of one peer address.
    connections_per_peer: int = 400
    #: Silence after which an idle connection is closed.
    idle_timeout: Span = 600 * SECOND
    #: Time from a frame's first to its last byte.
    frame_timeout: Span = 120 * SECOND
    #: Frames above this size are spooled to disk while they arrive.
    spool_above: Size = 1_000_000
    #: Bytes of frames one listener has in work at a time.
    held: Size = 256_000_000
    #: Messages taken from one connection before the first is answered.
    window: int = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineSettings:
    """How messages are translated and stored."""

    #: Worker processes for translation; 0 takes one less than there are cores, at least one.
    workers: int = 0
    #: Time one message may take to translate before its worker is replaced.
    message_timeout: Span = 20 * SECOND
    #: Memory one worker may use.
    worker_memory: Size = 2_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminologySettings:
    """A terminology server elsewhere, asked last and with nothing but codes; off by default."""

    #: Base address of a FHIR R4 terminology server, https://…/fhir; empty asks nobody.
    server: str = ""
    #: Code systems (URL) it is asked about; empty asks about all that nothing here decides.
    systems: tuple[str, ...] = ()
    #: Time it has for an answer.
    timeout: Span = 3 * SECOND
    #: How long its answers count.
    cache: Span = 24 * 3_600 * SECOND
    #: How long it is left alone after it failed; codes stay undecided meanwhile.
    pause: Span = 30 * SECOND
    #: File with a bearer token.
    token_file: str = ""
    #: CA (PEM) of the server; empty trusts the system's.
    ca: str = ""
    #: Our certificate (PEM), where the server asks for one.
    certificate: str = ""
    #: Private key (PEM) of the certificate.
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertSettings:
    """When waiting becomes an alarm."""

    #: Age at which work that needs a person turns `status` and `/health/ready` to warning.
    worklist_age: Span = 4 * 3_600 * SECOND
    #: Age at which an undelivered message of a destination counts as stuck.
    delivery_age: Span = 3_600 * SECOND
    #: Age at which an audit event without a number in the log is reported.
    unnumbered_age: Span = 60 * SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionSettings:
    """When what is past its time goes; how long that is says each organization's `retain`."""

    #: How often what is past its time is deleted; 0s leaves that to `gateway retention run`.
    interval: Span = 3_600 * SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSettings:
    """Log lines on standard error: event names, ids and counts, never patient data."""

    #: DEBUG, INFO, WARNING or ERROR.
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    #: json (one object a line) or text.
    format: Literal["json", "text"] = "json"


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelSettings:
    """A rule that labels resources before they are stored; without rules nothing is labelled."""

    #: FHIR search criteria of what is labelled, e.g. Condition?code=F20.
    criteria: str
    #: Security labels to add, system|code.
    security: tuple[str, ...] = ()
    #: A person looks before the message leaves.
    hold: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything one process needs to know besides the region."""

    #: Folder of the file; relative paths start here.
    folder: Path = Path()
    gateway: GatewaySettings = field(default_factory=GatewaySettings)
    http: HttpSettings = field(default_factory=HttpSettings)
    security: SecuritySettings = field(default_factory=SecuritySettings)
    store: StoreSettings = field(default_factory=StoreSettings)
    #: The consent policy, read by `gateway.configuration` into the region.
    consent: Mapping[str, Any] = field(default_factory=dict)
    keys: KeySettings = field(default_factory=KeySettings)
    mllp: MllpSettings = field(default_factory=MllpSettings)
    pipeline: PipelineSettings = field(default_factory=PipelineSettings)
    terminology: TerminologySettings = field(default_factory=TerminologySettings)
    alert: AlertSettings = field(default_factory=AlertSettings)
    retention: RetentionSettings = field(default_factory=RetentionSettings)
    log: LogSettings = field(default_factory=LogSettings)

    #: [[label]] rules.
    label: tuple[LabelSettings, ...] = ()
    #: [[issuer]] tables.
    issuer: tuple[Issuer, ...] = ()

    @property
    def namespace(self) -> str:
        """URI prefix of the senders' own identifiers; the organization id follows it."""
        return f"{self.gateway.base_url.rstrip('/').removesuffix('/fhir')}/sid"

    @property
    def labels(self) -> tuple[dict[str, Any], ...]:
        """The label rules as translation reads them."""
        return tuple(asdict(rule) for rule in self.label)

    @property
    def packages(self) -> str:
        """The region's FHIR packages, as `gateway package` keeps them; "" when there are none."""
        folder = self.path("packages")
        return str(folder) if folder.is_dir() else ""

    @property
    def catalogues(self) -> Catalogues:
        """The region's catalogues, as `gateway terminology` keeps them, and the server elsewhere.

        Raises NotConformant for an address no server can have.
        """
        return Catalogues(
            folders=(str(self.path("terminology")),),
            remote=self._terminology_server() if self.terminology.server else None,
            answer=self.terminology.cache / SECOND,
            pause=self.terminology.pause / SECOND,
        )

    def _terminology_server(self) -> Remote:
        # Brings the HTTP client along: only for those who have a server.
        from gateway.endpoints.terminology_server import TerminologyServer

        names = {
            "ca": self.terminology.ca,
            "certificate": self.terminology.certificate,
            "key": self.terminology.key,
        }
        token = self.terminology.token_file
        try:
            return TerminologyServer(
                self.terminology.server,
                tls={name: str(self.path(file)) for name, file in names.items() if file},
                token_file=str(self.path(token)) if token else "",
                systems=self.terminology.systems,
                deadline=self.terminology.timeout / SECOND,
            )
        except (NotConformant, NotPermitted) as error:
            raise NotConformant(f"{FILE} [terminology] server: {error.text}") from error

    def path(self, name: str) -> Path:
        """Resolve a file named in the configuration."""
        return (self.folder / name).resolve()

    @property
    def store_url(self) -> str:
        """The database URL as the driver wants it: absolute file, password filled in.

        Never print it: it may hold the password. Raises NotConformant when the password cannot
        be read.
        """
        url = self.store.url
        if url.startswith("sqlite:///") and not url.startswith("sqlite:////"):
            return f"sqlite:///{self.path(url.removeprefix('sqlite:///'))}"
        password = self._password()
        if not password:
            return url
        scheme, _, rest = url.partition("://")
        user, at, host = rest.partition("@")
        return f"{scheme}://{user}:{quote(password, safe='')}@{host}" if at else url

    def _password(self) -> str:
        if self.store.password_file:
            return read_secret(self.path(self.store.password_file))
        return os.environ.get(self.store.password_env, "") if self.store.password_env else ""


#: Tables of `gateway.toml` that hold settings of one process, with their classes (and `[[label]]`).
TABLES: dict[str, type] = {
    "gateway": GatewaySettings,
    "http": HttpSettings,
    "security": SecuritySettings,
    "store": StoreSettings,
    "keys": KeySettings,
    "mllp": MllpSettings,
    "pipeline": PipelineSettings,
    "terminology": TerminologySettings,
    "alert": AlertSettings,
    "retention": RetentionSettings,
    "log": LogSettings,
}


def find(path: str | Path | None = None) -> Path:
    """Return the configuration file meant: a file, a folder, $GATEWAY_CONFIG or ./gateway.toml.

    Raises NotConformant when there is none.
    """
    chosen = Path(path or os.environ.get(ENVIRONMENT) or FILE)
    if chosen.is_dir():
        chosen = chosen / FILE
    if not chosen.is_file():
        raise NotConformant(
            f"There is no configuration at {chosen}; `gateway init DIR` makes one, "
            f"--config or ${ENVIRONMENT} names another."
        )
    return chosen


def load_settings(path: str | Path | None = None) -> Settings:
    """Read `gateway.toml`. Raises NotConformant with one Issue for every fault."""
    chosen = find(path)
    return settings_from(read_toml(chosen), folder=chosen.resolve().parent, file=chosen.name)


def settings_from(mapping: Mapping[str, Any], *, folder: Path, file: str = FILE) -> Settings:
    """Build settings from a parsed file; tables of the region are left to `configuration`."""
    own = {key: value for key, value in mapping.items() if key not in REGION_TABLES}
    place = Place(file)
    if "folder" in own:
        raise NotConformant(f"{place}: unknown key 'folder'")
    return read_record(Settings, {**own, "folder": str(folder)}, place)


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file; raises NotConformant naming the file and the line."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise NotConformant(f"{path.name} is not valid TOML: {error}") from error
    except OSError as error:
        raise NotConformant(f"{path.name} cannot be read: {error.strerror}") from error


def read_secret(path: Path) -> str:
    """Read a secret of one line; raises NotConformant when it is missing or open to others."""
    try:
        if path.stat().st_mode & 0o077:
            raise NotConformant(f"{path.name} may be read by others; chmod 0400 it.")
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise NotConformant(f"{path.name} cannot be read: {error.strerror}") from error
