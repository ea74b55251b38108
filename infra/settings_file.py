"""`sluice.toml`, and names that look like settings but are none."""

import difflib
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from schemas.errors import ConfigurationError


def read_settings_file(path: Path) -> dict[str, Any]:
    """Read the file; a table is short for a common start of names.

    `[sandbox]` with `cpu_s = 5` says the same as `sandbox_cpu_s = 5`.

    Returns:
        Values by lower-case name without the prefix `SLUICE_`; empty if there is no file.

    Raises:
        ConfigurationError: it cannot be read, or is not TOML in UTF-8.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as exc:
        raise ConfigurationError(f"{path}: {exc.strerror}") from exc
    except UnicodeDecodeError as exc:
        raise ConfigurationError(f"{path}: not UTF-8: {exc}") from exc
    except tomllib.TOMLDecodeError as exc:
        raise ConfigurationError(f"{path}: not valid TOML: {exc}") from exc
    found: dict[str, Any] = {}
    for key, value in tables.items():
        if isinstance(value, dict):
            found |= {f"{key}_{name}".lower(): each for name, each in value.items()}
        else:
            found[key.lower()] = value
    return found


def misspelt(
    names: Iterable[str], known: Iterable[str], spelt: Callable[[str], str] = str
) -> list[str]:
    """A line for each name that is no setting, with the one that was probably meant.

    Args:
        names: found.
        known: settings, spelt as the names are.
        spelt: how the user spells a name.
    """
    known = sorted(known)
    return [_no_setting(name, known, spelt) for name in sorted(set(names) - set(known))]


def _no_setting(name: str, known: list[str], spelt: Callable[[str], str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    advice = f"did you mean {spelt(near[0])}?" if near else "docs/settings.md lists them all"
    return f"{spelt(name)} is no setting; {advice}"
