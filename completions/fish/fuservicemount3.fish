# SPDX-License-Identifier: LGPL-2.1-or-later
# Completion of fuservicemount3 for fish. Other users choose the names of types; only those that are plain
# words are offered, and none is ever evaluated.

function __fuservicemount3_types
    set -l program (commandline -opc)[1]
    set -l prefix ''
    string match -q 'fuse.*' -- (commandline -ct); and set prefix fuse.
    $program --list 2>/dev/null | awk -v prefix="$prefix" '
        NR > 1 && NF == 3 && $2 == "yes" && $1 ~ /^[A-Za-z0-9_][A-Za-z0-9._+-]*$/ { print prefix $1 }'
end

function __fuservicemount3_options
    set -l list (string replace -r '[^,]*$' '' -- (commandline -ct))
    for word in allow_other default_permissions fuse-service.timeout= noatime nodev nodiratime noexec \
            nosuid nosymfollow relatime ro rw strictatime sync
        echo $list$word
    end
end

# Whether the second operand is being typed, which is the mount point.
function __fuservicemount3_is_at_mount_point
    string match -q -- '-*' (commandline -ct); and return 1
    set -l operands 0
    set -l value no
    for word in (commandline -opc)[2..]
        if test $value = yes
            set value no
        else if contains -- "$word" -t -o --timeout
            set value yes
        else if not string match -q -- '-*' "$word"
            set operands (math $operands + 1)
        end
    end
    test $operands = 1 -a $value = no
end

# A directory, and a file where there is none of that name.
function __fuservicemount3_mount_points
    set -l found (__fish_complete_directories (commandline -ct) 'Mount point')
    set -q found[1]; or set found (__fish_complete_path (commandline -ct))
    string join \n -- $found
end

complete -c fuservicemount3 -n __fuservicemount3_is_at_mount_point -f -a '(__fuservicemount3_mount_points)'
complete -c fuservicemount3 -s t -x -a '(__fuservicemount3_types)' -d 'File system type'
complete -c fuservicemount3 -s o -x -a '(__fuservicemount3_options)' -d 'Mount options'
complete -c fuservicemount3 -l timeout -x -d 'How many seconds each step may take'
complete -c fuservicemount3 -l check -d 'Say whether you can use the service'
complete -c fuservicemount3 -l list -d 'Show the types that have a service'
complete -c fuservicemount3 -l json -d 'Show them for scripts'
complete -c fuservicemount3 -l verbose -d 'Tell each step, and how long it took'
complete -c fuservicemount3 -l help -d 'Print a summary'
complete -c fuservicemount3 -l version -d 'Print the version'
