"""The only reader of the environment and of `sluice.toml`."""

import os
import re
from functools import cached_property
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import SettingsConfigDict

from infra.model_lock import read_lock
from infra.ocr_engines import choose_ocr
from infra.profiles import read_profile
from infra.setting_files import FILE_SUFFIX
from infra.setting_groups import (
    PREFIX,
    SETTINGS_FILE,
    MediaLimits,
    S3Settings,
    SandboxLimits,
    SandboxMode,
    SettingsGroup,
    file_prefix,
    read_group,
)
from infra.settings_file import misspelt, read_settings_file
from infra.snapshots import Snapshots
from schemas.asset import ObjectRef
from schemas.errors import ConfigurationError
from schemas.stages import STAGES, ModelRef, stage_version

__all__ = [
    "LOCAL_ARTIFACTS",
    "MediaLimits",
    "S3Settings",
    "SandboxLimits",
    "SandboxMode",
    "Settings",
    "load_settings",
    "misspelt_variables",
]

#: Bucket name of artifacts kept in `SLUICE_HOME`.
LOCAL_ARTIFACTS = "artifacts"
#: Names for the tests, not for the program.
_TEST_PREFIX = f"{PREFIX}TEST_"
_DEVICE = re.compile(r"auto|cpu|cuda(:\d+)?")


class Settings(SettingsGroup):
    """All settings. Environment wins over `sluice.toml`, which wins over the defaults."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True)

    home: Path = Path(".sluice")
    database_url: str = ""
    #: Connections of one process to a Postgres server.
    database_connections: int = Field(default=10, ge=2)
    #: Longest statement on a Postgres server.
    database_timeout_s: float = Field(default=30.0, gt=0)
    broker_url: str = "memory://"
    qdrant_url: str = ""
    qdrant_api_key: str = ""
    #: `s3://bucket/prefix` for artifacts; empty keeps them in `home`.
    store_url: str = ""
    s3_endpoint: str = ""
    s3_region: str = "us-east-1"
    #: `demo`, `small`, `large`, or a TOML file.
    models: str = "demo"
    #: What `sluice models pull` writes; empty keeps it in `home`, with the index that it made.
    models_lock: str = ""
    #: Who reads text in images: `rapidocr`, `tesseract`; empty leaves it to the profile.
    ocr: str = ""
    #: What it reads, in the engine's own words: `korean`, `deu+eng`.
    ocr_language: str = ""
    #: File of passwords of encrypted media, one a line, tried in order; read by workers.
    password_file: str = ""
    device: str = "auto"
    #: GPU memory for the models that a worker keeps loaded; 0 sets no bound.
    vram_bytes: int = Field(default=0, ge=0)
    #: The same for models on a CPU.
    ram_bytes: int = Field(default=0, ge=0)
    #: CPU cores for models, shared by the calls that run at once; 0 means all.
    n_threads: int = 0
    tenant: str = Field(default="default", min_length=1)
    log_level: str = "WARNING"
    log_format: Literal["console", "json"] = "console"

    #: Whether media are decoded where the kernel refuses a part of the sandbox.
    sandbox: SandboxMode = "auto"

    #: A claimed job whose worker is silent for this long is given to another.
    lease_s: float = Field(default=60.0, gt=0)
    max_attempts: int = Field(default=5, ge=1, le=100)
    #: Batches in flight per consumer of a stage; more only lengthens the broker's queue.
    batches_in_flight: int = Field(default=3, ge=1)
    #: A worker tells that it lives this often; after three silences it is no consumer any more.
    heartbeat_s: float = Field(default=5.0, gt=0)
    #: How long a worker that was told to stop may finish its batches before it gives them back.
    grace_s: float = Field(default=25.0, ge=0)
    #: How long an unfilled batch waits for more jobs.
    linger_s: float = 0.05
    #: A dispatched batch that nobody claimed is dispatched again after this long.
    redispatch_s: float = 60.0

    #: Sources of bucket events; see docs/object-storage.md. Empty: not listened to.
    sqs_url: str = ""
    #: `amqp://` or `redis://`, and the queue or list there.
    events_url: str = ""
    events_queue: str = "sluice-events"
    #: Bearer token of `POST /v1/events`.
    webhook_token: str = ""
    #: Names of the buckets that events may name, with commas; empty means all.
    events_buckets: str = ""
    #: `s3://bucket/prefix`, with commas: compared with what is recorded, this often.
    scan_sources: str = ""
    scan_every_s: float = Field(default=3600.0, gt=0)
    #: `s3://bucket/prefix` where `POST /v1/uploads` puts files; empty: it takes none.
    upload_url: str = ""

    api_host: str = "127.0.0.1"
    api_port: int = 8080

    @field_validator("device")
    @classmethod
    def _is_known_device(cls, value: str) -> str:
        if not _DEVICE.fullmatch(value):
            raise PydanticCustomError("device", "expected auto, cpu, cuda or cuda:N")
        return value

    @property
    def is_embedded(self) -> bool:
        """Whether one process on this machine is everything."""
        return self.broker_scheme == "memory"

    @property
    def broker_scheme(self) -> str:
        """`memory`, `amqp`, `amqps`, `redis` or `rediss`."""
        return urlsplit(self.broker_url).scheme

    @property
    def sqlalchemy_url(self) -> str:
        """URL of the database; SQLite in `home` by default."""
        return self.database_url or f"sqlite:///{self.database_file}"

    @property
    def database_file(self) -> Path:
        """The embedded database."""
        return self.home / "sluice.db"

    @property
    def vectors_dir(self) -> Path:
        """Folder of the embedded vector engine."""
        return self.home / "vectors"

    @property
    def artifacts_dir(self) -> Path:
        """Folder of artifacts when no `store_url` is set."""
        return self.home / "artifacts"

    @property
    def artifact_bucket(self) -> str:
        """Bucket of artifacts; a name of its own when they are kept in `home`."""
        return urlsplit(self.store_url).netloc or LOCAL_ARTIFACTS

    def artifact_prefix(self, tenant: str, asset_id: object) -> str:
        """Start of the keys of all artifacts of one asset."""
        return f"{self.artifact_root}{tenant}/{asset_id}/"

    @property
    def artifact_root(self) -> str:
        """Start of the keys of all artifacts: empty, or ending with a slash."""
        return f"{urlsplit(self.store_url).path.strip('/')}/".lstrip("/")

    def member_ref(self, tenant: str, parent_id: object, object_id: object) -> ObjectRef:
        """Where the bytes of a member are: with the artifacts of the asset that holds it."""
        key = f"{self.artifact_prefix(tenant, parent_id)}members/{object_id}"
        return ObjectRef(bucket=self.artifact_bucket, key=key)

    @property
    def models_dir(self) -> Path:
        """Folder of views of verified checkpoints."""
        return self.home / "models"

    @property
    def lock_file(self) -> Path:
        """Commits and checksums of the models from a hub."""
        return Path(self.models_lock) if self.models_lock else self.home / "models.lock"

    @property
    def scratch_dir(self) -> Path:
        """Folder of the jobs' private scratch directories."""
        return self.home / "scratch"

    @property
    def sandbox_dir(self) -> Path:
        """Folder of the confined children; beside the scratch directories that they are given."""
        return self.home / "sandbox"

    @cached_property
    def sandbox_limits(self) -> SandboxLimits:
        """Limits of the confined children."""
        return read_group(SandboxLimits)

    @cached_property
    def media_limits(self) -> MediaLimits:
        """Limits on media."""
        return read_group(MediaLimits)

    @cached_property
    def s3(self) -> S3Settings:
        """How S3 is talked to."""
        return read_group(S3Settings)

    @cached_property
    def model_refs(self) -> dict[str, ModelRef]:
        """The model of each stage, from the profile."""
        models = read_profile(
            self.models, read_lock(self.lock_file), Snapshots(self.models_dir).checksums
        )
        return choose_ocr(models, self.ocr, self.ocr_language)

    @cached_property
    def versions(self) -> dict[str, str]:
        """The version of each stage under this profile."""
        return {name: stage_version(spec, self.model_refs) for name, spec in STAGES.items()}


def load_settings(**overrides: Any) -> Settings:
    """Read the settings.

    Raises:
        ConfigurationError: a value is wrong, or `sluice.toml` sets what is no setting; names the
            setting, what was found and what fits.
    """
    settings = read_group(Settings, **overrides)
    # Read here, so that a wrong limit is told before any work begins.
    _ = settings.sandbox_limits, settings.media_limits, settings.s3
    unknown = misspelt(read_settings_file(SETTINGS_FILE), _names())
    if unknown:
        raise ConfigurationError(f"{SETTINGS_FILE}: {'; '.join(unknown)}")
    return settings


def misspelt_variables() -> list[str]:
    """A line for each `SLUICE_*` variable that is no setting.

    Not an error, unlike in `sluice.toml`: the variables of a machine may be meant for another
    release, or for a program beside us.
    """
    found = [name for name in os.environ if name.startswith(PREFIX)]
    ours = [name for name in found if not name.startswith(_TEST_PREFIX)]
    names = _names()
    return misspelt(
        [name.removeprefix(PREFIX).lower() for name in ours],
        names | {f"{name}{FILE_SUFFIX}" for name in names},
        lambda name: f"{PREFIX}{name.upper()}",
    )


def _names() -> set[str]:
    """Names of all settings, as the file spells them."""
    groups = SettingsGroup.__subclasses__()
    return {f"{file_prefix(group)}{field}" for group in groups for field in group.model_fields}
