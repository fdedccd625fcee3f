"""Reference pages, each written from the code it describes. A page is a function without arguments that gives Markdown."""
