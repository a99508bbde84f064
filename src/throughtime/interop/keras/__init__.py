"""Models that Keras wrote, of any age: read without Keras, without TensorFlow, and without running what a file names."""
