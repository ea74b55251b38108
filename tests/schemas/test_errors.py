import pytest
from pydantic import ValidationError

from schemas import errors
from schemas.errors import ConfigurationError, Failure, IngestError, PermanentError, TransientError
from schemas.segment import Page
from tests.factories import make_failure


def test_failure_keeps_where_it_happened_through_json():
    failure = make_failure(locator=Page(page=7))

    assert Failure.model_validate_json(failure.model_dump_json()) == failure


def test_failure_cannot_be_changed():
    with pytest.raises(ValidationError):
        make_failure().message = "something else"  # type: ignore[misc]


def test_no_error_is_both_permanent_and_transient():
    tree = [e for e in vars(errors).values() if isinstance(e, type) and issubclass(e, Exception)]
    known = [e for e in tree if not issubclass(e, ConfigurationError)]

    assert all(issubclass(e, IngestError) for e in known)
    assert not [e for e in known if issubclass(e, PermanentError) and issubclass(e, TransientError)]


def test_a_wrong_setting_is_nobodys_media():
    assert not issubclass(ConfigurationError, IngestError)


def test_every_error_stands_in_the_tree_of_the_docstring():
    names = [
        name for name, e in vars(errors).items() if isinstance(e, type) and issubclass(e, Exception)
    ]

    assert [name for name in names if name not in (errors.__doc__ or "")] == []
