"""Panes and bars. Each draws the rows of one view-model."""
