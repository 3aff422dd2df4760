from collections.abc import Iterator

import pytest

from idc.uploads.gate import Gate


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.close()
