"""Other databases' SQL for machine learning, translated to the routines of ``sys``.

A dialect is a thin layer: its statements become calls of what ``routines`` declares,
over the same catalog and the same models.
"""
