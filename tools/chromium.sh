#!/bin/sh
# See to it that there is a Chromium for the tests of the page: where none is found and apt-get may,
# it is installed. Without one those tests are skipped, and say so; that is no fault, so the status
# is 0 unless --needed is given.
set -u
find_it() {
    for name in "${CHROMIUM:-chromium}" chromium chromium-browser google-chrome google-chrome-stable; do
        command -v "$name" && return 0
    done
    return 1
}

find_it >/dev/null && exit 0
if command -v apt-get >/dev/null && [ "$(id -u)" -eq 0 ]; then
    echo "Installing Chromium for the tests of the page: once, about a minute"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq >/dev/null 2>&1
    # the fonts have the letters of formulas: σ, ∂, ₁
    apt-get install -y -qq chromium fonts-dejavu-core fonts-liberation >/dev/null 2>&1
    find_it >/dev/null && exit 0
fi
echo "No Chromium, and it cannot be installed here: the tests of the page are skipped." \
    "Try: apt-get install chromium (Debian), or set CHROMIUM to another one." >&2
[ "${1:-}" != --needed ]
