from workers.media.shape_order import in_rows


def test_in_rows_goes_down_and_then_right():
    places = {"low": (9.0, 0.0), "right": (1.05, 5.0), "left": (1.1, 0.0), "top": (0.0, 3.0)}

    assert in_rows(places, places.get) == ["top", "left", "right", "low"]


def test_in_rows_puts_shapes_without_a_place_last_in_their_order():
    places = {"b": None, "a": (1.0, 1.0), "c": None}

    assert in_rows(places, places.get) == ["a", "b", "c"]
