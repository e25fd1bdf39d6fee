// SPDX-License-Identifier: LGPL-2.1-or-later

internal import ServerSupport

/// The help for somebody who starts the program by hand.
var usage: [UInt8] {
  text(
    """
    fuse-service-adapter runs an unmodified libfuse server as a contained service.

    It is started by the service manager for each connection to a socket in
    /run/filesystems, with a line such as

        ExecStart=/usr/libexec/fuse-service-adapter --read-only -- \\
            /usr/bin/squashfuse -f {source} {mountpoint}

    in the service's unit. What stands before the -- describes the file system:

        --read-only             the source is never written to
        --url                   the source is an http:// or https:// address
        --default-permissions   the kernel checks owners and modes
        --read-write-word=WORD  the server's word for writing, by default rw
        --option=WORD           the caller may give WORD to the server; one that
                                ends in = takes any value. May be repeated
        --file-option=WORD=     a word of -o whose value is one more file, which
                                is opened for the server. May be repeated
        --banner=TEXT           lines that begin so are no reason for a failure.
                                May be repeated
        --start-timeout=N       how long the server may take until it serves, from
                                1 to 300 seconds, by default 60

    and what follows it is the server's command line, in the foreground, with
    {source} and {mountpoint}, and {options} for the words of an -o: ro or rw, and
    what the caller gave.

    --help prints this, --version the version.

    """)
}
