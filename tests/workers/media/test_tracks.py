from workers.media.tracks import AudioTrack, Streams


def _streams(*sound: AudioTrack) -> Streams:
    return Streams(
        container="mp3", duration_s=None, video=None, sound=sound, subtitles=(), described={}
    )


def test_the_first_track_of_sound_is_the_one_that_players_choose():
    tracks = [AudioTrack(index=n, codec="mp3", n_channels=2, sampling_rate=48_000) for n in (3, 1)]

    assert _streams(*tracks).audio is tracks[0]
    assert _streams().audio is None
