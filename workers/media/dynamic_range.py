"""High dynamic range (PQ, HLG) as displays show it: brightness beyond white is rolled off."""

from typing import Any

from infra.ffmpeg import has_filter
from workers.media.tracks import VideoTrack

#: White of ordinary displays, in cd/m2, of which the curves are multiples (ITU-R BT.2408).
_WHITE_NITS = 203


def tone_mapped(picture: Any, track: VideoTrack) -> Any:
    """Filters that turn a picture of high dynamic range into BT.709; others pass unchanged.

    An ffmpeg without zimg has no filter that knows the curves: pictures stay as dull as stored.
    """
    if track.hdr is None or not has_filter("zscale"):
        return picture
    linear = picture.filter(
        "zscale",
        transferin=track.hdr,
        primariesin="bt2020",
        matrixin="bt2020nc",
        transfer="linear",
        npl=_WHITE_NITS,
    )
    wide = linear.filter("format", "gbrpf32le").filter("zscale", primaries="bt709")
    narrow = wide.filter("tonemap", "hable", desat=0)
    shown = narrow.filter("zscale", transfer="bt709", matrix="bt709", range="limited")
    return shown.filter("format", "yuv420p")
