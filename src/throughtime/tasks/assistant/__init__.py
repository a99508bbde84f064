"""Sentences said to a home assistant, for demonstrations."""
