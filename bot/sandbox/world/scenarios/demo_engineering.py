"""The engineers of the demo: account sim-dev in westeurope; office hours 7 to 18 in Amsterdam."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from bot.sandbox.entity_parts import (
    MountConfiguration,
    NameValuePair,
    NetworkConfiguration,
    TaskConstraints,
    UserAccount,
)
from bot.sandbox.entity_specs import (
    JobConstraints,
    JobManagerTask,
    JobSpecification,
    MultiInstanceSettings,
    PoolSpecification,
    Schedule,
    TaskDependencies,
    TaskSpecification,
)
from bot.sandbox.world.account import AccountState
from bot.sandbox.world.behaviour import PROGRAM_NOT_FOUND, MachineBehaviour, Work, exited
from bot.sandbox.world.engine import World
from bot.sandbox.world.scenarios.demo_past import engineering_past
from bot.sandbox.world.scenarios.parts import (
    HPC,
    UBUNTU,
    WINDOWS,
    Batch,
    add_account,
    give_up,
    install,
    later,
    metadata,
    on,
    stream,
    submit,
)

OPENS, CLOSES = 6.0, 17.0
"""The office hours, UTC."""


def engineering(world: World) -> None:
    """Fills the account."""
    account = add_account(
        world,
        "sim-dev",
        "westeurope",
        dedicated=300,
        spot=40,
        families={
            "standardDDSv5Family": 160,
            "standardHCSFamily": 132,
            "standardDSv3Family": 64,
            "standardESv3Family": 32,
        },
        pools=20,
        jobs=60,
        tags={"owner": "simulation"},
    )
    engineering_past(account)
    _pools(account)
    _Studies(account).begin()
    _regression(account)
    _troubles(account)


def _pools(account: AccountState) -> None:
    now, add = account.world.time, account.allocator.add
    subnet = (
        f"/subscriptions/{account.facts.subscription}/resourceGroups/network/providers/Microsoft.Network"
        "/virtualNetworks/simulation/subnets/batch"
    )
    add(
        "montecarlo",
        PoolSpecification(
            vm_size="Standard_D8ds_v5",
            virtual_machine_configuration=UBUNTU,
            target_dedicated_nodes=6,
            task_slots_per_node=8,
            start_task=install("pip install -r requirements.txt", retries=2),
            metadata=metadata(team="pricing"),
        ),
        MachineBehaviour(start_task=75.0, start_task_failure=0.45, start_task_cause=exited(100)),
        since=now - timedelta(days=9, hours=5),
    )
    add(
        "cfd",
        PoolSpecification(
            display_name="Flow, coupled",
            vm_size="Standard_HC44rs",
            virtual_machine_configuration=HPC,
            target_dedicated_nodes=2,
            enable_inter_node_communication=True,
            network_configuration=NetworkConfiguration(subnet_id=subnet, enable_accelerated_networking=False),
            mount_configuration=[
                MountConfiguration(nfs_mount_configuration={"source": "10.20.0.4:/cases", "relativeMountPath": "cases"})
            ],
            metadata=metadata(team="aero"),
        ),
        MachineBehaviour(allocation=200.0, boot=150.0),
        since=now - timedelta(days=60),
    )
    add(
        "win-build",
        PoolSpecification(
            vm_size="Standard_D4s_v3",
            virtual_machine_configuration=WINDOWS,
            target_dedicated_nodes=3,
            task_slots_per_node=2,
            user_accounts=[UserAccount(name="builder", elevation_level="nonadmin")],
            metadata=metadata(team="tools"),
        ),
        MachineBehaviour(allocation=110.0, boot=210.0),
        since=now - timedelta(days=5, hours=2),
    )
    add(
        "old-experiment",
        PoolSpecification(
            display_name="Trial of spring",
            vm_size="Standard_D16ds_v5",
            virtual_machine_configuration=UBUNTU,
            target_dedicated_nodes=2,
            metadata=metadata(owner="unknown", ticket="SIM-1182"),
        ),
        MachineBehaviour(),
        since=now - timedelta(days=23, hours=9),
    )


class _Studies:
    """People at work: grids of prices, angles of attack, builds."""

    def __init__(self, account: AccountState) -> None:
        self._account = account
        self._world = account.world
        self._number = 40

    def begin(self) -> None:
        """Something runs already, and more comes as the hours go."""
        stream(self._world, self.grid, a_day=18, opens=OPENS, closes=CLOSES)
        stream(self._world, self.flow, a_day=6, opens=OPENS, closes=CLOSES)
        stream(self._world, self.build, a_day=30, opens=OPENS, closes=CLOSES)
        for first in (self.grid, self.flow, self.build):
            later(self._world, self._world.rng.uniform(5, 300), first)

    def _next(self) -> int:
        self._number += 1
        return self._number

    def grid(self) -> None:
        """Many short tasks, eight on a node."""
        number = self._next()
        submit(
            self._account,
            f"option-grid-{number:04}",
            JobSpecification(
                display_name=f"Option grid {number}",
                constraints=JobConstraints(max_task_retry_count=1),
                common_environment_settings=[NameValuePair(name="PATHS", value="1000000")],
                pool_info=on("montecarlo"),
                metadata=metadata(desk=self._world.rng.choice(("rates", "equity", "fx"))),
            ),
            Batch(
                count=self._world.rng.randrange(120, 420),
                task_id="cell-{n:04}",
                command="/bin/bash -c 'python price.py --cell {n}'",
                spec=TaskSpecification(),
                work=Work(
                    median=self._world.rng.uniform(200, 420),
                    spread=0.5,
                    failures=((0.01, exited(1)), (0.002, exited(137))),
                ),
            ),
        )

    def flow(self) -> None:
        """A few long, coupled runs; the post-processing of each waits for its run."""
        account, number = self._account, self._next()
        angles = self._world.rng.randrange(3, 7)
        job = submit(
            account,
            f"wing-study-{number:04}",
            JobSpecification(uses_task_dependencies=True, pool_info=on("cfd"), metadata=metadata(model="wing-c")),
            Batch(
                count=angles,
                task_id="aoa-{n:02}",
                command="/bin/bash -c 'mpirun solve --angle {n}'",
                spec=TaskSpecification(
                    constraints=TaskConstraints(max_wall_clock_time="PT6H"),
                    multi_instance_settings=MultiInstanceSettings(
                        number_of_instances=2, coordination_command_line="/bin/bash -c './start-daemon.sh'"
                    ),
                ),
                work=Work(median=2200.0, spread=0.35, prepare=20.0, failures=((0.04, exited(139)),)),
            ),
            ends=False,
        )
        for angle in range(1, angles + 1):
            account.runner.add(
                job,
                f"post-{angle:02}",
                f"/bin/bash -c './post.sh {angle}'",
                work=Work(median=120.0),
                depends_on=TaskDependencies(task_ids=[f"aoa-{angle:02}"]),
            )
        account.job_lifecycle.set_on_all_tasks_complete(job, "terminatejob")
        give_up(account, job, hours=12)

    def build(self) -> None:
        """Builds on Windows; now and then a tool is missing."""
        number = self._next()
        submit(
            self._account,
            f"build-{number:04}",
            JobSpecification(pool_info=on("win-build"), priority=10),
            Batch(
                count=4,
                task_id="target-{n}",
                command="cmd /c build.cmd {n}",
                spec=TaskSpecification(),
                work=Work(median=330.0, failures=((0.04, exited(1)), (0.01, PROGRAM_NOT_FOUND))),
            ),
        )


def _regression(account: AccountState) -> None:
    """A regression suite every two hours."""
    cases = Batch(
        count=32,
        task_id="case-{n:02}",
        command="/bin/bash -c './regress.sh {n}'",
        spec=TaskSpecification(),
        work=Work(median=240.0, spread=0.4, failures=((0.02, exited(2)),)),
    )
    account.schedule_lifecycle.add(
        "mesh-regression",
        Schedule(recurrence_interval="PT2H", start_window="PT1H"),
        JobSpecification(
            display_name="Mesh regression",
            pool_info=on("montecarlo"),
            job_manager_task=JobManagerTask(
                id="manager",
                command_line="/bin/bash -c './plan.sh'",
                run_exclusive=False,
                kill_job_on_completion=False,
            ),
            on_all_tasks_complete="terminatejob",
        ),
        plan=partial(cases.add, account),
        manager=Work(median=25.0),
    )


def _troubles(account: AccountState) -> None:
    world = account.world

    def aim(pool_id: str, nodes: int) -> None:
        account.commands.resize(pool_id, nodes, deallocation="taskcompletion")

    def shift() -> None:
        """The pools that are resized by hand: more by day, fewer by night."""
        day = OPENS <= world.time.hour < CLOSES
        later(world, 1.0, aim, "montecarlo", 11 if day else 5)
        later(world, 1.0, aim, "cfd", 3 if day else 1)
        later(world, 1100.0, spoil)
        ahead = (CLOSES if day else OPENS) - (world.time.hour + world.time.minute / 60 + world.time.second / 3600)
        later(world, (ahead % 24) * 3600 + 60.0, shift)

    def lose() -> None:
        """A Windows node is not reachable any more, and nobody knows why."""
        account.commands.break_node("win-build", recovers=False)

    def spoil() -> None:
        """A start task fails."""
        account.commands.fail_start_task("montecarlo")

    def stuck() -> None:
        """The first task has failed, its dependents wait for ever, and so does the job."""
        job = account.job_lifecycle.add(
            "layout-chain", JobSpecification(uses_task_dependencies=True, pool_info=on("montecarlo"), priority=50)
        )
        runner = account.runner
        runner.add(job, "mesh", "/bin/bash -c './mesh.sh'", work=Work(median=120.0, failures=((1.0, exited(1)),)))
        for name in ("solve", "plot"):
            runner.add(
                job, name, f"./{name}.sh", work=Work(median=200.0), depends_on=TaskDependencies(task_ids=["mesh"])
            )
        account.job_lifecycle.set_on_all_tasks_complete(job, "terminatejob")

    later(world, 120.0, shift)
    later(world, 900.0, lose)
    later(world, 400.0, stuck)
