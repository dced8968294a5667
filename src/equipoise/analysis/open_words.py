"""Words that name an arm or a drug: free text that holds one is not shown to the blinded."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from equipoise.protocol import Protocol


def names_an_arm(protocol: Protocol, text: str) -> bool:
    """Whether a text holds the key or the label of an arm, or the name of its drug."""
    words = set(protocol.arms)
    words |= {arm.label for arm in protocol.arms.values()}
    words |= {dose.drug for arm in protocol.arms.values() for dose in arm.doses}
    return any(
        re.search(rf"(?<!\w){re.escape(word.lower())}(?!\w)", text.lower()) for word in words
    )
