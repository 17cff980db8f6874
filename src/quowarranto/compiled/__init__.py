"""What is made in C (`cutter.c`), and how it is called: shapes as there, no meaning.

`build.py` makes the library when the project is installed, if there is a C compiler; without one the same work is done
in Python, more slowly. No header of Python is needed, and nothing is made at run time.
"""
