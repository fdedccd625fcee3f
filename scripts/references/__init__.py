"""Reference pages, each written from the code it describes: ``build()`` of a module gives the page as Markdown."""
