"""After thousands of short lives every panel shows what is kept, and the board says how many are not."""

from __future__ import annotations

from sandbox.model.retirement import MIN_KEPT
from sandbox.tui.keys import PANELS
from sandbox.tui.state.listing import ORDERS
from tests.pure.test_retirement import churn
from tests.support.app import MakeDriver


async def test_the_board_says_how_many_have_retired(make_driver: MakeDriver) -> None:
    driver = make_driver()
    number = 2 * MIN_KEPT
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.settle(pilot)
        driver.link.feed(churn(number))
        await driver.settle(pilot)
        board = driver.app.session.view.board
        assert board.retired == number + 1 - len(board.rows) > 0
        assert f"DONE {number}" in driver.text
        assert f"{board.retired} retired" in driver.text
        assert driver.panel("done")[0].split()[0] == str(number + 1), "the latest on top"
        for panel in PANELS:
            driver.app.board_screen.action_panel(panel.id)
            await driver.settle(pilot)
        driver.app.board_screen.action_panel("board")
        for keys in (("down",), ("i", "escape"), ("f",), ("f",), ("comma",), ("comma",), ("end",)):
            await pilot.press(*keys)
            await driver.settle(pilot)


async def test_whoever_was_chosen_and_retires_is_chosen_no_longer(make_driver: MakeDriver) -> None:
    driver = make_driver()
    events = [*churn(2 * MIN_KEPT)]
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.settle(pilot)
        driver.link.feed(events[:200])
        await driver.settle(pilot)
        screen = driver.app.board_screen
        screen.chosen = 2
        await pilot.press("i")
        await driver.settle(pilot)
        driver.link.feed(events[200:])
        await driver.settle(pilot)
        await pilot.pause(0.6)  # what looks into it is shown anew now and then
        assert 2 not in driver.app.session.view.names
        await pilot.press("escape")
        await driver.settle(pilot)
        assert screen.chosen is None
        await pilot.press("down", "k")
        await driver.settle(pilot)


async def test_the_retired_of_the_past_are_filtered_and_sorted_as_others_are(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.settle(pilot)
        driver.link.feed(churn(2 * MIN_KEPT))
        await driver.settle(pilot)
        view = driver.app.session.view
        view.go(100)
        assert not view.board.rows.keys() <= view.live.board.rows.keys()
        for order in ORDERS:
            view.listing.order = order
            await driver.settle(pilot)
            shown = driver.panel("done")
            view.listing.look_for("p1")
            await driver.settle(pilot)
            assert len(driver.panel("done")) < len(shown) or "more" in shown[-1]
            assert "p0" not in driver.text
            view.listing.look_for("")
