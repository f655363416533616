"""The LFP cell and the bank of cells: state in, current in, state and voltages out.

Pure: numpy and the standard library, no clock, no randomness of its own.  The only file it
reads is its own table of rested voltages, once, at import.
"""
