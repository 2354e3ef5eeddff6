"""The worker: the one place where data, backbone, features, methods, store and tracking meet.

It is reached by process only, ``python -m harness.worker JOB.json``, so that nothing else needs torch.
"""
