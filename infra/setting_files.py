"""Settings whose value lies in a file: `SLUICE_DATABASE_URL_FILE=/run/secrets/database_url`.

For secrets. Variables of a process are shown by `docker inspect`, by `/proc` and in crash reports;
files that Docker or Kubernetes mount are not.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from schemas.errors import ConfigurationError

#: End of the name of a variable that names the file of a setting.
FILE_SUFFIX = "_file"


def read_setting_files(
    variables: Mapping[str, str | None], prefix: str, names: Iterable[str]
) -> dict[str, str]:
    """Read the files that variables name.

    Args:
        variables: of this process, names in lower case.
        prefix: of the group's variables, in lower case.
        names: of the group's settings.

    Returns:
        Values by setting, without the white space around them: editors end files with a newline.

    Raises:
        ConfigurationError: a file is empty or cannot be read as text, or the variable of the
            setting itself is set as well.
    """
    found = {}
    for name in names:
        path = variables.get(f"{prefix}{name}{FILE_SUFFIX}")
        if path:
            setting = f"{prefix}{name}".upper()
            if variables.get(setting.lower()):
                raise ConfigurationError(f"{setting} and {setting}_FILE are both set; unset one")
            found[name] = _read(f"{setting}_FILE", Path(path))
    return found


def _read(variable: str, path: Path) -> str:
    try:
        value = path.read_text(encoding="utf-8").strip()
    except OSError as exc:
        raise ConfigurationError(f"{variable}: {path}: {exc.strerror}") from exc
    except UnicodeDecodeError as exc:
        # Not its text: the file may be a secret.
        raise ConfigurationError(f"{variable}: {path}: not UTF-8") from exc
    if not value:
        raise ConfigurationError(f"{variable}: {path} is empty")
    return value
