"""What must be true of vCenter, ESXi hosts, cells and exporters, and the judges.

`history` holds what was observed, `clauses` the rules, `report` the verdicts, `drivers` and `targets` make histories.
Nothing is imported here, because pytest loads this package in every run.
"""
