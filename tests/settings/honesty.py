"""The two honest ways of a feature that does not exist yet.

Its switch is refused with 400 that names it. Or its route answers 501, and the next start says in the log that the setting is not honoured.
"""


def switch(root, path, change, *words):
    """Whether the change was taken; where it was not, the answer names what it is about."""
    answer = root.send("PATCH", path, json=change, expect=(200, 400))
    if answer.status_code == 400:
        assert all(word in answer.text for word in words), f"the refusal does not name {words}: {answer.text}"
    return answer.status_code == 200


def not_yet(server, method, path, body, *words):
    """The route says that it is not there, and the next start names the setting that is kept in vain."""
    answer = server.root().send(method, path, json=body, expect=None)
    assert answer.status_code == 501, f"{method} {path} answers {answer.status_code} {answer.text[:200]}: neither does it work nor does it say 501"
    told_at_start(server, *words)


def told_at_start(server, *words):
    assert server.stop() == 0
    before = len(server.log(10_000_000))
    server.start()
    said = server.log(10_000_000)[before:].lower()
    assert all(word.lower() in said for word in words), f"the start does not say a word of {words}: {said}"
