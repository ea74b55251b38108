"""Which files a confined child still sees: the interpreter, libraries, ffmpeg and our code."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

#: Programs, libraries, fonts and time zones. Of /etc only what the loader and fonts need: it
#: holds secrets.
_SYSTEM = (
    *("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/gnu/store"),
    *("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/fonts", "/etc/localtime"),
    *("/etc/alternatives", "/sys/devices/system/cpu", "/proc/cpuinfo"),
)
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
_SITES = {"site-packages", "dist-packages"}
_OUR_ROOT = Path(__file__).resolve().parents[1]


def find_devices() -> list[Path]:
    """Devices that programs take for granted."""
    return [path for path in map(Path, _DEVICES) if path.exists()]


def find_readable(library_paths: str = "") -> list[Path]:
    """Files and directories, outermost only; a link and what it leads to are both named.

    Args:
        library_paths: value of LD_LIBRARY_PATH.
    """
    wanted = [*map(Path, _SYSTEM), *_python(), *_programs()]
    wanted += [Path(part) for part in library_paths.split(":") if part.startswith("/")]
    for entry in sys.path:
        wanted += _modules(Path(entry)) if entry else []
    wanted += _modules(_OUR_ROOT)
    kept: list[Path] = []
    for path in sorted({path for one in wanted for path in _with_target(one)}):
        if not any(path.is_relative_to(above) for above in kept if not above.is_symlink()):
            kept.append(path)
    return kept


def find_listable() -> list[Path]:
    """Directories whose modules are readable one by one: Python must list them to find any."""
    wanted = {_OUR_ROOT, *(Path(entry) for entry in sys.path if entry)}
    return [path for path in wanted if path.is_absolute() and path.is_dir()]


def _python() -> set[Path]:
    prefixes = {sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix}
    return {Path(prefix) for prefix in prefixes}


def _programs() -> Iterator[Path]:
    if found := shutil.which("ffmpeg"):
        yield Path(found).parent
        yield Path(found).resolve().parent


def _modules(entry: Path) -> list[Path]:
    """What can be imported from an entry of the path; data, settings and keys beside it not."""
    if entry.name in _SITES or not entry.is_dir():
        return [entry]
    found = entry.iterdir()
    return [p for p in found if p.suffix in {".py", ".so"} or (p / "__init__.py").exists()]


def _with_target(path: Path) -> Iterator[Path]:
    if path.is_absolute() and path.exists():
        yield path if path.is_symlink() else path.parent.resolve() / path.name
        yield path.resolve()
        # A link above it must stay: names are looked up as they were given.
        yield from (parent for parent in path.parents if parent.is_symlink())
