# SPDX-License-Identifier: Apache-2.0
"""Why something could not be sent, and whether it is worth trying again."""

from __future__ import annotations

from runner.errors import PackhouseError


class TryLaterError(PackhouseError):
    """It may work later.

    Attributes:
        after: seconds that the other side asked for at least.
        everything: nothing else to the same target will work before, either.
    """

    kind = "delivery"

    def __init__(self, what: str, *, after: float = 0.0, everything: bool = False) -> None:
        super().__init__(what)
        self.after = after
        self.everything = everything


class RefusedError(PackhouseError):
    """It will never work as it is: ``status`` is that of HTTP or SMTP, ``reply`` what the other side said."""

    kind = "delivery"

    def __init__(self, what: str, *, status: int = 0, reply: str = "", hint: str | None = None) -> None:
        super().__init__(what, why=reply or None, hint=hint)
        self.status = status
        self.reply = reply
