"""Vendors' services as far as we use them: they enforce the real rules, so that misuse fails a test.

Each can be used inside a test (`async with FakeX() as fake`) and started from the command line
(`python -m tests.fakes.gemini --port 9001 --profile llm-gemini-2.5-flash`), so that the whole cloud
configuration can be tried and loaded without a cloud.
"""
