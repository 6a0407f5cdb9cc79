"""A facility to test against, made by scripts that share no code with the program under test.

`maketree.py`, `icatplus.py` and `activemq.sh` are kept as they are and only ever run; `facility.py` is how tests get
at them.
"""
