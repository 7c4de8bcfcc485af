"""What must not be, and what counts as an answer that says what is wrong."""

VAGUE = "something went wrong"


class Fault(AssertionError):
    """What must not be; `kind` is the same for faults of one kind."""

    def __init__(self, kind, detail=""):
        super().__init__(f"{kind}: {detail}" if detail else kind)
        self.kind = kind


def demand(condition, kind, detail=""):
    if not condition:
        raise Fault(kind, str(detail)[:1500])


def clear(answer):
    """Whether it is a refusal that says what is wrong."""
    if not 400 <= answer.status_code < 500:
        return False
    try:
        body = answer.json()
        return bool(body["data"]) or clear_text(body["message"])
    except (ValueError, KeyError, TypeError):
        return False


def clear_text(text):
    return bool(text.strip()) and VAGUE not in text.lower()
