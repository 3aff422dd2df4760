"""You against the CNN by keyboard: two players, then the link opened by another visitor."""

import pytest
from playwright.sync_api import expect

from tests.support.made_patches import tiny_store

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_two_players_finish_a_round_by_keyboard_and_share_it(page, app):
    tiny_store("mine", cases=12)
    page.goto(f"{app}/play")
    page.get_by_role("radio", name="Hard").click()  # no patch of random pixels is easy
    page.get_by_role("radio", name="Two, on one keyboard").click()
    page.get_by_role("button", name="Start").click()
    for turn in range(1, 11):
        expect(board(page, "ask", turn)).to_be_visible()
        page.keyboard.press("a")
        expect(page.get_by_text("Guessed", exact=True)).to_have_count(
            1
        )  # the other player's guess is hidden
        assert page.get_by_text("Labelled IDC").count() == 0
        page.keyboard.press("d")  # a guess cannot be changed
        page.keyboard.press("l")
        expect(board(page, "reveal", turn)).to_be_visible()
        page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="of 10 right. The CNN: ")).to_be_visible()
    link = page.get_by_label("Link to this result").input_value()
    assert link.endswith(f"-{'n' * 10}-{'p' * 10}")

    page.get_by_label("Name of player 2").fill("<i>Ben</i>")
    page.keyboard.press("Enter")
    expect(page.get_by_role("table")).to_contain_text("<i>Ben</i>")

    visitor = page.context.browser.new_context()
    other = visitor.new_page()
    other.goto(link)
    expect(
        other.get_by_text("Shown without answers, so that you can still play the round.")
    ).to_be_visible()
    other.get_by_role("button", name="Play the same patches").click()
    expect(board(other, "ask", 1)).to_be_visible()
    visitor.close()
    assert page.complaints == []


def board(page, mode, turn):
    return page.locator(f".stage[data-mode={mode}][data-turn='{turn}']")
