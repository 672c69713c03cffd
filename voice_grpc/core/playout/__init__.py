"""The sound of an answer on its way to the ear: when it may leave, how loud, and which words were heard."""
