"""Floor 6: models that travel: in from the reference's files, out as ONNX and as hub folders."""
