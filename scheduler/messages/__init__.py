"""Messages: a reminder policy's templates, checked and filled, as plain text in the reader's language."""

from scheduler.messages.checking import message_problems, telling_words
from scheduler.messages.rendering import Contents, Line, Rendered, render

__all__ = ["Contents", "Line", "Rendered", "message_problems", "render", "telling_words"]
