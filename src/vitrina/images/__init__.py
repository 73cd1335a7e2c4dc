"""Photos to vectors, offline: decoding in a sandbox, encoding by ONNX Runtime, drawing.

Importing this package imports nothing but numpy; Pillow, onnx and ONNX Runtime (the extra
`images`) come in where they are used. The server reads only `metric` and `vectors`.
"""
