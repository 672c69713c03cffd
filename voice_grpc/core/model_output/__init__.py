"""What a language model writes that nobody is to hear, whichever model and whichever server.

A server that knows its model's template takes these out; others leave them in the text, and the stream cuts
them anywhere.

    markers    the marks of templates, and which families of thoughts and calls they open and close
    headers    whose turn it is, and harmony's headers
    arguments  JSON as models write it, and the name of a tool that they mean
    calls      calls of tools out of text that holds nothing else
    unmarked   whether a text without any mark is a call
    output     one answer as it comes: what of it is said, what is called, and whether it is over

What lives here: text of any model. What must not: how one vendor's chunks hold it (`engines`).
"""
