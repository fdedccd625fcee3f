"""Work beside the machine: jobs on threads and loops, pools, timers."""
