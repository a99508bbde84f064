"""Summarize: long texts into short ones."""
