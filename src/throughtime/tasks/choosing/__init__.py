"""Choosing among a user's own answers: TF-IDF and two recurrent encoders together."""
