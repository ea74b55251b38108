import signal
import subprocess
from pathlib import Path

import pytest

from infra.ffmpeg import (
    Decoding,
    SidePipe,
    ffmpeg_binary,
    is_safe_version,
    media_input,
    nut_options,
)
from schemas.errors import MediaTooLarge, SandboxCrashed, UnreadableMedia
from tests.workers.media.clips import CUTS, TONE, clip, shortened, written


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("ffmpeg version 5.1.9-0+deb12u1 Copyright", False),
        ("ffmpeg version 5.1.10-0+deb12u1 Copyright", True),
        ("ffmpeg version 6.0 Copyright", False),
        ("ffmpeg version 6.1.6 Copyright", True),
        ("ffmpeg version 7.1.4 Copyright", False),
        ("ffmpeg version 8.1.2 Copyright", True),
        ("ffmpeg version n9.0.2-17-g2a571b6068 Copyright", True),
        ("ffmpeg version 10.0 Copyright", True),
        ("ffmpeg version N-118000-gdeadbeef Copyright", False),
        ("", False),
    ],
)
def test_version_is_safe_only_where_the_hole_is_mended(line, expected):
    assert is_safe_version(line) is expected


def test_binary_runs():
    done = subprocess.run([ffmpeg_binary(), "-version"], capture_output=True, check=True)

    assert done.stdout.startswith(b"ffmpeg version")


def _sound(path: Path, url: str = "pipe:1"):
    source = media_input(path, max_px=10_000_000)
    return source["a"].output(url, **nut_options(acodec="pcm_s16le"))


def test_decoding_streams_its_output():
    with Decoding(_sound(clip(TONE, "tone.wav"))) as run:
        size = len(run.stdout.read())
        run.wait()

    assert size > 3 * 44_100 * 2
    assert (run.error, run.n_losses) == ("", 0)


def test_decoding_keeps_the_first_error_without_addresses():
    with Decoding(_sound(written(b"no media at all", "text.bin"))) as run:
        assert run.stdout.read() == b""
        run.wait()

    assert "Invalid data" in run.error
    assert "0x" not in run.error


def test_decoding_counts_losses():
    with Decoding(_sound(shortened(clip(TONE, "tone.flac"), 0.5))) as run:
        run.stdout.read()
        run.wait()

    assert run.n_losses > 0


def test_decoding_ends_the_process_when_left_early():
    # Given more output than pipes hold, so that ffmpeg would wait for a reader
    long = clip("-f lavfi -i anullsrc=r=8000 -t 900", "long.flac")

    with Decoding(_sound(long)) as run:
        run.stdout.read(10)
        assert run._process.poll() is None

    assert run._process.poll() is not None


@pytest.mark.parametrize(
    ("by", "error"),
    [
        (signal.SIGXCPU, MediaTooLarge),
        (signal.SIGSEGV, UnreadableMedia),
        (signal.SIGKILL, SandboxCrashed),
    ],
)
def test_death_of_ffmpeg_is_no_end_of_the_media(by, error):
    with Decoding(_sound(clip("-f lavfi -i anullsrc=r=8000 -t 900", "long.flac"))) as run:
        run.stdout.read(10)
        run._process.send_signal(by)
        run.stdout.read()

        with pytest.raises(error):
            run.wait()


def test_side_pipe_carries_a_second_output():
    pipe = SidePipe()

    with pipe.reader, Decoding(_sound(clip(TONE, "tone.wav"), pipe.url), side_pipes=[pipe]) as run:
        assert pipe.reader.read().startswith(b"nut/multimedia container")
        assert run.stdout.read() == b""


def test_playlist_cannot_open_another_file():
    # Given a playlist that names a video beside it
    video = clip(CUTS, "cuts.ts")
    lines = ["#EXTM3U", "#EXT-X-TARGETDURATION:6", "#EXTINF:6,", video.as_uri(), "#EXT-X-ENDLIST"]

    with Decoding(_sound(written("\n".join(lines), "list.bin"))) as run:
        assert run.stdout.read() == b""


def test_concat_script_cannot_open_another_file():
    video = clip(CUTS, "cuts.ts")

    with Decoding(_sound(written(f"ffconcat version 1.0\nfile {video.name}\n", "cat.bin"))) as run:
        assert run.stdout.read() == b""


def test_decoder_outside_the_list_is_refused():
    lossless = clip("-f lavfi -i testsrc2=d=0.2:s=64x64 -c:v magicyuv", "magic.avi")
    source = media_input(lossless, max_px=10_000_000)

    with Decoding(source["v"].output("pipe:1", **nut_options(vcodec="rawvideo"))) as run:
        assert run.stdout.read() == b""


def test_frames_beyond_the_pixel_limit_are_refused():
    source = media_input(clip(CUTS, "cuts.ts"), max_px=1000)

    with Decoding(source["v"].output("pipe:1", **nut_options(vcodec="rawvideo"))) as run:
        assert len(run.stdout.read()) < 1000
