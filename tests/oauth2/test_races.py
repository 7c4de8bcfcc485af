"""Logins of one person at the same moment."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from .provider import Provider, links, make_user


# PocketBase refuses all but one of those that would make the account.
@pytest.mark.parametrize(
    "found",
    [pytest.param(None, marks=pytest.mark.ours), {"verified": True}, {"verified": False}],
    ids=["new", "confirmed", "not-confirmed"],
)
def test_logins_of_one_person_at_once_all_succeed(server, root, internet, found):
    provider = Provider(internet).enable(root)
    for number in range(3):
        email = f"jane{number}@example.com"
        provider.profile |= {"sub": f"person-{number}", "email": email}
        if found is not None:
            make_user(root, email=email, **found)
        with ThreadPoolExecutor(6) as pool:
            made = [future.result() for future in [pool.submit(provider.log_in, server) for _ in range(6)]]
        assert len({login["record"]["id"] for login in made}) == 1
        assert all(login["record"]["verified"] for login in made)
        assert len(links(root, providerId=f"person-{number}")) == 1
