"""Pure rules of jobs: what stands in the way of an act, in words; empty means go.

No Django, no clock: values come in, problems come out, so that a refusal is shown in full.
"""
