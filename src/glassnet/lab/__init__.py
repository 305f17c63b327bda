"""The lab: a page on which a network trains before one's eyes and every number can be clicked.

    a setting → data, task, first state → a timeline of epochs → a position in it → a trace
                                                                 → a frame, which the page draws

The page computes nothing: epochs come from `train`, arithmetic from `trace`.
"""
