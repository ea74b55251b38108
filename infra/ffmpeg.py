"""ffmpeg: which binary runs, how its command lines are built, how its output is read.

Input is always a local file under a neutral name. Formats and decoders are allow-lists: a
playlist that names other files, or a decoder that nobody needs, is out of reach.
"""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import IO, Any, Self

import ffmpeg

from schemas.errors import MediaTooLarge, SandboxCrashed, UnreadableMedia

#: Demuxers. `protocol_whitelist` alone lets a local playlist open other local files.
FORMATS = (
    "aac,ac3,aiff,amr,amrnb,amrwb,ape,asf,asf_o,au,avi,av1,caf,dsf,dts,dtshd,dv,eac3,flac,flv,"
    "g722,gsm,h261,h263,h264,hevc,ivf,loas,m4v,matroska,mlp,mov,mp3,mpc,mpc8,mpeg,mpegts,"
    "mpegvideo,mxf,nut,obu,ogg,oma,rm,shn,tak,truehd,tta,vc1,voc,w64,wav,webm,wtv,wv,xwma"
)

_VIDEO_DECODERS = (
    "av1,libdav1d,libaom-av1,h264,hevc,vvc,vp8,vp9,libvpx,libvpx-vp9,vp3,vp6,vp6a,vp6f,theora,"
    "mpeg1video,mpeg2video,mpegvideo,mpeg4,msmpeg4,msmpeg4v1,msmpeg4v2,h261,h263,h263i,h263p,flv,"
    "wmv1,wmv2,wmv3,vc1,mjpeg,png,bmp,prores,dnxhd,dvvideo,cfhd,ffv1,huffyuv,ffvhuff,utvideo,"
    "rawvideo,v210,qtrle,msvideo1,msrle,cinepak,svq1,svq3,rv10,rv20,rv30,rv40,indeo3,indeo4,indeo5"
)
_AUDIO_DECODERS = (
    "aac,aac_fixed,aac_latm,ac3,ac3_fixed,eac3,alac,als,amrnb,amrwb,libopencore_amrnb,"
    "libopencore_amrwb,ape,atrac1,atrac3,atrac3plus,cook,dca,dsd_lsbf,dsd_lsbf_planar,dsd_msbf,"
    "dsd_msbf_planar,flac,g722,g723_1,g726,g726le,g729,gsm,gsm_ms,mlp,truehd,mp1,mp1float,mp2,"
    "mp2float,mp3,mp3float,mpc7,mpc8,nellymoser,opus,libopus,vorbis,libvorbis,qdm2,real_144,"
    "real_288,shorten,sipr,speex,tak,tta,wavpack,wmalossless,wmapro,wmav1,wmav2,wmavoice,"
    "adpcm_ima_qt,adpcm_ima_wav,adpcm_ms,adpcm_swf,adpcm_yamaha,dvaudio,"
    "pcm_alaw,pcm_mulaw,pcm_bluray,pcm_dvd,pcm_f32be,pcm_f32le,pcm_f64be,pcm_f64le,pcm_lxf,"
    "pcm_s16be,pcm_s16be_planar,pcm_s16le,pcm_s16le_planar,pcm_s24be,pcm_s24le,pcm_s24le_planar,"
    "pcm_s32be,pcm_s32le,pcm_s32le_planar,pcm_s64be,pcm_s64le,pcm_s8,pcm_s8_planar,pcm_u16be,"
    "pcm_u16le,pcm_u24be,pcm_u24le,pcm_u32be,pcm_u32le,pcm_u8"
)
_SUBTITLE_DECODERS = "ass,ssa,srt,subrip,text,mov_text,webvtt,dvdsub,dvbsub,pgssub,cc_dec"
#: Decoders by the names ffmpeg and PyAV give them.
DECODERS = f"{_VIDEO_DECODERS},{_AUDIO_DECODERS},{_SUBTITLE_DECODERS}"

#: Options that PyAV's `open` takes as well.
DEMUX_OPTIONS = {
    "protocol_whitelist": "file,pipe",
    "format_whitelist": FORMATS,
    "codec_whitelist": DECODERS,
    "max_streams": "100",
}

#: Threads of one decoder. Two children share a small machine; more buys little below 4K.
N_THREADS = 2

#: First releases without CVE-2026-8461 (heap overflow in a decoder), by branch.
_FIXED_RELEASES = {(5, 1): 10, (6, 1): 6, (7, 1): 5, (8, 1): 2}
_FIRST_CLEAN_MAJOR = 9

#: Error lines kept for messages; a hostile file can cause millions.
_N_LINES_KEPT = 20
#: Lines of a decoder or demuxer that lost something, as against a mere remark.
_LOSS = re.compile(
    r"Error submitting packet|Decoding error|error while decoding|decode_frame\(\) failed"
    r"|partial file|ended prematurely|Invalid NAL unit size|Error splitting|damaged|concealing"
    r"|[Pp]acket corrupt|corrupt input packet|corrupt decoded frame|Header missing"
)
_LEVEL = re.compile(r"\[(warning|error|fatal|panic)\] ")
_ADDRESS = re.compile(r" @ 0x[0-9a-f]+")
#: Exit status of ffmpeg when a signal asks it to stop; in the sandbox, that of the CPU limit.
_STOPPED = 255
_PIPE_BYTES = 1 << 20


@lru_cache(maxsize=1)
def ffmpeg_binary() -> str:
    """Path of the binary: the system's if it is known to be mended, else the packaged one.

    A distribution mends its ffmpeg faster than a lock file is renewed, and slower than a
    packaged release is: take it only when its version says that it is safe.
    """
    import imageio_ffmpeg

    system = shutil.which("ffmpeg")
    if system and is_safe_version(_version_line(system)):
        return system
    packaged: str = imageio_ffmpeg.get_ffmpeg_exe()
    return packaged


def is_safe_version(line: str) -> bool:
    """Whether the first line of `ffmpeg -version` names a release without known holes."""
    found = re.match(r"ffmpeg version n?(\d+)\.(\d+)(?:\.(\d+))?", line)
    if not found:
        return False
    major, minor, patch = (int(part or 0) for part in found.groups())
    return major >= _FIRST_CLEAN_MAJOR or patch >= _FIXED_RELEASES.get((major, minor), 1 << 30)


def _version_line(binary: str) -> str:
    done = subprocess.run([binary, "-version"], capture_output=True, check=False, timeout=10)
    return done.stdout.decode(errors="replace").partition("\n")[0]


@lru_cache(maxsize=16)
def has_filter(name: str) -> bool:
    """Whether the binary was built with a filter."""
    command = [ffmpeg_binary(), "-hide_banner", "-filters"]
    done = subprocess.run(command, capture_output=True, check=False, timeout=10)
    return any(line.split()[1:2] == [name] for line in done.stdout.decode().splitlines())


def media_input(path: Path, *, max_px: int, **demuxer: Any) -> Any:
    """Start a command line: an ffmpeg-python node of one untrusted local file.

    Args:
        path: a file under a name of ours.
        max_px: pixels of one frame beyond which the decoder refuses.
        demuxer: options of the container's own demuxer.
    """
    return ffmpeg.input(
        str(path.absolute()),
        **DEMUX_OPTIONS,
        **demuxer,
        max_pixels=max_px,
        threads=N_THREADS,
        # One broken stream must not end the whole run: what the others hold is kept.
        max_error_rate=1,
    )


def nut_options(**encoders: Any) -> dict[str, Any]:
    """Options of an output in NUT, which gives every packet its true time, and nothing else.

    Tags of the input are left out: they are untrusted, and not always text.
    """
    return {
        "format": "nut",
        "threads": 1,
        "map_metadata": -1,
        "map_chapters": -1,
        "avoid_negative_ts": "disabled",
        **encoders,
    }


class Decoding:
    """A running ffmpeg. Leaving the context ends the process, whatever happened inside.

    Takes the outputs of one input, as nodes of ffmpeg-python. Its standard output is `stdout`;
    error lines are read on a thread and kept, bounded.
    """

    def __init__(self, *outputs: Any, side_pipes: Sequence["SidePipe"] = ()) -> None:
        flags = (
            "-nostdin",
            "-hide_banner",
            "-loglevel",
            "repeat+level+warning",
            "-filter_threads",
            "1",
        )
        merged = ffmpeg.merge_outputs(*outputs).global_args(*flags)
        command = ffmpeg.compile(merged, cmd=ffmpeg_binary())
        self.n_losses = 0
        self._lines: list[str] = []
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=[pipe.write_fd for pipe in side_pipes],
            pipesize=_PIPE_BYTES,
        )
        for pipe in side_pipes:
            pipe.close_writer()
        assert self._process.stdout
        self.stdout: IO[bytes] = self._process.stdout
        self._reader = Thread(target=self._read_errors, daemon=True)
        self._reader.start()

    def _read_errors(self) -> None:
        assert self._process.stderr
        for line in self._process.stderr:
            text = _ADDRESS.sub("", line.decode(errors="replace").strip())
            self.n_losses += bool(_LOSS.search(text))
            # Warnings count where they tell of a loss; the reason of a failure is an error.
            if "[warning] " not in text and len(self._lines) < _N_LINES_KEPT:
                self._lines.append(_LEVEL.sub("", text))

    def wait(self) -> None:
        """Wait for the end, once all output is read; only then are the error lines complete.

        Raises:
            MediaTooLarge: decoding used up the CPU time that the sandbox gives.
            UnreadableMedia: the file made the decoder crash.
            SandboxCrashed: something else killed it.
        """
        status = self._process.wait()
        self._reader.join()
        if status == _STOPPED:
            raise _death(signal.SIGXCPU)
        if status < 0:
            raise _death(signal.Signals(-status))

    def stop(self) -> None:
        """End the process now; its pipes then end too. Safe to repeat, from any thread."""
        self._process.kill()

    @property
    def error(self) -> str:
        """The first line that ffmpeg complained with, or an empty string."""
        return self._lines[0] if self._lines else ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
        self._process.wait()
        self._reader.join()
        self.stdout.close()
        assert self._process.stderr
        self._process.stderr.close()


def _death(by: signal.Signals) -> Exception:
    if by is signal.SIGXCPU:
        return MediaTooLarge("decoding needs more CPU time than the limit")
    if by in (signal.SIGKILL, signal.SIGTERM):
        return SandboxCrashed(f"ffmpeg was ended by {by.name}")
    return UnreadableMedia(f"the content made the decoder crash ({by.name})")


class SidePipe:
    """A further output beside stdout. Used in order: `url`, `Decoding(...)`, `reader`."""

    def __init__(self) -> None:
        read_fd, self.write_fd = os.pipe()
        self.reader: IO[bytes] = os.fdopen(read_fd, "rb")

    @property
    def url(self) -> str:
        """What to write to on the command line."""
        return f"pipe:{self.write_fd}"

    def close_writer(self) -> None:
        """Leave ffmpeg as the only writer, so that its end is the end of the pipe."""
        os.close(self.write_fd)
