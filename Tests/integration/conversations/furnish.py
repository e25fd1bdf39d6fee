# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a conversation finds on its stage, and what is looked at when it is over."""

import os
import stat

import fuse_service as wire
import support
from test_files import loop_device


def conf(text, mode=0o644, owner=0):
    """A fuse.conf."""
    return lambda test, stage: test.fuse_conf(text, mode, owner)


def missing(place):
    """A path where nothing is."""
    return lambda test, stage: stage.add(place, os.path.join(stage.directory, place))


def fifo(place):
    """A FIFO of the caller's."""
    def act(test, stage):
        path = stage.add(place, os.path.join(stage.directory, place))
        os.mkfifo(path, 0o600)
        os.chown(path, stage.caller.uid, stage.caller.gid)
    return act


def secret(test, stage):
    """A file of somebody else's that nobody else may read: root's, or with root as caller bob's."""
    owner = support.BOB if stage.caller is support.ROOT else support.ROOT
    path = stage.add("secret", os.path.join(stage.directory, "secret"))
    with open(path, "wb"):
        os.chmod(path, 0o600)
    os.chown(path, owner.uid, owner.gid)


def own(place, mode):
    """A mode for a place of the caller's."""
    return lambda test, stage: os.chmod(stage.places[place], mode)


def foreign(place, mode):
    """A place becomes root's."""
    def act(test, stage):
        os.chown(stage.places[place], 0, 0)
        os.chmod(stage.places[place], mode)
    return act


def link(test, stage):
    """A symbolic link to the image."""
    path = stage.add("link", os.path.join(stage.directory, "link"))
    os.symlink(stage.places["image"], path)


def link_to_target(test, stage):
    """A symbolic link to the mount point."""
    path = stage.add("link", os.path.join(stage.directory, "link"))
    os.symlink(stage.places["target"], path)


def latin(test, stage):
    """An image whose name is not UTF-8."""
    stage.add("latin", test.file(stage.caller, name="\udce4.img", directory=stage.directory))


def file_as_target(test, stage):
    """The mount point is a file."""
    os.rmdir(stage.places["target"])
    test.file(stage.caller, name="target", directory=stage.directory)


def read_only_image(test, stage):
    """The image lies on a read-only mount."""
    image = os.fsencode(stage.places["image"])
    wire.libc.mount(image, image, None, wire.MS_BIND, None)
    wire.libc.mount(None, image, None, wire.MS_BIND | wire.MS_REMOUNT | wire.MS_RDONLY, None)
    test.addCleanup(support.detach, stage.places["image"])
    test.before = {mount.number for mount in support.mounts()}


def tmpfs(place):
    """A mount of root's, with noexec, that everybody may write to."""
    def act(test, stage):
        path = stage.places[place]
        support.system("mount", "-t", "tmpfs", "-o", "mode=777,noexec", "tmpfs", path)
        for other in stage.places.values():
            test.addCleanup(support.detach, other)
        test.before = {mount.number for mount in support.mounts()}
    return act


def utab_with_an_entry(test, stage):
    """utab exists, with somebody else's entry."""
    with open("/run/mount/utab", "w", encoding="ascii") as table:
        table.write("SRC=other TARGET=/other ROOT=/ OPTS=x-other\n")


def block_device(owner=None, busy=False):
    """A loop device at {device}, of the caller's if not of `owner`'s; held by somebody if busy."""
    def act(test, stage):
        if not os.path.exists("/dev/loop-control"):
            test.skipTest("no loop devices here")
        context = loop_device(owner or stage.caller)
        stage.add("device", context.__enter__())
        test.addCleanup(context.__exit__, None, None, None)
        if busy:
            test.addCleanup(os.close, os.open(stage.places["device"], os.O_RDWR | os.O_EXCL))
    return act


def modes_of(place):
    """Notes the mode and size of a place."""
    def act(stage):
        try:
            status = os.stat(stage.places[place])
        except FileNotFoundError:
            return f"no {place}"
        return f"{place} {stat.S_IMODE(status.st_mode):04o} of {status.st_size} bytes"
    return act
