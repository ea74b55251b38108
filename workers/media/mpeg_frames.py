"""Headers of MPEG audio frames (ISO 11172-3, 13818-3): how long a frame is, in both senses."""

from dataclasses import dataclass

#: Kilobits per second by index; layer I, II, III of version 1, then I, and II and III of 2.
_RATES = {
    (1, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (1, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (1, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (2, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_HZ = (44_100, 48_000, 32_000)
#: By the two bits of the version: 2.5, reserved, 2, 1; sampling rates are divided by the second.
_VERSIONS = {0: (2, 4), 2: (2, 2), 3: (1, 1)}
#: Samples of a frame, by version and layer.
_SAMPLES = {(1, 1): 384, (1, 2): 1152, (1, 3): 1152, (2, 1): 384, (2, 2): 1152, (2, 3): 576}


@dataclass(frozen=True)
class MpegFrame:
    """What a header says of its frame."""

    version: int
    layer: int
    sampling_rate: int
    n_bytes: int

    @property
    def duration_s(self) -> float:
        """How long its sound is."""
        return _SAMPLES[self.version, self.layer] / self.sampling_rate

    def is_like(self, other: "MpegFrame") -> bool:
        """Whether both may be of one stream, in which only the bit rate changes."""
        ours = (self.version, self.layer, self.sampling_rate)
        return ours == (other.version, other.layer, other.sampling_rate)


def read_frame(head: bytes) -> MpegFrame | None:
    """Read four bytes; None where they are no header with a length."""
    bits = int.from_bytes(head, "big")
    version = _VERSIONS.get(bits >> 19 & 3)
    layer, rate, hz = 4 - (bits >> 17 & 3), bits >> 12 & 15, bits >> 10 & 3
    if len(head) < 4 or bits >> 21 != 0x7FF or version is None:  # noqa: PLR2004 - the sync word
        return None
    if layer == 4 or rate in {0, 15} or hz == 3:  # noqa: PLR2004 - reserved values
        return None
    number, divisor = version
    sampling_rate = _HZ[hz] // divisor
    bit_rate = _RATES[number, layer][rate - 1] * 1000
    padding = bits >> 9 & 1
    if layer == 1:
        n_bytes = (12 * bit_rate // sampling_rate + padding) * 4
    else:
        n_bytes = _SAMPLES[number, layer] // 8 * bit_rate // sampling_rate + padding
    return MpegFrame(number, layer, sampling_rate, n_bytes)
