"""Enums of the chat channel as both endpoints show them, each value described."""

from resolvers.chat.desk.model import Author, ConversationState, Delivery, Failure
from resolvers.chat.menus.model import MenuState
from resolvers.chat.replies.model import ContentKind, Match
from resolvers.ports_chat import ButtonKind, MessageKind
from schema.common import described

described(
    MessageKind,
    "MessageKind",
    "What a message in a chat is.",
    {
        "TEXT": "A text.",
        "IMAGE": "A picture, by the platform's media id.",
        "NEWS": "An article 图文 with a picture and a link.",
        "MINI_PROGRAM": "A card that opens a page of the mini-program.",
    },
)
described(
    ConversationState,
    "ConversationState",
    "Who answers the person.",
    {
        "BOT": "Reply rules alone.",
        "WAITING": "Nobody yet: it is in the queue.",
        "OPEN": "An agent.",
        "PLATFORM": "The platform's own desk, from the person's next message on.",
        "CLOSED": "Nobody: it is over until the person writes again.",
    },
)
described(
    Author,
    "MessageAuthor",
    "Whose message it is.",
    {
        "CUSTOMER": "The person's.",
        "AGENT": "An agent's.",
        "BOT": "A reply rule's.",
        "NOTE": "A note for colleagues, which the person never sees.",
    },
)
described(
    Delivery,
    "MessageDelivery",
    "How far a message to the person is.",
    {
        "QUEUED": "It is sent in a moment, or once the platform takes it again.",
        "SENDING": "It is being sent.",
        "SENT": "The platform has taken it, or it was written into the mini-program.",
        "FAILED": "It was not delivered; failure says why.",
        "UNKNOWN": "Cut off while it was sent: it may have arrived, and is not sent again by itself.",
    },
)
described(
    Failure,
    "MessageFailure",
    "Why a message was not delivered.",
    {
        "WINDOW_CLOSED": "The person did nothing in the chat for too long.",
        "QUOTA_REACHED": "As many were sent as the platform allows until the person writes again.",
        "NOT_FOLLOWING": "The person does not follow the account (any more).",
        "REFUSED": "The platform does not take this message.",
    },
)
described(
    Match,
    "ReplyMatch",
    "What a reply rule answers to.",
    {
        "EXACT": "A text that is one of its words; also `scene:…` of a scanned code.",
        "CONTAINS": "A text that holds one of its words.",
        "SUBSCRIBE": "Following the official account.",
        "DEFAULT": "Any text that no other rule fits.",
    },
)
described(
    ContentKind,
    "ReplyContentKind",
    "What a reply rule answers with.",
    {
        "TEXT": "A text.",
        "IMAGE": "A picture.",
        "NEWS": "An article 图文.",
        "MINI_PROGRAM": "A card that opens a page of the mini-program.",
        "COUPONS": "The coupons that this very person could claim now, and a card that opens their page.",
        "DESK": "A person: the conversation goes to the queue.",
    },
)
described(
    MenuState,
    "MenuState",
    "How the draft of a menu and what people see go together.",
    {
        "DRAFT": "The draft was changed since it was published, or never published.",
        "PUBLISHED": "It was read back and is the draft.",
        "DIFFERENT": "It was read back and is not the draft; difference says in what.",
    },
)
described(
    ButtonKind,
    "MenuButtonKind",
    "What a button of the menu does.",
    {
        "CLICK": "Tells us its key: `reply:<rule id>`, `desk`, or a text that a keyword rule fits.",
        "VIEW": "Opens an address.",
        "MINI_PROGRAM": "Opens a page of a mini-program.",
        "SCAN_WAIT": "Scans a code and tells us what it says.",
        "SCAN_PUSH": "Scans a code and opens it.",
        "LOCATION": "Lets the person pick a place.",
        "MEDIA": "Sends a picture that the platform keeps.",
    },
)

__all__ = [
    "Author",
    "ButtonKind",
    "ContentKind",
    "ConversationState",
    "Delivery",
    "Failure",
    "Match",
    "MenuState",
    "MessageKind",
]
