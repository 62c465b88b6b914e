"""Cursors of the two lists of the desk, told from those of other lists."""

from resolvers.errors import BadInput
from resolvers.ids import is_id
from resolvers.paging import PageRequest

OLDEST = 1_500_000_000_000  # milliseconds: nothing was said before 2017; a number or a revision is never as large


def message_number(request: PageRequest) -> int | None:
    """The number of the message after which a page of messages begins; None: the newest. Raises BadInput."""
    if request.after is None:
        return None
    number, message_id = request.after
    if type(number) is not int or not is_id(message_id, "cms"):
        raise BadInput("after is not a cursor of this list.")
    return number


def check_conversation_cursor(request: PageRequest) -> None:
    """Raise BadInput unless a page of conversations begins at a time and a conversation, or at the start."""
    if request.after is None:
        return
    at, conversation_id = request.after
    if type(at) is not int or at < OLDEST or not is_id(conversation_id, "cnv"):
        raise BadInput("after is not a cursor of this list.")
