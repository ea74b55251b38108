import pytest
from pydantic import ValidationError

from schemas.search import Filter, Query


def test_filter_refuses_a_field_it_does_not_know():
    with pytest.raises(ValidationError, match="colour"):
        Filter.model_validate({"colour": "blue"})


@pytest.mark.parametrize("wrong", [{"limit": 0}, {"limit": 1001}, {"weight_image": 1.5}])
def test_query_refuses_what_is_out_of_range(wrong):
    with pytest.raises(ValidationError):
        Query.model_validate({"text": "a cat", **wrong})
