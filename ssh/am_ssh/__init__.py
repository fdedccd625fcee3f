"""The debugger served over SSH. Nothing is here yet but its place in the layout."""
