"""What people paste or attach to add tasks, as the bodies that the service takes.

:func:`bot.domain.task_input.read.read_tasks` reads JSON and tables and says what is wrong with them in plain words;
:func:`bot.domain.task_input.collections.cut` cuts the tasks into the requests that the service accepts.
"""
