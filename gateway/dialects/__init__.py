"""What a browser's socket may speak: the proto in JSON, in binary, or a simple one."""
