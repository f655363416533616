"""What each number of a recipe or policy is: its unit, one plain sentence, and whose it is.

Defaults stand with their reasons in `stations.procedures` and `shop.jobs.policies`, bounds in
`shop.jobs.recipes`; here is what a person reads beside them.  [A] is the article "Top Balancing vs
Bottom Balancing", [B] the tutorial "Top Balancing LiFePo4 Cells using a low cost 10A benchtop power
supply".
"""
