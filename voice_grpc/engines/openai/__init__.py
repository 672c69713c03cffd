"""Servers of OpenAI's chat completions, whoever runs them."""
