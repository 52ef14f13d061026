"""A receiver for one test."""

from collections.abc import Iterator

import pytest

from tests.report.replaying.standin import StandIn, standing_in


@pytest.fixture
def there() -> Iterator[StandIn]:
    with standing_in() as one:
        yield one
