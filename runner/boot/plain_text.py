# SPDX-License-Identifier: Apache-2.0
"""Turn what a terminal is sent into plain lines."""

from __future__ import annotations

import codecs
import re

_CONTROL = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)"  # OSC, DCS and the like, with their text
    r"|\x1b[ -/]*[0-OQ-WYZ\\`-~]"  # two and three character sequences
    r"|[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f]"
)
"""Control sequences of ECMA-48, and single control characters but tab, newline and carriage return."""

_BEGUN = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|[\]PX^_][^\x07\x1b]*\x1b?|[ -/]*)\Z")
"""A sequence that may go on in the next piece. One that is broken off by other text, as systemd does to shorten a
line, is none."""

_LONGEST_SEQUENCE = 4096
_LONGEST_LINE = 4096


class PlainText:
    """Cuts bytes that come in pieces into lines without control sequences. Memory stays bounded."""

    def __init__(self) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._held = ""
        self.partial = ""

    def feed(self, data: bytes) -> list[str]:
        """Return the lines that ``data`` completed; the line begun is in ``partial``."""
        text = self._whole(self._held + self._decode(data))
        *lines, self.partial = (self.partial + text).split("\n")
        if len(self.partial) > _LONGEST_LINE:
            lines.append(self.partial)
            self.partial = ""
        return [line.strip("\r") for line in lines]

    def _whole(self, text: str) -> str:
        """Take control sequences away; hold one back that has not ended."""
        plain = _CONTROL.sub("", text)
        begun = _BEGUN.search(plain)
        if begun is None or len(plain) - begun.start() > _LONGEST_SEQUENCE:
            self._held = ""
            return plain.replace("\x1b", "")
        self._held = plain[begun.start() :]
        return plain[: begun.start()].replace("\x1b", "")
