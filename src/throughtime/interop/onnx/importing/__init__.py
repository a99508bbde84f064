"""ONNX files as graphs of layers: read, converted, and held against what runs such files."""
