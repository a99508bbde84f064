"""Models as ONNX graphs: native nodes where the mathematics is equal, else a Scan derived from the traced step."""
