"""Why a pool, a node, a job, a task or a schedule does not do its work: facts in, one verdict out.

Nothing is read here. Whoever asks gathers a *case* of what was read and gets *clues*: causes, each with its evidence.
Of the clues that explain what is asked about one is the answer, the most specific; the others were seen as well.
"""
