"""Linear models over n-grams, and how they and a recurrence decide together."""
