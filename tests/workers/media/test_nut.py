import subprocess

from tests.workers.media.clips import clip, shortened
from workers.media.nut import packets


def test_packets_come_as_far_as_the_pipe_goes():
    raw = clip("-f lavfi -i testsrc2=s=64x36:r=10:d=1 -pix_fmt bgr24 -c:v rawvideo", "raw.nut")

    with shortened(raw, 0.55).open("rb") as pipe:
        found = list(packets(pipe))

    assert [round(time_s, 3) for _, time_s, _ in found] == [0.0, 0.1, 0.2, 0.3, 0.4, 0.5]
    assert len(found[0][2]) == 64 * 36 * 3


def test_packets_of_an_empty_pipe_are_none():
    with subprocess.Popen(["true"], stdout=subprocess.PIPE) as silent:
        assert silent.stdout
        assert list(packets(silent.stdout)) == []
