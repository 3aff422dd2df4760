"""idc.report.document and idc.report.export: what is handed on says what it should, and needs
nothing else."""

import io
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from idc.datasets.store import open_store
from idc.errors import IdcError
from idc.evaluation.results import results_of, saved_results
from idc.report.document import LIMITS, report_html
from idc.report.export import predictions_file, predictions_table, write_predictions, write_report
from idc.runs.split import run_split
from tests.support.evaluated_run import evaluated_run
from tests.support.made_patches import tiny_store


class Reader(HTMLParser):
    """Collects a page's texts, its tags, and every address that it would load."""

    def __init__(self, html):
        super().__init__()
        self.texts, self.tags, self.addresses = [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.addresses += [value for name, value in attributes if name in ("src", "href", "data")]

    def handle_data(self, data):
        self.texts.append(data)


@pytest.fixture
def run(home):
    return evaluated_run(cases=5, name="<b>for & the lecture</b>")


@pytest.fixture
def page(run):
    return Reader(report_html(run, saved_results(run), 0.5))


def test_report_loads_nothing_and_runs_nothing(page):
    assert page.addresses  # the pictures
    assert all(address.startswith("data:image/png;base64,") for address in page.addresses)
    assert not {"script", "link", "iframe", "object", "embed"} & set(page.tags)


def test_names_are_shown_letter_by_letter(page):
    assert "<b>for & the lecture</b>" in page.texts
    assert "b" not in page.tags


def test_report_has_every_part(page):
    headings = [page.texts[i] for i in range(len(page.texts))]
    for heading in (
        "Scores",
        "Confusion matrix",
        "Curves",
        "Against published work",
        "Probabilities and calibration",
        "Case by case, worst first",
        "Slides of the cases with the most wrong answers",
        "False alarms, the most certain first",
        "Missed IDC, the most certain first",
        "Settings",
        "Versions and weights",
        "Limits",
    ):
        assert heading in headings, heading
    assert page.tags.count("svg") == 5
    assert set(LIMITS) <= set(page.texts)


def test_scores_come_with_intervals_and_the_accuracy_with_its_baseline(page):
    words = " ".join(page.texts)

    assert re.search(r"Balanced accuracy 0\.700 0\.\d{3} – [01]\.\d{3}", words)
    assert "always predicting 'negative' would score 0.500" in words
    assert "Only 5 cases" in words


def test_counts_come_with_both_rates(page):
    assert "4 (80.0% of row, 66.7% of column)" in page.texts
    assert "1 (20.0% of row, 25.0% of column)" in page.texts


def test_run_on_another_split_is_not_comparable(page):
    assert "This run (not comparable)" in page.texts
    assert any(text.startswith("Not comparable with the published") for text in page.texts)


def test_settings_are_listed(page):
    words = " ".join(page.texts)

    assert "learning_rate 0.0001" in words
    assert "protocol random" in words


def test_report_of_one_class_says_what_is_undefined(home):
    run = evaluated_run(cases=5, validation={0: 0.1, 2: 0.6, 4: 0.3})

    words = " ".join(Reader(report_html(run, saved_results(run), 0.5)).texts)

    assert "undefined: there is no positive patch" in words
    assert "nan" not in words


def test_report_of_whole_data_set_states_overlap_with_training(run):
    store = open_store("tiny")  # 15 cases of 2 patches, split by patch
    whole = results_of(store, "all", np.arange(30), np.full(30, 0.9, np.float32))
    trained = len(np.unique(store.cases[run_split(run, store).train]))

    page = Reader(report_html(run, whole, 0.5))

    note = f"The run trained on {trained} of these 15 cases; scores on them are too high."
    assert trained > 0 and note in page.texts
    assert "none: all patches" in page.texts
    assert "whole data set, 30 patches of 15 cases" in page.texts


def test_report_of_new_cases_alone_does_not_say_so(run):
    other = tiny_store("other", cases=5, per_case=2, first_case=100)
    whole = results_of(other, "all", np.arange(10), np.full(10, 0.9, np.float32))

    assert "The run trained on" not in report_html(run, whole, 0.5)


def test_predictions_table_has_one_row_a_patch(run):
    table = predictions_table(saved_results(run), 0.7001)

    assert table.columns.tolist() == ["case", "x", "y", "label", "y_prob", "y_pred"]
    assert table["y_pred"].tolist() == [0, 1, 0, 1, 0, 1, 0, 0, 0, 0]
    assert table["case"].tolist() == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]


def test_csv_and_parquet_hold_the_same(run):
    results = saved_results(run)

    csv = pd.read_csv(io.BytesIO(predictions_file(results, 0.5, ".csv")))
    parquet = pd.read_parquet(io.BytesIO(predictions_file(results, 0.5, ".parquet")))

    pd.testing.assert_frame_equal(csv, parquet, check_dtype=False)
    assert len(csv) == 10


def test_other_ending_is_refused(run, tmp_path):
    with pytest.raises(IdcError, match=r"written as .csv or .parquet. Received: '.xlsx'"):
        write_predictions(tmp_path / "table.xlsx", saved_results(run), 0.5)


def test_file_that_cannot_be_written_is_a_sentence(run, tmp_path):
    with pytest.raises(IdcError, match="cannot be written"):
        write_report(tmp_path / "nowhere" / "report.html", run, saved_results(run), 0.5)
