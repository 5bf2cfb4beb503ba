"""The lives of a dossier, of an expert consultation and of a control mission.

Pure: the standard library and `transitions` only. No database, no web, no clock; time is passed in.
"""
