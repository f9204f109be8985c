"""The formulas of GEP norms as pure functions of arrays: quantity, unit and clause in each docstring.

Arguments may be numbers or arrays that broadcast against each other; a function keeps no state and clips nothing that
its clause does not clip. Status "memory" means that the text of the norm was not at hand when the row was written.
"""
