"""Request bodies of pools, jobs, tasks and schedules: made, cloned, edited and mapped, without network or cards.

A body is what ``json.loads`` gives for one: dicts, lists, text, numbers. Nothing here changes a body that it is given.

``fields``      which fields of each noun are written, answered only, or editable
``path``        places inside a body, as people read them: ``userAccounts[0].password``
``create``      create bodies from simple values
``clone``       the answer of a GET -> a create body
``write_only``  values that the service takes and never answers: which are missing, and how they are supplied
``limits``      what the service would refuse, said before it is asked
``edit``        a change of some fields -> the request that changes them and nothing else
"""
