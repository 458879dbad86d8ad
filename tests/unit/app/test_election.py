from __future__ import annotations

import pytest

from leadsman.app.candidate import Terms
from leadsman.app.election import terms_from
from leadsman.errors import LeadsmanError
from leadsman.settings import Settings


def test_the_terms_are_those_that_are_set() -> None:
    assert terms_from(Settings()) == Terms(15, 10.0, 5.0)
    short = Settings(lease_duration=3, renew_deadline=2.0, retry_period=0.5)
    assert terms_from(short) == Terms(3, 2.0, 0.5)


@pytest.mark.parametrize(
    "settings",
    [
        Settings(lease_duration=10),
        Settings(renew_deadline=15.0),
        Settings(renew_deadline=6.0),
        Settings(retry_period=0.0),
        Settings(retry_period=-1.0),
    ],
)
def test_terms_that_leave_no_time_are_refused(settings: Settings) -> None:
    with pytest.raises(LeadsmanError, match="leader election needs") as caught:
        terms_from(settings)
    assert caught.value.reason == "InvalidSettings"
