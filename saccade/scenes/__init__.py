"""Scene scripts in continuous time, and how they become frames, sound, files and per-frame truth.

script: what a scene is · digits: the pictures on its objects · sampling: drawing its parts · render, sound: pixels and
samples · encode: the file · truth: what each frame shows · store: many videos, in parallel. No torch.
"""
