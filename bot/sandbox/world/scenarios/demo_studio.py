"""The studio of the demo: account render-prod in northcentralus; office hours 8 to 19 in Chicago."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from bot.sandbox.entity_parts import (
    ApplicationPackageReference,
    NameValuePair,
    OutputFile,
    OutputFileContainer,
    OutputFileDestination,
    OutputFileUploadOptions,
    ResourceFile,
    TaskConstraints,
    TaskContainerSettings,
    TaskSchedulingPolicy,
)
from bot.sandbox.entity_specs import (
    JobConstraints,
    JobManagerTask,
    JobPreparationTask,
    JobReleaseTask,
    JobSpecification,
    PoolSpecification,
    Schedule,
    TaskDependencies,
    TaskSpecification,
)
from bot.sandbox.world.account import AccountState
from bot.sandbox.world.behaviour import (
    BLOB_ACCESS_DENIED,
    BLOB_NOT_FOUND,
    CONTAINER_INVALID_IMAGE,
    DISK_FULL,
    MachineBehaviour,
    Work,
    exited,
)
from bot.sandbox.world.engine import World
from bot.sandbox.world.scenarios.demo_past import studio_past
from bot.sandbox.world.scenarios.parts import (
    UBUNTU,
    Batch,
    add_account,
    containers,
    give_up,
    install,
    later,
    metadata,
    on,
    stream,
    submit,
)

OPENS, CLOSES = 14.0, 1.0
"""The office hours, UTC."""

_DENOISER = "studio.azurecr.io/denoise:4.2"
_SHOWS = ("aurora", "basalt", "cinder")

_BY_PENDING_TASKS = """\
most = 18;
least = 2;
known = $PendingTasks.GetSamplePercent(5 * TimeInterval_Minute);
waiting = known < 70 ? max(0, $PendingTasks.GetSample(1)) : max($PendingTasks.GetSample(1), \
avg($PendingTasks.GetSample(5 * TimeInterval_Minute)));
wanted = ceil(waiting / 4);
$TargetDedicatedNodes = max(least, min(most, wanted));
$NodeDeallocationOption = taskcompletion;
"""
_BY_HOUR = """\
now = time();
working = now.hour >= 14 || now.hour < 1;
weekday = now.weekday >= 1 && now.weekday <= 5;
$TargetDedicatedNodes = working && weekday ? 5 : 1;
$NodeDeallocationOption = taskcompletion;
"""


def studio(world: World) -> None:
    """Fills the account."""
    account = add_account(
        world,
        "render-prod",
        "northcentralus",
        dedicated=350,
        spot=96,
        families={
            "standardFSv2Family": 160,
            "standardDADSv5Family": 64,
            "standardEDSv5Family": 64,
            "Standard NCASv3_T4 Family": 32,
            "standardDSv3Family": 100,
        },
        jobs=100,
        tags={"owner": "pipeline", "cost-center": "4711"},
    )
    studio_past(account)
    _pools(account)
    _Shots(account).begin()
    _schedules(account)
    _troubles(account)


def _pools(account: AccountState) -> None:
    now, add = account.world.time, account.allocator.add
    add(
        "render-cpu",
        PoolSpecification(
            display_name="Frames",
            vm_size="Standard_F8s_v2",
            virtual_machine_configuration=UBUNTU,
            target_dedicated_nodes=3,
            task_slots_per_node=4,
            task_scheduling_policy=TaskSchedulingPolicy(node_fill_type="Pack"),
            enable_auto_scale=True,
            auto_scale_formula=_BY_PENDING_TASKS,
            auto_scale_evaluation_interval="PT5M",
            start_task=install("apt-get install -y libgl1 && ./setup.sh"),
            application_package_references=[ApplicationPackageReference(application_id="renderer", version="4.1")],
            metadata=metadata(team="lighting", owner="pipeline"),
        ),
        MachineBehaviour(start_task_failure=0.02, breakdowns=0.0008),
        since=now - timedelta(days=41, hours=3),
    )
    add(
        "render-gpu",
        PoolSpecification(
            display_name="Denoising",
            vm_size="Standard_NC4as_T4_v3",
            virtual_machine_configuration=containers(_DENOISER),
            target_dedicated_nodes=5,
            start_task=install("nvidia-smi"),
            metadata=metadata(team="lighting"),
        ),
        MachineBehaviour(allocation=150.0, boot=160.0, breakdowns=0.001),
        since=now - timedelta(days=12, hours=7),
    )
    add(
        "encode-spot",
        PoolSpecification(
            display_name="Encoding, on spot machines",
            vm_size="Standard_D4ads_v5",
            virtual_machine_configuration=UBUNTU,
            target_low_priority_nodes=14,
            task_slots_per_node=2,
            resize_timeout="PT20M",
            start_task=install("apt-get install -y ffmpeg"),
            metadata=metadata(team="delivery"),
        ),
        MachineBehaviour(preemptions=0.15, spot_capacity=16),
        since=now - timedelta(days=20, hours=1),
    )
    add(
        "comp-day",
        PoolSpecification(
            display_name="Compositing",
            vm_size="Standard_E8ds_v5",
            virtual_machine_configuration=UBUNTU,
            target_dedicated_nodes=1,
            task_slots_per_node=2,
            enable_auto_scale=True,
            auto_scale_formula=_BY_HOUR,
            auto_scale_evaluation_interval="PT15M",
            metadata=metadata(team="compositing"),
        ),
        MachineBehaviour(),
        since=now - timedelta(days=33),
    )


def _output(container: str) -> list[OutputFile]:
    url = f"https://renderprodfiles.blob.core.windows.net/{container}"
    where = OutputFileDestination(container=OutputFileContainer(container_url=url))
    return [
        OutputFile(
            file_pattern="../std*.txt",
            destination=where,
            upload_options=OutputFileUploadOptions(upload_condition="taskcompletion"),
        ),
        OutputFile(
            file_pattern="*.exr",
            destination=where,
            upload_options=OutputFileUploadOptions(upload_condition="tasksuccess"),
        ),
    ]


def _inputs(*files: str) -> list[ResourceFile]:
    return [
        ResourceFile(http_url=f"https://renderprodfiles.blob.core.windows.net/inputs/{name}", file_path=name)
        for name in files
    ]


class _Shots:
    """People at work: shots to render, to denoise, to composite, titles to encode."""

    def __init__(self, account: AccountState) -> None:
        self._account = account
        self._world = account.world
        self._number = 100
        self.frame = TaskSpecification(
            resource_files=_inputs("scene.usdz", "render.sh"),
            output_files=_output("frames"),
            environment_settings=[NameValuePair(name="RENDER_THREADS", value="2")],
            constraints=TaskConstraints(max_wall_clock_time="PT2H", max_task_retry_count=2),
        )
        self.clean = TaskSpecification(
            container_settings=TaskContainerSettings(image_name=_DENOISER, container_run_options="--gpus all --rm"),
            output_files=_output("clean"),
        )
        self.encode = TaskSpecification(resource_files=_inputs("source.mov"), output_files=_output("delivery"))

    def begin(self) -> None:
        """Something runs already, and more comes as the hours go."""
        stream(self._world, self.shot, a_day=44, opens=OPENS, closes=CLOSES)
        stream(self._world, self.denoise, a_day=16, opens=OPENS, closes=CLOSES)
        stream(self._world, self.encoding, a_day=30, opens=OPENS, closes=CLOSES)
        stream(self._world, self.comp, a_day=18, opens=OPENS, closes=CLOSES)
        for first in (self.shot, self.shot, self.encoding, self.denoise, self.comp):
            later(self._world, self._world.rng.uniform(5, 400), first)

    def _name(self) -> str:
        self._number += self._world.rng.randrange(1, 4)
        return f"{self._world.rng.choice(_SHOWS)}-sh{self._number:04}"

    def _frames(self, low: int, high: int) -> int:
        return self._world.rng.randrange(low, high)

    def shot(self) -> None:
        """The frames of a shot, prepared once a node, and a movie that waits for all of them."""
        account, name = self._account, self._name()
        count = self._frames(30, 120)
        job = submit(
            account,
            f"{name}-lighting",
            JobSpecification(
                display_name=f"{name} lighting, {count} frames",
                priority=self._world.rng.choice((0, 0, 0, 100, 500)),
                uses_task_dependencies=True,
                constraints=JobConstraints(max_task_retry_count=2),
                job_preparation_task=JobPreparationTask(command_line="/bin/bash -c './fetch-assets.sh'"),
                job_release_task=JobReleaseTask(command_line="/bin/bash -c 'rm -rf $AZ_BATCH_NODE_SHARED_DIR/assets'"),
                common_environment_settings=[NameValuePair(name="SHOT", value=name)],
                pool_info=on("render-cpu"),
                metadata=metadata(show=name.split("-")[0], department="lighting"),
            ),
            Batch(
                count=count,
                first=1001,
                task_id="frame-{n}",
                command=f"/bin/bash -c './render.sh --shot {name} --frame {{n}}'",
                spec=self.frame,
                work=Work(
                    median=self._world.rng.uniform(150, 420),
                    spread=0.45,
                    prepare=4.0,
                    failures=((0.012, exited(137)), (0.006, exited(1)), (0.002, exited(139)), (0.001, BLOB_NOT_FOUND)),
                ),
            ),
            ends=False,
        )
        frames = [task_id for task_id in job.tasks if task_id.startswith("frame-")]
        account.runner.add(
            job,
            "movie",
            f"/bin/bash -c './assemble.sh --shot {name}'",
            TaskSpecification(output_files=_output("movies")),
            work=Work(median=80.0),
            depends_on=TaskDependencies(task_ids=frames),
        )
        account.job_lifecycle.set_on_all_tasks_complete(job, "terminatejob")
        give_up(account, job, hours=6)

    def denoise(self) -> None:
        """Frames cleaned in a container."""
        name = self._name()
        submit(
            self._account,
            f"{name}-denoise",
            JobSpecification(pool_info=on("render-gpu"), metadata=metadata(show=name.split("-")[0])),
            Batch(
                count=self._frames(12, 40),
                task_id="clean-{n:03}",
                command=f"denoise --shot {name} --part {{n}}",
                spec=self.clean,
                work=Work(median=540.0, prepare=12.0, failures=((0.02, CONTAINER_INVALID_IMAGE), (0.01, exited(2)))),
            ),
        )

    def encoding(self) -> None:
        """A title, encoded on machines that may go."""
        name = self._name()
        submit(
            self._account,
            f"{name}-encode",
            JobSpecification(
                pool_info=on("encode-spot"), constraints=JobConstraints(max_task_retry_count=3), priority=-100
            ),
            Batch(
                count=self._frames(20, 70),
                task_id="part-{n:03}",
                command="/bin/bash -c 'ffmpeg -i source.mov -ss {n} out.mp4'",
                spec=self.encode,
                work=Work(median=400.0, spread=0.5, failures=((0.01, exited(1)), (0.004, DISK_FULL))),
            ),
        )

    def comp(self) -> None:
        """A few compositing scripts."""
        name = self._name()
        submit(
            self._account,
            f"{name}-comp",
            JobSpecification(pool_info=on("comp-day"), max_parallel_tasks=6),
            Batch(
                count=self._frames(8, 24),
                task_id="comp-{n:02}",
                command=f"/bin/bash -c './comp.sh {name} {{n}}'",
                spec=TaskSpecification(),
                work=Work(median=480.0, failures=((0.015, exited(1)),)),
            ),
        )


def _schedules(account: AccountState) -> None:
    """Dailies every night, thumbnails every hour; an export nobody needs any more is disabled."""
    now = account.world.time
    midnight = now.replace(hour=7, minute=0, second=0, microsecond=0)
    if midnight <= now:
        midnight += timedelta(days=1)

    def filled(batch: Batch) -> JobSpecification:
        manager = JobManagerTask(
            id="manager",
            display_name="Adds the tasks",
            command_line="/bin/bash -c './plan.py'",
            resource_files=_inputs("plan.py"),
            run_exclusive=False,
            kill_job_on_completion=False,
        )
        return JobSpecification(
            pool_info=on("encode-spot" if "thumb" in batch.task_id else "render-cpu"),
            job_manager_task=manager,
            on_all_tasks_complete="terminatejob",
            constraints=JobConstraints(max_wall_clock_time="PT6H", max_task_retry_count=1),
        )

    dailies = Batch(
        count=160,
        task_id="daily-{n:03}",
        command="/bin/bash -c './render.sh --daily {n}'",
        spec=TaskSpecification(output_files=_output("dailies")),
        work=Work(median=420.0, spread=0.5, failures=((0.01, exited(137)),)),
    )
    thumbnails = Batch(
        count=18,
        task_id="thumb-{n:02}",
        command="/bin/bash -c './thumb.sh {n}'",
        spec=TaskSpecification(),
        work=Work(median=70.0, failures=((0.01, exited(1)),)),
    )
    account.schedule_lifecycle.add(
        "dailies",
        Schedule(do_not_run_until=midnight, recurrence_interval="P1D", start_window="PT1H"),
        filled(dailies),
        display_name="Dailies for the morning",
        metadata=metadata(owner="editorial"),
        plan=partial(dailies.add, account),
        manager=Work(median=40.0),
    )
    account.schedule_lifecycle.add(
        "thumbnails",
        Schedule(recurrence_interval="PT1H", start_window="PT30M"),
        filled(thumbnails),
        plan=partial(thumbnails.add, account),
        manager=Work(median=15.0),
    )
    export = account.schedule_lifecycle.add(
        "legacy-export",
        Schedule(do_not_run_until=midnight, recurrence_interval="P7D"),
        JobSpecification(pool_info=on("comp-day")),
        display_name="Export to the old archive",
    )
    account.schedule_lifecycle.disable(export)


def _troubles(account: AccountState) -> None:
    world = account.world

    def want_more() -> None:
        """The GPU pool is to grow beyond the quota of its family, every day anew."""
        later(world, 86_400.0, want_more)
        account.commands.resize("render-gpu", 12)

    def bake() -> None:
        """The signature in the job's input addresses has expired: its tasks fail before they run, and it never ends."""
        later(world, 10 * 3600.0, bake)
        for last in list(account.jobs.values()):
            if last.id.startswith("texture-bake") and last.state == "active":
                account.job_lifecycle.terminate(last)
        job_id = f"texture-bake-{world.time:%m%d-%H%M}"
        submit(
            account,
            job_id,
            JobSpecification(
                display_name="Texture bake", pool_info=on("render-cpu"), metadata=metadata(department="assets")
            ),
            Batch(
                count=36,
                task_id="bake-{n:02}",
                command="/bin/bash -c './bake.sh {n}'",
                spec=TaskSpecification(
                    resource_files=_inputs("textures.zip?sv=2023-11-03&sr=b&se=2026-01-31&sp=r&sig=REDACTED")
                ),
                work=Work(median=200.0, prepare=20.0, failures=((0.9, BLOB_ACCESS_DENIED),)),
            ),
            ends=False,
        )

    def hold() -> None:
        """A job that somebody has disabled and forgotten."""
        job = submit(
            account,
            "aurora-matte-hold",
            JobSpecification(pool_info=on("comp-day"), priority=-500),
            Batch(
                count=30,
                task_id="matte-{n:02}",
                command="./matte.sh {n}",
                spec=TaskSpecification(),
                work=Work(median=300.0),
            ),
        )
        later(world, 240.0, partial(account.job_lifecycle.disable, job, "requeue"))

    def mistype() -> None:
        """Somebody edits a formula, and it errs until somebody sees it."""
        later(world, 2400.0, mend)
        account.commands.set_autoscale("comp-day", _BY_HOUR.replace("weekday ?", "weekdays ?"))

    def mend() -> None:
        later(world, 8 * 3600.0, mistype)
        account.commands.set_autoscale("comp-day", _BY_HOUR)

    later(world, 5 * 3600.0, mistype)
    later(world, 180.0, want_more)
    later(world, 600.0, bake)
    later(world, 60.0, hold)
