"""Models that Keras wrote, of any age: read without Keras and TensorFlow, and nothing a file names is run."""
