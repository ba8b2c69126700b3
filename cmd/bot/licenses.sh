#!/bin/sh
# Copies the licence texts of everything that is linked into the program to a
# folder: those of its modules, of Go itself and of this project. It needs Go and
# the module cache, no network.
#
#   cmd/bot/licenses.sh FOLDER
set -eu
to=${1:?folder missing}
cd "$(dirname "$0")/../.."
modules=$(go list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}} {{.Dir}}{{end}}{{end}}' ./cmd/bot | sort -u)

mkdir -p "$to/ecsbot" "$to/go"
cp LICENSE "$to/ecsbot/"
cp "$(go env GOROOT)/LICENSE" "$(go env GOROOT)/PATENTS" "$to/go/"
echo "$modules" | while read -r path dir; do
	found=$(cd "$dir" && find . -type f \( -iname 'licen[cs]e*' -o -iname 'notice*' -o -iname 'copying*' -o -iname 'patents*' \) ! -name '*.go')
	if [ -z "$found" ]; then
		echo "$path has no licence text in $dir" >&2
		exit 1
	fi
	echo "$found" | while read -r file; do
		mkdir -p "$to/$path/$(dirname "$file")"
		cp "$dir/$file" "$to/$path/$file"
	done
done
chmod -R u+w,a+rX "$to"
