"""Translate: texts of one language into another."""
