import pytest

from idc.datasets.store import list_stores, open_store, verify_store
from idc.demo import pack_demo
from idc.errors import ConfigError

pytestmark = pytest.mark.slow  # paints slides


def test_demo_store_says_that_its_tissue_is_generated(home):
    seen = []
    pack_demo("demo", cases=3, on_progress=lambda done, total: seen.append((done, total)))
    store = open_store("demo")

    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert store.report.generated
    assert store.report.sources == ("generated tissue, not from patients (seed 0)",)
    assert sorted(set(store.cases.tolist())) == [90001, 90002, 90003]
    assert set(store.labels.tolist()) == {0, 1}
    assert verify_store("demo") == (len(store), 3)


def test_demo_without_cases_is_refused_and_leaves_nothing(home):
    with pytest.raises(ConfigError, match="1 or more"):
        pack_demo("demo", cases=0)

    assert list_stores() == []
