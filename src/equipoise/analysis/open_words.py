"""Words that name an arm or a drug: free text that holds one is not shown to the blinded."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from equipoise.protocol import Protocol

#: Names of so many letters are found within longer words too (`placebos`); shorter ones, such as
#: an arm that is called A, as whole words only.
LONG = 5


def names_an_arm(protocol: Protocol, text: str) -> bool:
    """Whether a text holds the key or the label of an arm, or the name of its drug."""
    names = {arm.label for arm in protocol.arms.values()}
    names |= {dose.drug for arm in protocol.arms.values() for dose in arm.doses}
    whole = {re.escape(word.lower()) for word in (*protocol.arms, *names) if len(word) < LONG}
    parts = {re.escape(word.lower()) for word in (*protocol.arms, *names) if len(word) >= LONG}
    patterns = (*parts, *(rf"(?<!\w){word}(?!\w)" for word in whole))
    return any(re.search(pattern, text.lower()) for pattern in patterns)
