"""A contest on one split: what everybody learns from, is asked, and answers, in files between processes.

    exchange      a window of a shop as arrays on disk; needs numpy alone
    search        one family of a library: settings by TPE on the window before, then the test window, once
    plain         popularity, GP-TopFreq, TIFU-kNN, confidence, lift, SR, VSTAN from their formulae
    with_*        adapters of implicit, lenskit, cornac and rectools
    ours          a recipe of Vitrina, asked through its engine

Libraries live in environments of their own (`make referees`): their pins cannot stand beside ours.
"""
