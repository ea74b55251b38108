"""NUT, the container in which our own ffmpeg hands over what it decoded."""

from collections.abc import Iterator
from typing import IO


def packets(pipe: IO[bytes]) -> Iterator[tuple[int, float, bytes]]:
    """Read the NUT stream that our own ffmpeg writes.

    Yields:
        Stream index, time in seconds and payload: a raw frame, a JPEG, or samples. The last
        payload is cut short where ffmpeg was ended.
    """
    import av
    from av.container import InputContainer

    try:
        with av.open(pipe, format="nut", metadata_errors="replace") as container:
            assert isinstance(container, InputContainer)
            for packet in container.demux():
                if packet.pts is not None and packet.time_base is not None:
                    yield packet.stream_index, float(packet.pts * packet.time_base), bytes(packet)
    except av.error.FFmpegError:
        # ffmpeg ended before its header or within a packet; its own error lines say why.
        return
