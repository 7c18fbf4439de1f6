"""Request bodies of pools, jobs, tasks and schedules: made, cloned, edited and mapped, without network or cards.

A body is what ``json.loads`` gives for one: dicts, lists, text, numbers. Nothing here changes a body that it is given.

``fields``      which fields of each noun are written, answered only, or editable
``path``        places inside a body, as people read them: ``userAccounts[0].password``
``shapes``      which fields hold objects and lists
``create``      create bodies from simple values
``clone``       the answer of a GET -> a create body
``write_only``  values that the service takes and never answers: which are missing, and how they are supplied
``limits``      what the service would refuse, said before it is asked
``edit``        a change of some fields -> the request that changes them and nothing else
``arm``         a pool of the data plane <-> a resource of Resource Manager
``hidden``      what stands in the place of a secret value in a body that is shown or stored
``bicep``       a pool as Bicep, ``arm_template`` as a template in JSON, ``az`` the command line that makes a body
``pasted``      text that somebody pasted or attached -> a create body
``placeholders`` ``{name}`` in a template's values
"""
