"""Chat: replies to what was said, learned from conversations."""
