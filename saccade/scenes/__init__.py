"""Scene scripts in continuous time, and how they become frames, sound, files and per-frame truth.

scene_settings: what all datasets may set · script: what a scene is · digits: the pictures on its objects · sampling:
drawing its parts · badges: drawing scenes made of moments · render, sound: pixels and samples · encode: the file ·
truth, moments: what each frame shows, of one target or of moments · store: many videos, in parallel · contact_sheet: a
picture of some. No torch in these. checks, probes, looking: what the datasets' own checks share.
"""
