"""The languages inside manifests: GJSON paths, SJSON destinations, Go templates, RE2 patterns, and the JSON they work on.

Each module compiles text once and is pure afterwards. Nothing here knows of events, sensors or manifests.
"""
