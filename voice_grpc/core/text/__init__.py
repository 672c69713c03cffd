"""What is said: cut into clauses, written as it is spoken, marked up with SSML. Pure, like all of core."""
