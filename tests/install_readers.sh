#!/bin/sh
# The programs that the tests read layered files with: ImageMagick, GIMP, Krita and a display for it;
# and the browser that the studio is opened in.
# Installs what is missing where apt-get can, and says what is missing where it cannot.
set -u

missing=""
want() { command -v "$1" >/dev/null 2>&1 || missing="$missing $2"; }
want identify imagemagick
want gimp gimp
want krita krita
want xvfb-run xvfb
want xauth xauth
want chromium chromium
[ -z "$missing" ] && exit 0

root=""
[ "$(id -u)" = 0 ] || root="sudo -n"
if command -v apt-get >/dev/null 2>&1 && $root true 2>/dev/null; then
    echo "Installing$missing (once; about 190 MB to download, 890 MB on the disk)"
    export DEBIAN_FRONTEND=noninteractive
    # shellcheck disable=SC2086 # both are lists of words
    $root apt-get -qq update && $root apt-get -qq -y install --no-install-recommends $missing >/dev/null && exit 0
fi
echo "Missing for the tests of layered files and the studio:$missing. Please install them." >&2
