"""Groups of settings, each with a prefix: where they come from, and how a wrong one is told."""

from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from infra.setting_files import read_setting_files
from infra.settings_file import read_settings_file
from schemas.errors import ConfigurationError

#: Where `sluice.toml` is looked for.
SETTINGS_FILE = Path("sluice.toml")
#: Of all variables.
PREFIX = "SLUICE_"

#: `auto` uses what the kernel allows and says what is missing, `required` refuses to run without
#: any of it, `off` keeps the limits alone: for looking into a failure, never for others' media.
SandboxMode = Literal["auto", "required", "off"]

_T = TypeVar("_T", bound=BaseSettings)


class SettingsGroup(BaseSettings):
    """Settings with one prefix. Environment wins over `sluice.toml`, which wins over defaults.

    `NAME_FILE` in the environment names a file that holds the value of `NAME`.
    """

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment first, then files that it names, then `sluice.toml`."""
        start = file_prefix(cls)
        values = read_settings_file(SETTINGS_FILE)
        ours = {k.removeprefix(start): v for k, v in values.items() if k.startswith(start)}
        assert isinstance(env_settings, EnvSettingsSource)
        prefix = cls.model_config.get("env_prefix", "").lower()
        named = read_setting_files(env_settings.env_vars, prefix, cls.model_fields)
        files = [InitSettingsSource(settings_cls, dict(each)) for each in (named, ours)]
        return init_settings, env_settings, *files


def file_prefix(group: type[BaseSettings]) -> str:
    """Start of the group's keys in `sluice.toml`."""
    return group.model_config.get("env_prefix", "").removeprefix(PREFIX).lower()


class SandboxLimits(SettingsGroup):
    """Limits of one confined child on one object; `SLUICE_SANDBOX_*`."""

    model_config = SettingsConfigDict(env_prefix="SLUICE_SANDBOX_", extra="ignore")

    #: Address space. Shared libraries and thread stacks count, so it is well above what is used.
    memory_bytes: int = 4 << 30
    #: CPU seconds of the child, threads and ffmpeg each counted alone.
    cpu_s: int = 600
    wall_s: float = 900.0
    #: Largest single file a child may write.
    file_bytes: int = 4 << 30
    #: All that a child may have written while it works on one object.
    output_bytes: int = 16 << 30
    #: Children; 0 means one per core.
    n_children: int = 0


class MediaLimits(SettingsGroup):
    """What is refused as `MediaTooLarge`; `SLUICE_LIMIT_*`."""

    model_config = SettingsConfigDict(env_prefix="SLUICE_LIMIT_", extra="ignore")

    object_bytes: int = 20 << 30
    image_px: int = 100_000_000
    n_pages: int = 5_000
    #: Decoded seconds of audio or video.
    duration_s: float = 12 * 3600.0
    #: Decoded frames of a video: 12 hours at 60 a second, and some.
    n_frames: int = 3_000_000
    #: Unpacked bytes of an office file or archive, and of all that is inside one object.
    unpacked_bytes: int = 1 << 30
    #: Attachments and files of archives inside one object, at any depth.
    n_members: int = 1_000
    #: Pictures of one document that are looked at by themselves; 0 for none.
    n_figures: int = 200
    #: Archives in archives: how deep they are opened.
    n_levels: int = 3
    #: Characters of text kept of one asset.
    n_chars: int = 20_000_000


class S3Settings(SettingsGroup):
    """How S3 is talked to, wherever it is; `SLUICE_S3_*`."""

    model_config = SettingsConfigDict(env_prefix="SLUICE_S3_", extra="ignore", frozen=True)

    #: `auto` addresses AWS by host name and other servers by path.
    addressing: Literal["auto", "path", "virtual"] = "auto"
    #: Certificates that are trusted instead of the machine's; a PEM file.
    ca_file: Path | None = None
    verify_tls: bool = True
    #: Requests in all for one call, with growing pauses and a rate that adapts to `SlowDown`.
    max_attempts: int = Field(default=8, ge=1)
    #: Checksums of uploads; some servers refuse them, so `auto` sends them to AWS only.
    checksums: Literal["auto", "on", "off"] = "auto"
    #: One range of a large object; larger objects than this are moved in several at once.
    part_bytes: int = Field(default=8 << 20, ge=5 << 20)
    #: Ranges of one process under way at once, in each direction.
    n_parallel: int = Field(default=10, ge=1)


def read_group(kind: type[_T], **overrides: Any) -> _T:
    """Read a group.

    Raises:
        ConfigurationError: names every setting that is wrong, what was found and what fits.
    """
    prefix = kind.model_config.get("env_prefix", "")
    try:
        return kind(**overrides)
    except ValidationError as exc:
        lines = [
            f"{prefix}{'_'.join(map(str, e['loc'])).upper()}: {e['msg']} (found {e['input']!r})"
            for e in exc.errors()
        ]
        raise ConfigurationError("; ".join(lines)) from exc
