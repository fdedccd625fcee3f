"""Settings: what there is, where a value comes from, and the file that people write. Free of any user interface."""
