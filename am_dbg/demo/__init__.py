"""A small web shop of state machines in two processes: something believable to look at without a program of one's own.

``shop`` takes carts through validation and payment and prints each paid order as a JSON line; ``warehouse`` reads those
lines, packs and delivers. Both are ordinary programs instrumented with the one-line tracer.
"""
