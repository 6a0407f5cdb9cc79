#!/bin/sh
# with_data.sh EMPTY_DIRECTORY TREE COMMAND...
# Runs COMMAND where TREE is /data and everything else is as it was: the programs before us know no other place.
# Wants a mount namespace of its own (unshare --mount), and leaves nothing behind: whatever is mounted goes with it.
set -eu
root=$1 tree=$2
shift 2
mount -t tmpfs tmpfs "$root"
for entry in /*; do
    name=${entry#/}
    if [ "$name" = data ]; then
        continue
    elif [ -L "$entry" ]; then
        cp -P "$entry" "$root/$name"
    elif [ -d "$entry" ]; then
        mkdir "$root/$name"
        mount --rbind "$entry" "$root/$name"
    fi
done
mkdir "$root/data"
mount --bind "$tree" "$root/data"
exec chroot "$root" "$@"
