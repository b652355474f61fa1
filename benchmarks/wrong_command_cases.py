# SPDX-License-Identifier: Apache-2.0
"""Wrong command lines, and what each has to name: the table of wrong_commands.py."""

from __future__ import annotations

import shlex
from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """A wrong command line.

    Attributes:
        about: What is wrong.
        line: The arguments of ``flaxnn``, run in a folder that has the files of
            wrong_commands.py.
        words: What the error has to contain.
        code: The documented exit code.
        without: Packages that are made not to be there.
        file_limit: The largest file that may be written, in bytes, as of a full disk.
    """

    about: str
    line: str
    words: tuple[str, ...]
    code: int = 2
    without: tuple[str, ...] = ()
    file_limit: int | None = None

    @property
    def arguments(self) -> list[str]:
        """The command line's parts."""
        return shlex.split(self.line)


def _case(about: str, line: str, *words: str, **more: object) -> Case:
    return Case(about, line, words, **more)  # pyright: ignore[reportArgumentType]


_FRAME = (
    _case("unknown command", "reprodcue", "reprodcue", "'reproduce'"),
    _case("unknown command, no near one", "xyzzy", "xyzzy", "bench"),
    _case("unknown option before a command", "--vresion", "--vresion"),
    _case("unknown option of a command", "doctor --jsn", "--jsn", "--json"),
    _case("argument too many", "doctor everything", "everything"),
    _case("number that is none", "doctor --timeout soon", "--timeout"),
    _case("number out of range", "doctor --timeout 0", "--timeout"),
    _case("option without its value", "reproduce --data", "--data"),
    _case("unknown command of a group", "data ferch wine", "ferch", "'fetch'"),
    _case("help of an unknown command", "help trian", "trian"),
    _case("unknown command, as JSON", "reprodcue --json", "reprodcue"),
)

_REPRODUCE = (
    _case("unknown entry", "reproduce multinominal", "NAME", "'multinomial'"),
    _case("unknown document", "reproduce 009", "009"),
    _case("data folder missing", "reproduce neuron --data nowhere", "nowhere"),
    _case("data folder is a file", "reproduce neuron --data file", "--data", "file"),
    _case(
        "data set missing, strictly",
        "reproduce fashion-mnist --data empty --strict --json",
        code=2,
    ),
    _case("page of a wrong suffix", "reproduce neuron --report a.pdf", ".html"),
    _case("page in no folder", "reproduce neuron --report no/a.html", "no"),
    _case("page is a folder", "reproduce neuron --report folder.html", "folder.html"),
    _case("pictures into a file", "reproduce neuron --plots file", "--plots", "file"),
    _case("pictures below a file", "reproduce neuron --plots file/a", "--plots"),
    _case("pictures into /proc", "reproduce neuron --plots /proc/a", "/proc/a"),
    _case(
        "matplotlib missing",
        "reproduce neuron --plots new",
        "flaxnn[plots]",
        without=("matplotlib",),
    ),
    _case(
        "disk full",
        "reproduce neuron --report page.html --json",
        "page.html",
        file_limit=1000,
    ),
)

_BENCH = (
    _case("unknown case", "bench multinominal --quick", "'multinomial'"),
    _case("unknown side", "bench wine --against pytorch", "'torch'"),
    _case("unknown growth", "bench --growth bacth", "'batch'"),
    _case("case beside a growth", "bench wine --growth batch", "CASE"),
    _case("no threads", "bench --threads 0", "--threads"),
    _case("more threads than processors", "bench wine --threads 999999", "999999"),
    _case("repeats in words", "bench --repeats two", "--repeats"),
    _case("output is a folder", "bench wine --output empty", "--output", "empty"),
    _case("output below a file", "bench wine --output file/a.json", "--output"),
    _case("output in /proc", "bench wine --output /proc/a.json", "--output", "/proc"),
)

_COMPARE = (
    _case("trace missing", "compare none.trace port.py", "none.trace"),
    _case("trace is a file", "compare table.csv port.py", "table.csv"),
    _case("trace is an empty folder", "compare empty port.py", "empty"),
    _case("trace damaged", "compare broken.trace port.py", "broken.trace"),
    _case("port missing", "compare run.trace none.py", "none.py"),
    _case("port without the function", "compare run.trace port.py:prot", "prot"),
    _case("port fails", "compare run.trace raising.py", "raising.py", "line 3"),
    _case("port with a syntax error", "compare run.trace syntax.py", "syntax.py"),
    _case("port returns a number", "compare run.trace number.py", "dictionary"),
    _case("port of other shapes", "compare run.trace wide.py", "wide.py"),
    _case("port missing, as JSON", "compare run.trace none.py --json", "none.py"),
)

_CONVERT = (
    _case("file missing", "convert none.pt out.safetensors", "none.pt"),
    _case("file is a folder", "convert empty out.pt", "empty"),
    _case("no checkpoint", "convert table.csv out.pt", "table.csv"),
    _case("checkpoint damaged", "convert damaged.pt out.safetensors", "damaged.pt"),
    _case("checkpoint cut short", "convert short.pt out.safetensors", "short.pt"),
    _case("safetensors cut short", "convert short.safetensors a.pt", "short.safet"),
    _case("safetensors with a bad header", "convert bad.safetensors a.pt", "bad.safet"),
    _case("file empty", "convert zero.pt --inspect", "zero.pt"),
    _case("pickle that calls", "convert evil.pt --inspect", "evil.pt"),
    _case("unknown suffix", "convert good.pt out.onnx", ".onnx", ".safetensors"),
    _case("no target folder", "convert good.pt no/out.pt", "no"),
    _case("target is a folder", "convert good.pt folder.pt", "folder.pt"),
    _case("unknown entry", "convert good.pt --inspect --select modle", "modle"),
    _case("nothing to do", "convert good.pt", "--inspect"),
    _case("two things at once", "convert good.pt out.pt --inspect", "--inspect"),
    _case("disk full", "convert good.pt out.pt", "out.pt", file_limit=1000),
    _case("file damaged, as JSON", "convert damaged.pt --inspect --json", "damaged.pt"),
)

_DATA = (
    _case("unknown data set", "data where FashionMNIST", "'fashion_mnist'"),
    _case("data set not there", "data where mnist --data-dir empty --json", code=2),
    _case("nothing to verify", "data verify mnist --data-dir empty", "mnist"),
    _case("no raw files", "data fetch mnist --from empty", "empty"),
    _case("no network", "data fetch mnist --data-dir empty", "no connection"),
    _case("raw file damaged", "data verify mnist --raw-dir raw",
          "train-images", code=1),
    _case("raw file damaged, as JSON", "data verify mnist --raw-dir raw --json",
          "train-images", code=1),
    _case("cannot be written", "data fetch wine --data-dir file", "file"),
    _case(
        "scikit-learn missing",
        "data verify wine",
        "scikit-learn",
        without=("sklearn",),
    ),
)  # fmt: skip

_RUN = "run.toml"
_ON = "--set data.target=kind"
_SWEEP = (
    _case("no model", "sweep", "model.name", "data.name"),
    _case("unknown model", "sweep SoftmaxRegresion wine", "'SoftmaxRegression'"),
    _case("unknown data set", "sweep SoftmaxRegression wien", "wine"),
    _case("data file missing", "sweep SoftmaxRegression none.csv", "none.csv"),
    _case("no column of labels", "sweep SoftmaxRegression table.csv", "table.csv"),
    _case("unknown column of labels",
          "sweep SoftmaxRegression table.csv --set data.target=kidn", "kidn"),
    _case("bad seeds", f"sweep {_RUN} --seeds 0-4", "0-4", "0:64"),
    _case("no seeds", f"sweep {_RUN} --seeds 4:4", "4:4"),
    _case("a seed twice", f"sweep {_RUN} --seeds 1,1", "1 is there twice"),
    _case("seed out of range", f"sweep {_RUN} --seeds 99999999999999999999", "seed"),
    _case("unknown key", f"sweep {_RUN} --set optimiser.lr=1", "optimiser.lr"),
    _case("unknown argument", f"sweep {_RUN} --set optimizer.rl=1", "optimizer.rl"),
    _case("bad value", f"sweep {_RUN} --set optimizer.lr=0.1,-1", "-1"),
    _case("text for a number", f"sweep {_RUN} --set optimizer.lr=fast", "optimizer.lr"),
    _case("no value", f"sweep {_RUN} --set optimizer.lr", "KEY=VALUES"),
    _case("what cannot be swept", f"sweep {_RUN} --set batch_size=1,2", "batch_size"),
    _case("drawn, not how often", f"sweep {_RUN} --set 'optimizer.lr=log(1e-3,1)'",
          "--samples"),
    _case("bad bounds", f"sweep {_RUN} --samples 2 --set 'optimizer.lr=log(0,1)'",
          "optimizer.lr", "above 0"),
    _case("epochs and steps", f"sweep {_RUN} --set epochs=1 --set steps=1",
          "epochs", "steps"),
    _case("no TOML", "sweep text.toml", "text.toml", "TOML"),
    _case("unknown key of a file", "sweep unknown.toml", "epocs", "'epochs'"),
    _case("unknown key of a space", f"sweep {_RUN} --space run.toml", "run.toml"),
    _case("unknown column", f"sweep {_RUN} --by accurcy", "accurcy"),
    _case("best of a wrong suffix", f"sweep {_RUN} --save-best a.onnx", ".onnx"),
    _case("directory of another sweep", f"sweep {_RUN} --directory kept --seeds 7",
          "kept", "seed"),
    _case("directory is a file", f"sweep {_RUN} --directory file", "file"),
    _case("nan in the data", f"sweep SoftmaxRegression nan.csv {_ON}", "nan.csv"),
    _case("text in the data", f"sweep SoftmaxRegression words.csv {_ON}", "words.csv"),
    _case("one column", f"sweep SoftmaxRegression narrow.csv {_ON}", "narrow.csv"),
    _case("empty data", f"sweep SoftmaxRegression zero.csv {_ON}", "zero.csv"),
    _case("labels out of range",
          f"sweep {_RUN} --set model.num_classes=2", "out of bounds"),
    _case("model's file missing", f"sweep none.py:Net table.csv {_ON}", "none.py"),
    _case("model's class missing", f"sweep net.py:Ten table.csv {_ON}", "Ten", "Net"),
    _case("model's file fails", f"sweep raising.py:Net table.csv {_ON}", "raising.py"),
    _case("model is none", f"sweep net.py:NoModel table.csv {_ON}", "NoModel"),
    _case("model of other rows", f"sweep net.py:Wide table.csv {_ON}", "20x3"),
)  # fmt: skip

_TRAIN = (
    _case("no directory", "train run.toml", "--out"),
    _case("nothing to train", "train --out new", "model.name", "data.name"),
    _case("unknown model", "train Softmax wine --out new", "'Softmax'"),
    _case("unknown data set", "train SoftmaxRegression wien --out new", "wine"),
    _case("bad seed", "train run.toml --out new --seed -9223372036854775809", "seed"),
    _case("seed in words", "train run.toml --out new --seed one", "--seed"),
    _case("unknown optimiser", "train run.toml --out new --optimizer admm", "admm"),
    _case("bad learning rate", "train run.toml --out new --lr -1", "-1"),
    _case("unknown loss", "train run.toml --out new --loss CrossEntropy2", "Entropy2"),
    _case("unknown schedule", "train run.toml --out new --schedule StpLR", "StpLR"),
    _case("unknown metric", "train run.toml --out new --metrics acuracy", "acuracy"),
    _case("unknown dtype", "train run.toml --out new --dtype float8", "float8"),
    _case("unknown key", "train run.toml --out new --set epocs=1", "epocs", "epochs"),
    _case("epochs and steps", "train run.toml --out new --epochs 1 --steps 1",
          "epochs", "steps"),
    _case("resume and overwrite", "train run.toml --out new --resume --overwrite",
          "--resume"),
    _case("nothing to resume", "train run.toml --out new --resume", "new"),
    _case("no batches", "train run.toml --out new --batch-size 0", "batch_size"),
    _case("another run's directory", "train run.toml --out run --seed 5", "seed"),
    _case("directory is a file", "train run.toml --out file", "file"),
    _case("directory in /proc", "train run.toml --out /proc/new", "/proc/new"),
    _case("directory of other files", "train run.toml --out raw", "raw"),
    _case("configuration missing", "train none.toml --out new", "none.toml"),
    _case("configuration is no TOML", "train text.toml --out new", "text.toml"),
    _case("nan in the data", f"train SoftmaxRegression nan.csv {_ON} --out new",
          "nan.csv"),
    _case("label out of range",
          "train run.toml --out new --set model.num_classes=2 --json",
          "out of bounds"),
    _case("key of a table for a data set",
          f"train SoftmaxRegression wine {_ON} --out new", "data.target", "wine"),
    _case("unknown metric to stop by",
          "train run.toml --out new --patience 1 --set early_stopping.monitor=acc",
          "early_stopping.monitor", "train_accuracy"),
    _case("label out of range, over a run",
          "train run.toml --out run --overwrite --set model.num_classes=2",
          "out of bounds"),
    _case("run damaged", "train --out damaged", "damaged"),
)  # fmt: skip
_EVALUATE = (
    _case("run missing", "evaluate none", "none"),
    _case("no run", "evaluate empty", "empty"),
    _case("run damaged", "evaluate damaged", "damaged"),
    _case("unknown metric", "evaluate run --metrics acuracy", "acuracy"),
    _case("unknown split", "evaluate run --split tset", "tset", "train"),
    _case("unknown split of other data", "evaluate run wine --split tset", "tset"),
    _case("unknown split of a table", "evaluate run table.csv --split tset", "tset"),
    _case("unknown checkpoint", "evaluate run --checkpoint first", "first"),
    _case("checkpoint that is not kept", "evaluate run --checkpoint 99", "99"),
    _case("data missing", "evaluate run none.csv", "none.csv"),
    _case("data of other columns", "evaluate run narrow.csv", "narrow.csv"),
    _case("weights without a model", "evaluate good.safetensors", "--model"),
    _case("weights of another model",
          f"evaluate good.safetensors table.csv {_ON} --model SoftmaxRegression",
          "weight"),
    _case("weights, standardized by what",
          "evaluate good.pt wine --model SoftmaxRegression --set data.standardize=true",
          "data.standardize"),
    _case("weights and a key of training",
          "evaluate good.pt wine --model SoftmaxRegression --set optimizer.lr=1",
          "optimizer.lr"),
    _case("weights damaged",
          f"evaluate short.pt table.csv {_ON} --model SoftmaxRegression --json",
          "short.pt"),
    _case("model beside a run", "evaluate run --model NeuralNetwork", "--model"),
    _case("pictures into a file", "evaluate run --plots file", "file"),
)  # fmt: skip
_PREDICT = (
    _case("nothing to predict", "predict run", "INPUT"),
    _case("run missing", "predict none table.csv", "none"),
    _case("run damaged", "predict damaged table.csv", "damaged"),
    _case("input missing", "predict run none.csv", "none.csv"),
    _case("input of other columns", "predict run narrow.csv", "narrow.csv"),
    _case("text in the input", "predict run words.csv", "words.csv"),
    _case("input of an unknown kind", "predict run port.py", "port.py"),
    _case("output of a wrong suffix", "predict run table.csv --output a.xls", "a.xls"),
    _case("no classes", "predict run table.csv --top 0", "--top"),
    _case("disk full", "predict run table.csv --output a.csv --json", "a.csv",
          file_limit=50),
)  # fmt: skip

CASES: dict[str, tuple[Case, ...]] = {
    "flaxnn": _FRAME,
    "reproduce": _REPRODUCE,
    "train": _TRAIN,
    "evaluate": _EVALUATE,
    "predict": _PREDICT,
    "sweep": _SWEEP,
    "convert": _CONVERT,
    "compare": _COMPARE,
    "bench": _BENCH,
    "data": _DATA,
}
