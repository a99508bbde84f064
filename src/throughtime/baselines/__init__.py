"""What a model must beat: uniform, unigram and an n-gram model."""
