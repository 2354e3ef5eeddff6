"""The Typer app, and the one place where errors become exit codes."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

import harness
from harness.cli.output import console
from harness.dispatch.orders import INTERRUPTED, SignalledError, ended_by_signals
from harness.errors import Fault, HarnessError
from harness.matrix.packaged import matrix_path

OK, BAD_INPUT = 0, 2
# What may stand in the way of any file at any time, and is no defect wherever it is met.
_HINDRANCES = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ESTALE)

app = typer.Typer(
    name="harness",
    help="Few-shot prompt learning on CLIP: plan, run and report an experiment matrix.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
matrix_app = typer.Typer(
    help="The matrices that come with the package: the smoke run, and the paper's studies.", no_args_is_help=True
)
data_app = typer.Typer(help="Data sets: what is known and what is on disk.", no_args_is_help=True)
backbones_app = typer.Typer(help="Backbones: names, sizes, and whose weights are on disk.")
prompts_app = typer.Typer(
    help="Learned contexts: what they lie next to, out of harness, and into it.", no_args_is_help=True
)
cache_app = typer.Typer(help="Everything that can be computed again.", no_args_is_help=True)
app.add_typer(matrix_app, name="matrix")
app.add_typer(data_app, name="data")
app.add_typer(backbones_app, name="backbones")
app.add_typer(prompts_app, name="prompts")
app.add_typer(cache_app, name="cache")


def _matrix_option(what: str) -> Any:
    """``--matrix``, which takes a file or the name of a packaged matrix wherever it stands."""
    return typer.Option("--matrix", "-m", parser=matrix_path, metavar="FILE|NAME", help=what, show_default=False)


MatrixOption = Annotated[Path, _matrix_option("A matrix: a YAML file, or a name of `harness matrix list`.")]
OptionalMatrix = Annotated[Path | None, _matrix_option("A matrix, by file or name; all that were run without it.")]
ResultsOption = Annotated[Path, typer.Option("--results", help="Folder of records and reports.")]
SelectOption = Annotated[
    str | None, typer.Option("--select", "-k", help="Only these cells, such as 'dataset=dtd,shots=1|2'.")
]
DataOption = Annotated[
    Path | None, typer.Option("--data", help="Folder of the data sets; else HARNESS_DATA, else the matrix's.")
]
DeviceOption = Annotated[str, typer.Option("--device", help="auto, cpu, cuda or cuda:N.")]
CellArgument = Annotated[
    str, typer.Argument(metavar="CELL", help="Id of a cell, or the beginning of one.", show_default=False)
]
_PLACE = "Where it runs"
LauncherOption = Annotated[
    str | None,
    typer.Option("--launcher", help="Where workers run: local, slurm, ray or a plug-in's; else the matrix's."),
]
WorkersOption = Annotated[
    int | None, typer.Option("--workers", help="local: worker processes on the CPU.", rich_help_panel=_PLACE)
]
WorkersPerGpuOption = Annotated[
    int | None, typer.Option("--workers-per-gpu", help="local: workers that share a GPU.", rich_help_panel=_PLACE)
]
MaxConcurrentOption = Annotated[
    int | None,
    typer.Option("--max-concurrent", help="slurm, ray: jobs at a time, at most.", rich_help_panel=_PLACE),
]
_RESULTS = Path("results")


def answer(arguments: Sequence[str] | None = None) -> int:
    """Run a command; its exit code, as ``harness.cli.main`` has them."""
    try:
        with ended_by_signals():
            code = app(args=arguments, standalone_mode=False)
    except HarnessError as error:
        console.faults(error.faults)
        return BAD_INPUT
    except SignalledError as error:
        what = "interrupted" if error.exit_code == INTERRUPTED else "terminated"
        console.error(f"{what}; what was finished is kept, and the next run goes on from there")
        return error.exit_code
    except BrokenPipeError:
        # The reader, such as `head`, has seen enough; keep Python from complaining when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except OSError as error:
        if error.errno not in _HINDRANCES or error.filename is None:
            raise
        mend = "Mend that, or name another place."
        console.faults([Fault(os.fsdecode(error.filename), f"{str(error.strerror).lower()}.", mend)])
        return BAD_INPUT
    except Exception as error:
        show = getattr(error, "show", None)  # a usage error of Typer's parser, whose class is private to it
        if show is None or not hasattr(error, "exit_code"):
            raise
        show()
        return int(getattr(error, "exit_code", BAD_INPUT))
    return int(code or 0)


def _version(wanted: bool) -> None:
    if wanted:
        console.say(f"harness {harness.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show it.")] = False,
) -> None:
    """Few-shot prompt learning on CLIP: plan, run and report an experiment matrix."""


@app.command()
def plan(
    matrix: MatrixOption,
    select: SelectOption = None,
    results: ResultsOption = _RESULTS,
    data: DataOption = None,
    device: DeviceOption = "auto",
    launcher: LauncherOption = None,
    workers: WorkersOption = None,
    workers_per_gpu: WorkersPerGpuOption = None,
    max_concurrent: MaxConcurrentOption = None,
) -> int:
    """Show cells by axis, what is done, pending or failed, the jobs, and what is missing on disk."""
    from harness.cli.commands.plan import plan_command

    flags = {"workers": workers, "workers_per_gpu": workers_per_gpu, "max_concurrent": max_concurrent}
    return plan_command(matrix, select, results, data, device, launcher, flags)


@app.command()
def run(
    matrix: MatrixOption,
    select: SelectOption = None,
    results: ResultsOption = _RESULTS,
    data: DataOption = None,
    device: DeviceOption = "auto",
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Run failed cells again, too.")] = False,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="At most this many cells.")] = None,
    launcher: LauncherOption = None,
    track: Annotated[
        str | None, typer.Option("--track", help="none, wandb, tensorboard or a plug-in's; else the matrix's.")
    ] = None,
    trust_weights: Annotated[
        bool, typer.Option("--trust-weights", help="Open TorchScript archives of weights, which hold code.")
    ] = False,
    workers: WorkersOption = None,
    workers_per_gpu: WorkersPerGpuOption = None,
    gpus: Annotated[
        float | None, typer.Option("--gpus", help="slurm, ray: GPUs a job.", rich_help_panel=_PLACE)
    ] = None,
    cpus: Annotated[
        int | None, typer.Option("--cpus", help="slurm, ray: CPU cores a job.", rich_help_panel=_PLACE)
    ] = None,
    memory: Annotated[
        str | None,
        typer.Option("--memory", help="slurm, ray: host memory a job, such as 32G.", rich_help_panel=_PLACE),
    ] = None,
    max_concurrent: MaxConcurrentOption = None,
    time: Annotated[
        str | None,
        typer.Option("--time", help="slurm: a job's time limit, such as 4h.", rich_help_panel=_PLACE),
    ] = None,
    partition: Annotated[
        str | None, typer.Option("--partition", help="slurm: as sbatch has it.", rich_help_panel=_PLACE)
    ] = None,
    account: Annotated[
        str | None, typer.Option("--account", help="slurm: as sbatch has it.", rich_help_panel=_PLACE)
    ] = None,
    qos: Annotated[
        str | None, typer.Option("--qos", help="slurm: as sbatch has it.", rich_help_panel=_PLACE)
    ] = None,
    constraint: Annotated[
        str | None, typer.Option("--constraint", help="slurm: as sbatch has it.", rich_help_panel=_PLACE)
    ] = None,
    detach: Annotated[
        bool,
        typer.Option("--detach", help="slurm: hand jobs over, and leave.", rich_help_panel=_PLACE),
    ] = False,
    ray_address: Annotated[
        str | None,
        typer.Option(
            "--ray-address",
            help="ray: a cluster to join, HOST:PORT or auto; else RAY_ADDRESS's, else a local one.",
            rich_help_panel=_PLACE,
        ),
    ] = None,
) -> int:
    """Run what is pending; a second run of a finished matrix does nothing."""
    from harness.cli.commands.run import RunOptions, run_command

    flags = {
        "workers": workers, "workers_per_gpu": workers_per_gpu, "partition": partition,
        "gpus": int(gpus) if gpus is not None and gpus.is_integer() else gpus, "cpus": cpus, "memory": memory,
        "time": time, "account": account, "qos": qos, "constraint": constraint,
        "max_concurrent": max_concurrent, "address": ray_address,
    }  # fmt: skip
    return run_command(
        RunOptions(
            matrix,
            select,
            results,
            data,
            device,
            retry_failed,
            limit,
            launcher,
            track,
            trust_weights,
            flags=flags,
            detach=detach,
        )
    )


@app.command()
def status(
    matrix: OptionalMatrix = None,
    results: ResultsOption = _RESULTS,
    data: DataOption = None,
) -> int:
    """Show how far each matrix is, and why cells failed; exit 1 when some did."""
    from harness.cli.commands.status import status_command

    return status_command(matrix, results, data)


@app.command()
def report(
    matrix: OptionalMatrix = None,
    results: ResultsOption = _RESULTS,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for the files; else results/<matrix>/report.")
    ] = None,
    against: Annotated[
        list[str] | None,
        typer.Option(
            "--against", metavar="SET", help="Published figures to compare with: coop_ijcv2022, ... or all."
        ),
    ] = None,
    sd: Annotated[
        str,
        typer.Option("--sd", help="Standard deviation: sample (n - 1), or population as CoOp's parser prints it."),
    ] = "sample",
    interval: Annotated[str, typer.Option("--interval", help="95 % intervals: t or bootstrap.")] = "t",
    serve: Annotated[
        bool,
        typer.Option("--serve", help="Show the page, fresh while a run is going; write nothing."),
    ] = False,
    port: Annotated[
        int | None,
        typer.Option("--port", min=0, max=65535, help="Of --serve: 8765 without it, 0 takes a free one."),
    ] = None,
) -> int:
    """Write tables, figures and a page from the records, and print a summary."""
    from harness.cli.choices import choices_of

    choices = choices_of(against or (), sd, interval)
    if serve:
        from harness.cli.commands.serve import serve_command

        return serve_command(matrix, results, out, port, choices)
    from harness.cli.commands.report import report_command

    if port is not None:
        from harness.errors import Fault, HarnessError

        raise HarnessError(Fault("--port", "has no meaning without --serve.", "Add --serve, or leave it out."))
    return report_command(matrix, results, out, choices)


@app.command()
def compare(
    results_a: Annotated[
        Path, typer.Argument(metavar="RESULTS_A", help="A folder of records.", show_default=False)
    ],
    results_b: Annotated[Path, typer.Argument(metavar="RESULTS_B", help="Another one.", show_default=False)],
    matrix: Annotated[
        Path | None, _matrix_option("Only the cells of this matrix, by file or name; all without it.")
    ] = None,
    select: SelectOption = None,
    out: Annotated[Path | None, typer.Option("--out", help="A .csv or .json file to write, too.")] = None,
    fail_on_change: Annotated[
        bool, typer.Option("--fail-on-change", help="Exit 1 when cells or their numbers differ.")
    ] = False,
) -> int:
    """Show what changed from one results folder to another: cells, numbers, and what they were made from."""
    from harness.cli.commands.compare import compare_command

    return compare_command(results_a, results_b, matrix, select, out, fail_on_change)


@app.command()
def sync(
    matrix: OptionalMatrix = None,
    results: ResultsOption = _RESULTS,
    data: DataOption = None,
    track: Annotated[
        str | None, typer.Option("--track", help="wandb, tensorboard or a plug-in's; else the matrix's.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what is missing, send nothing.")] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Send what is known as sent, too, such as to a new server.")
    ] = False,
) -> int:
    """Send from the records whatever a tracker does not have; exit 1 when some of it could not be sent."""
    from harness.cli.commands.sync import SyncOptions, sync_command

    return sync_command(SyncOptions(matrix, results, data, track, dry_run, again))


@app.command()
def metrics(
    matrix: OptionalMatrix = None,
    select: SelectOption = None,
    results: ResultsOption = _RESULTS,
    out: Annotated[Path | None, typer.Option("--out", help="A CSV file to write, too.")] = None,
) -> int:
    """Show accuracy, macro-F1, NLL and ECE of each cell, computed from its kept logits."""
    from harness.cli.commands.metrics import metrics_command

    return metrics_command(matrix, select, results, out)


@matrix_app.command("list")
def matrix_list() -> int:
    """Show the matrices that come with the package."""
    from harness.cli.commands.matrices import list_command

    return list_command()


@matrix_app.command("show")
def matrix_show(
    name: Annotated[str, typer.Argument(help="One of `harness matrix list`.", show_default=False)],
) -> int:
    """Print the YAML of a matrix as it is; `> mine.yaml` keeps a copy to change."""
    from harness.cli.commands.matrices import show_command

    return show_command(name)


@data_app.command("list")
def data_list(data: DataOption = None) -> int:
    """Show the known data sets, their sizes, and which are on disk."""
    from harness.cli.commands.data import list_command

    return list_command(data)


@data_app.command("draw")
def data_draw(
    dataset: Annotated[str, typer.Argument(help="Name of the data set.", show_default=False)],
    shots: Annotated[str, typer.Option("--shots", help="Images a class, or all.", show_default=False)],
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the draw.", show_default=False)],
    part: Annotated[str, typer.Option("--part", help="train or val.")] = "train",
    matrix: Annotated[Path | None, _matrix_option("A matrix that describes it, by file or name.")] = None,
    data: DataOption = None,
    subset_file: Annotated[
        str | None, typer.Option("--subset-file", help="Somebody's list in place of the draw.")
    ] = None,
    rule: Annotated[str, typer.Option("--rule", help="coop, or lpclip: the linear probe's own.")] = "coop",
) -> int:
    """Print the images of a few-shot draw: path, label, class name. Needs the split, not the images."""
    from harness.cli.commands.data import draw_command

    return draw_command(dataset, shots, seed, part, matrix, data, subset_file, rule)


@data_app.command("rebuild")
def data_rebuild(
    dataset: Annotated[str, typer.Argument(help="Name of the data set.", show_default=False)],
    data: DataOption = None,
) -> int:
    """Make a published split file anew from the data set's annotation files, and compare it."""
    from harness.cli.commands.data import rebuild_command

    return rebuild_command(dataset, data)


@data_app.command("split")
def data_split(
    folder: Annotated[Path, typer.Argument(help="Images, a folder a class.", show_default=False)],
    out: Annotated[Path, typer.Option("--out", help="The file to write.", show_default=False)],
    class_names: Annotated[
        Path | None, typer.Option("--class-names", help="Lines of folder and class name.")
    ] = None,
) -> int:
    """Draw the split of any folder of images, once, and write it."""
    from harness.cli.commands.data import split_command

    return split_command(folder, class_names, out)


@backbones_app.callback(invoke_without_command=True)
def backbones_list(
    context: typer.Context,
    everything: Annotated[
        bool, typer.Option("--all", help="All pretrained weights that open_clip knows.")
    ] = False,
) -> int:
    """Show backbones, their sizes, and which have their weights on disk."""
    from harness.cli.commands.backbones import list_command

    return OK if context.invoked_subcommand else list_command(everything)


@backbones_app.command("fetch")
def backbones_fetch(
    names: Annotated[list[str], typer.Argument(help="Such as 'ViT-B-16:openai'.", metavar="NAME...")],
) -> int:
    """Download weights from the Hugging Face hub into its cache; those on disk are left alone."""
    from harness.cli.commands.backbones import fetch_command

    return fetch_command(names)


@data_app.command("check")
def data_check(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="DATASET", help="Data sets; those on disk, or of the matrix, without any."),
    ] = None,
    data: DataOption = None,
    decode: Annotated[bool, typer.Option("--decode", help="Decode every image, too.")] = False,
    content: Annotated[
        bool, typer.Option("--content", help="Look for test images among the others' bytes.")
    ] = False,
    matrix: Annotated[Path | None, _matrix_option("Check the data sets of this matrix, by file or name.")] = None,
) -> int:
    """Show what is missing or wrong with data sets on disk, and how to mend it; exit 1 when something is."""
    from harness.cli.commands.data_check import check_command

    return check_command(names or (), data, decode, content, matrix)


@data_app.command("fetch")
def data_fetch(
    dataset: Annotated[str, typer.Argument(help="One of `harness data list`.", show_default=False)],
    data: DataOption = None,
    given: Annotated[
        Path | None,
        typer.Option("--from", help="An archive or a folder that is here already; folders are linked."),
    ] = None,
    mirror: Annotated[
        str | None, typer.Option("--mirror", help="An address whose files, by their own names, are tried first.")
    ] = None,
) -> int:
    """Download a data set, check it, and put it in its place; HF_ENDPOINT names another Hugging Face hub."""
    from harness.cli.commands.data_fetch import fetch_command

    return fetch_command(dataset, data, given, mirror)


@prompts_app.command("show")
def prompts_show(
    cell: CellArgument,
    top: Annotated[int, typer.Option("--top", min=1, max=1000, help="Words a vector.")] = 5,
    class_name: Annotated[
        str | None, typer.Option("--class", help="Only this class's context, where each has its own.")
    ] = None,
    results: ResultsOption = _RESULTS,
) -> int:
    """Show the vocabulary words nearest to each learned vector, with their distances."""
    from harness.cli.commands.prompts import show_command

    return show_command(cell, top, class_name, results)


@prompts_app.command("export")
def prompts_export(
    cell: CellArgument,
    out: Annotated[Path, typer.Option("--out", help="Folder for the files.", show_default=False)],
    results: ResultsOption = _RESULTS,
) -> int:
    """Write text features, context and a description, for use with open_clip alone."""
    from harness.cli.commands.prompts import export_command

    return export_command(cell, out, results)


@prompts_app.command("import")
def prompts_import(
    file: Annotated[
        Path,
        typer.Argument(
            help="A model.pth.tar-N of the authors' code, or a context.safetensors.", show_default=False
        ),
    ],
    name: Annotated[str, typer.Option("--name", help="What matrices call it.", show_default=False)],
    position: Annotated[
        str | None,
        typer.Option("--class-token-position", help="end, middle or front; else the file's, else end."),
    ] = None,
    results: ResultsOption = _RESULTS,
) -> int:
    """Keep a context under a name, so that cells can evaluate it; nothing that the file holds is run."""
    from harness.cli.commands.prompts import import_command

    return import_command(file, name, position, results)


@cache_app.command("show")
def cache_show() -> int:
    """Show where the cache is and what it holds."""
    from harness.cli.commands.cache import show_command

    return show_command()


@cache_app.command("clear")
def cache_clear() -> int:
    """Remove everything from the cache; the next run computes it again."""
    from harness.cli.commands.cache import clear_command

    return clear_command()
