# SPDX-License-Identifier: Apache-2.0
"""``flaxnn train``: a run from the command line, in a directory of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flaxnn.cli import _values
from flaxnn.cli._exit import TERMINATED
from flaxnn.cli._sets import parse_sets

if TYPE_CHECKING:
    from flaxnn.runs import Config, TrainedRun


def _in(panel: str) -> Callable[..., Any]:
    """Makes options of one panel of the help."""

    def option(flag: str, about: str, **more: Any) -> Any:
        return typer.Option(flag, help=about, rich_help_panel=panel, **more)

    return option


_data, _loop = _in("Model and data"), _in("Training")
_where, _output = _in("Where"), _in("Output")


def train(
    what: Annotated[
        str | None,
        typer.Argument(
            metavar="MODEL|CONFIG.toml",
            help="A model of flaxnn.models, FILE.py:CLASS, or a configuration.",
            autocompletion=_values.models,
        ),
    ] = None,
    data: Annotated[
        str | None,
        typer.Argument(
            metavar="DATA",
            help="A data set's name; a .csv, .tsv, .npz, .npy or IDX file; a folder.",
            autocompletion=_values.data_sets,
        ),
    ] = None,
    target: Annotated[
        str | None, _data("--target", "A table's labels.", metavar="COLUMN")
    ] = None,
    labels: Annotated[
        str | None, _data("--labels", "Labels beside a .npy or IDX.", metavar="FILE")
    ] = None,
    standardize: Annotated[
        bool | None,
        _data(
            "--standardize/--no-standardize",
            "Features to mean 0 and deviation 1, by the rows trained on; no.",
        ),
    ] = None,
    data_dir: Annotated[
        str | None, _data("--data", "Where data sets are looked for.", metavar="FOLDER")
    ] = None,
    validation: Annotated[
        str | None,
        _data(
            "--validation",
            "A split such as test, a fraction such as 0.2, a file, or none; the test "
            "split where there is one.",
            metavar="X",
        ),
    ] = None,
    sets: Annotated[
        list[str] | None,
        _loop(
            "--set",
            "Any key of the configuration, such as optimizer.lr=0.01.",
            metavar="KEY=VALUE",
        ),
    ] = None,
    seed: Annotated[
        int | None, _loop("--seed", "As torch.manual_seed; 0.", metavar="N")
    ] = None,
    epochs: Annotated[int | None, _loop("--epochs", "Passes; 5.", metavar="N")] = None,
    steps: Annotated[
        int | None, _loop("--steps", "Updates instead.", metavar="N")
    ] = None,
    batch_size: Annotated[
        str | None, _loop("--batch-size", "Rows of a batch; 64.", metavar="N|all")
    ] = None,
    shuffle: Annotated[
        bool | None, _loop("--shuffle/--no-shuffle", "Each epoch; yes.")
    ] = None,
    optimizer: Annotated[
        str | None,
        _loop(
            "--optimizer",
            "sgd, adam, adamw, ...; sgd.",
            metavar="NAME",
            autocompletion=_values.optimizers,
        ),
    ] = None,
    lr: Annotated[float | None, _loop("--lr", "optimizer.lr.", metavar="X")] = None,
    momentum: Annotated[
        float | None, _loop("--momentum", "optimizer.momentum.", metavar="X")
    ] = None,
    weight_decay: Annotated[
        float | None, _loop("--weight-decay", "optimizer.weight_decay.", metavar="X")
    ] = None,
    schedule: Annotated[
        str | None,
        _loop(
            "--schedule",
            "StepLR, cosine_annealing_lr, ...; arguments by --set schedule.KEY=X.",
            metavar="NAME",
            autocompletion=_values.schedules,
        ),
    ] = None,
    loss: Annotated[
        str | None,
        _loop(
            "--loss",
            "CrossEntropyLoss, MSELoss, ...; as it fits.",
            metavar="NAME",
            autocompletion=_values.losses,
        ),
    ] = None,
    label_smoothing: Annotated[
        float | None, _loop("--label-smoothing", "loss.label_smoothing.", metavar="X")
    ] = None,
    clip_norm: Annotated[
        float | None, _loop("--clip-norm", "Largest norm of the gradient.", metavar="X")
    ] = None,
    accumulate: Annotated[
        int | None, _loop("--accumulate", "Micro-batches to a batch; 1.", metavar="N")
    ] = None,
    dtype: Annotated[
        str | None,
        _loop(
            "--dtype",
            "float32, or float64 (T1).",
            metavar="NAME",
            autocompletion=_values.dtypes,
        ),
    ] = None,
    compute_dtype: Annotated[
        str | None, _loop("--compute-dtype", "Such as bfloat16 (T3).", metavar="NAME")
    ] = None,
    metrics: Annotated[
        str | None,
        _loop(
            "--metrics",
            "accuracy, f1, auroc, ...",
            metavar="NAME,...",
            autocompletion=_values.metric_lists,
        ),
    ] = None,
    patience: Annotated[
        int | None,
        _loop("--patience", "Stop after N epochs without a better loss.", metavar="N"),
    ] = None,
    out: Annotated[
        Path | None, _where("--out", "The run's directory; it is made.", metavar="DIR")
    ] = None,
    every: Annotated[
        str | None,
        _where("--checkpoint-every", "Steps, or each epoch; epoch.", metavar="N|epoch"),
    ] = None,
    best: Annotated[
        str | None,
        _where(
            "--best",
            "Keep the best checkpoint, too.",
            metavar="METRIC",
            autocompletion=_values.metrics,
        ),
    ] = None,
    resume: Annotated[
        bool, _where("--resume", "Only go on; there has to be a run.")
    ] = False,
    overwrite: Annotated[
        bool, _where("--overwrite", "Remove the run in DIR and begin anew.")
    ] = False,
    plots: Annotated[
        bool, _output("--plots/--no-plots", "Draw pictures at the end; yes.")
    ] = True,
    show: Annotated[
        bool, _output("--show", "Print the configuration, and do not train.")
    ] = False,
    json: Annotated[
        bool, _output("--json", "Print one JSON object and nothing else.")
    ] = False,
) -> None:
    """Train a model, with checkpoints, history and pictures in a directory.

    The same seed and options give PyTorch's run: initial weights and batches T0,
    losses and parameters T1 in float64 and T2 in float32. Every option is a key of the
    configuration, and goes before what the file says. The same command goes on where
    a run was interrupted, bit-identical to one that was not; `flaxnn train --out DIR`
    does, too.

    Examples:
      flaxnn train SoftmaxRegression wine --standardize --out wine
      flaxnn train NeuralNetwork fashion_mnist --seed 42 --lr 0.001 --out fashion
      flaxnn train net.py:Net rows.csv --target kind --validation 0.2 --out pets
      flaxnn train config.toml --set optimizer.lr=0.01 --out run
      flaxnn train --out run

    Exit codes: 0 trained; 1 the loss became nan or infinite; 2 an option, the data, the
    model or the directory is wrong; 130 and 143 interrupted, and saved.
    """
    from flaxnn.runs import train as train_in

    if resume and overwrite:
        raise typer.BadParameter("--resume and --overwrite exclude each other")
    changes = _data_keys(what, data) | {
        "seed": seed,
        "epochs": epochs,
        "steps": steps,
        "batch_size": _value(batch_size),
        "shuffle": shuffle,
        "optimizer.name": optimizer,
        "optimizer.lr": lr,
        "optimizer.momentum": momentum,
        "optimizer.weight_decay": weight_decay,
        "schedule.name": schedule,
        "loss.name": loss,
        "loss.label_smoothing": label_smoothing,
        "clip_norm": clip_norm,
        "accumulate": accumulate,
        "dtype": dtype,
        "compute_dtype": compute_dtype,
        "data.target": _column(target),
        "data.labels": labels,
        "data.standardize": standardize,
        "data.dir": data_dir,
        "metrics": metrics.split(",") if metrics is not None else None,
        "early_stopping.patience": patience,
        "checkpoints.every": _value(every),
        "checkpoints.best": best,
        **_validation(validation),
    }
    given = {key: value for key, value in changes.items() if value is not None}
    given |= parse_sets(sets or ())
    if show:
        typer.echo(_shown(_config(what, given, out, resume)), nl=False)
        return
    if out is None:
        raise typer.BadParameter("the run needs a directory, such as --out run")
    config = _config(what, given, out, resume)
    before = _finished(out)
    try:
        run = train_in(
            config, out, overwrite=overwrite, progress=False if json else None
        )
    except (KeyboardInterrupt, SystemExit) as error:
        _interrupted(out, error)
        raise
    pictures, note = _draw(run) if plots else ([], "")
    _print(run, pictures, note, json, again=before == run.manifest["seconds"])


def _value(text: str | None) -> Any:
    from flaxnn.runs._toml import parse_value

    return None if text is None else parse_value(text)


def _column(text: str | None) -> Any:
    """A column, by number where it is one."""
    found = _value(text)
    return found if isinstance(found, int) and not isinstance(found, bool) else text


def _data_keys(what: str | None, data: str | None) -> dict[str, Any]:
    model = None if what is None or what.endswith(".toml") else what
    return {"model.name": model, "data.name": data}


def _validation(text: str | None) -> dict[str, Any]:
    """What ``--validation`` means: a fraction, a file, or a split."""
    found = _value(text)
    if isinstance(found, int | float) and not isinstance(found, bool):
        return {"validation.fraction": found}
    if text is not None and Path(text).suffix and Path(text).exists():
        return {"validation.data": text}
    return {"validation.split": text}


def _config(
    what: str | None, given: dict[str, Any], out: Path | None, resume: bool
) -> Config | None:
    """The configuration of the command line; None for the one in the directory."""
    from flaxnn.runs import Config
    from flaxnn.runs._directory import RunDirectory

    there = out is not None and RunDirectory(out).has_run()
    if resume and not there:
        raise typer.BadParameter(f"there is no run in {out} to go on with")
    if what is not None and what.endswith(".toml"):
        return Config.read(what, given)
    if there and out is not None and what is None:
        config = RunDirectory(out).read()[1]
        return config.changed(given) if given else config
    return Config.of(given)


def _shown(config: Config | None) -> str:
    from flaxnn.runs import prepare

    assert config is not None
    return prepare(config).config.to_toml()


def _interrupted(out: Path, error: BaseException) -> None:
    """Says where an interrupted run is, and how to go on with it."""
    from flaxnn.runs._directory import RunDirectory
    from flaxnn.training import Checkpoints

    steps = Checkpoints(RunDirectory(out).checkpoints).steps()
    where = f"saved behind step {steps[-1]}" if steps else "before the first step"
    said = f"{where}; go on with: flaxnn train --out {out}"
    if isinstance(error, KeyboardInterrupt):
        raise KeyboardInterrupt(said) from error
    typer.echo(f"Terminated: {said}", err=True)
    raise SystemExit(TERMINATED) from error


def _finished(out: Path) -> float | None:
    """How long a run took that is finished already."""
    from flaxnn.runs._directory import RunDirectory

    files = RunDirectory(out)
    manifest = files.read()[0] if files.has_run() else {}
    return manifest.get("seconds") if manifest.get("status") == "finished" else None


def _draw(run: TrainedRun) -> tuple[list[Path], str]:
    """Pictures of a run; what is missing for them is a note, not a failure."""
    from flaxnn._errors import MissingPackageError
    from flaxnn.runs._directory import RunDirectory
    from flaxnn.runs._plots import write_plots

    try:
        rows, which = run.rows()
        return write_plots(run, RunDirectory(run.directory).plots, rows, which), ""
    except (MissingPackageError, OSError) as error:
        return [], f"no pictures: {error}"


def _print(
    run: TrainedRun, pictures: list[Path], note: str, json: bool, *, again: bool
) -> None:
    manifest = run.manifest
    if json:
        from flaxnn.report import print_json

        print_json(
            {
                "directory": str(run.directory),
                "status": manifest["status"],
                "trained": not again,
                "steps": manifest["steps"],
                "stopped_early": manifest["stopped_early"],
                "seconds": manifest["seconds"],
                "results": manifest["results"],
                "config": dict(run.config.values),
                "plots": [str(path) for path in pictures],
                **({"note": note} if note else {}),
            }
        )
        return
    early = ", stopped early" if manifest["stopped_early"] else ""
    done = "finished already" if again else "finished"
    typer.echo(f"{done} after {manifest['steps']:,} steps{early}")
    if again and not early:
        typer.echo("more --epochs or --steps than it has train it on", err=True)
    for name, value in manifest["results"].items():
        typer.echo(f"{name} {value:.6g}")
    typer.echo(f"run in {run.directory}: model.safetensors, model.pt, history.jsonl")
    if pictures:
        names = ", ".join(path.name for path in pictures)
        typer.echo(f"pictures in {pictures[0].parent}: {names}")
    if note:
        typer.echo(note, err=True)
    typer.echo(f"next: flaxnn evaluate {run.directory}", err=True)
