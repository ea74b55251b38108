"""Tiny clips made by ffmpeg itself; each is made once a session."""

import atexit
import shutil
import subprocess
from functools import lru_cache
from pathlib import Path
from tempfile import mkdtemp

from infra.ffmpeg import ffmpeg_binary
from infra.settings import MediaLimits
from schemas.asset import MediaType
from workers.media.media_file import MediaFile

DATA = Path(__file__).parents[3] / "../shared/data"

#: Red, green and blue for two seconds each, 10 fps, with a tone.
CUTS = (
    "-f lavfi -i color=red:s=320x180:r=10:d=2 -f lavfi -i color=green:s=320x180:r=10:d=2 "
    "-f lavfi -i color=blue:s=320x180:r=10:d=2 -f lavfi -i sine=d=6 "
    "-filter_complex [0][1][2]concat=n=3[v] -map [v] -map 3 -c:v libx264 -preset ultrafast -c:a aac"
)
#: A moving test picture of 2 s with a tone.
MOVING = (
    "-f lavfi -i testsrc2=s=320x180:r=10:d=2 -f lavfi -i sine=d=2 "
    "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -c:a aac"
)
TONE = "-f lavfi -i sine=d=3:r=44100"


@lru_cache(maxsize=1)
def _folder() -> Path:
    folder = mkdtemp(prefix="sluice-clips-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


@lru_cache(maxsize=64)
def clip(arguments: str, name: str) -> Path:
    """Make a clip; `name` gives the container, `{dir}` in the arguments is where clips are."""
    path = _folder() / f"{abs(hash(arguments)):x}-{name}"
    filled = arguments.format(dir=_folder()).split()
    subprocess.run([ffmpeg_binary(), "-v", "error", "-y", *filled, str(path)], check=True)
    return path


def written(content: bytes | str, name: str) -> Path:
    """Make a file of given content."""
    path = _folder() / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def shortened(path: Path, share: float) -> Path:
    """The first part of a file."""
    content = path.read_bytes()
    return written(content[: int(len(content) * share)], f"short-{path.name}")


def media_file(path: Path, scratch: Path, *, kind: str = "video", **limits: float) -> MediaFile:
    """A sniffed file as readers get it."""
    return MediaFile(
        name="holiday.bin",
        path=path,
        mime_type=f"{kind}/test",
        media_type=MediaType(kind),
        sha256="0" * 64,
        size_bytes=path.stat().st_size,
        scratch=scratch,
        limits=MediaLimits(**limits),
    )
