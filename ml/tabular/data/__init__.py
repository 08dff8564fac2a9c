"""From files as people have them to a table, its schema and its profile; and edits of it."""
