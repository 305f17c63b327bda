#!/bin/sh
# Make the virtual environment $1 with the Python $2, or, where $2 is not given,
# with the newest Python on PATH that runs, is 3.11 or newer and can make one.
set -eu
venv=${1:?usage: tools/venv.sh FOLDER [PYTHON]}
wanted=${2:-}

# a link may be left where its Python is gone, and a shim may stand on PATH that runs nothing: try it
new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }
can_make_venv() { "$1" -c 'import ensurepip, venv' >/dev/null 2>&1; }

if [ -x "$venv/bin/python" ] && new_enough "$venv/bin/python" &&
    "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    exit 0
fi

without_pip=
for python in ${wanted:-python3.13 python3.12 python3.11 python3.14 python3 python}; do
    command -v "$python" >/dev/null 2>&1 || continue
    new_enough "$python" || continue
    if ! can_make_venv "$python"; then
        without_pip=${without_pip:-$python}
        continue
    fi
    echo "Making $venv with $("$python" --version)"
    "$python" -m venv --clear "$venv"
    # dependency groups (pip install --group) came with pip 25.1
    "$venv/bin/python" -m pip install --quiet --upgrade 'pip>=25.1'
    exit 0
done

if [ -n "$without_pip" ]; then
    echo "$without_pip cannot make virtual environments, glassnet's set-up needs one." \
        "Try: apt-get install python3-venv (Debian, Ubuntu), or set PYTHON to another Python." >&2
else
    echo "Found no Python 3.11 or newer${wanted:+ in $wanted}, glassnet needs Python >= 3.11." \
        "Try: install Python 3.11 or newer, or say where it is: make PYTHON=/path/to/python3" >&2
fi
exit 1
