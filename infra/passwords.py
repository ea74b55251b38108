"""Passwords of encrypted media: from a file, for the process that decodes and nobody else."""

from pathlib import Path

from schemas.errors import ConfigurationError

#: Each costs some milliseconds on every encrypted object that it does not open.
MOST_PASSWORDS = 1_000


def read_passwords(path: str) -> tuple[str, ...]:
    """Passwords in the order in which they are tried: one a line, white space and all.

    Args:
        path: of the file; empty if there is none.

    Raises:
        ConfigurationError: it cannot be read, or holds too many. Never says what it holds.
    """
    if not path:
        return ()
    setting = f"SLUICE_PASSWORD_FILE: {path}"
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except OSError as exc:
        raise ConfigurationError(f"{setting}: {exc.strerror}") from exc
    except UnicodeDecodeError:
        raise ConfigurationError(f"{setting}: not UTF-8") from None
    # Not splitlines: a password may hold any other character.
    lines = tuple(dict.fromkeys(filter(None, (line.rstrip("\r") for line in text.split("\n")))))
    if len(lines) > MOST_PASSWORDS:
        raise ConfigurationError(f"{setting}: {len(lines)} passwords, at most {MOST_PASSWORDS}")
    return lines
