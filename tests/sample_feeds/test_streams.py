"""Random streams by name."""

from sample_feeds.streams import stream


def test_a_stream_depends_on_seed_and_names_alone():
    def first(*names):
        return stream(*names).integers(0, 1 << 30, 4).tolist()

    assert first(1, "a", "b") == first(1, "a", "b")
    assert first(1, "a", "b") != first(2, "a", "b")
    assert first(1, "a", "b") != first(1, "b", "a")


def test_drawing_from_one_stream_leaves_the_others_alone():
    alone = stream(1, "x").random(3).tolist()
    stream(1, "y").random(1000)
    assert stream(1, "x").random(3).tolist() == alone
