# Ends the programs of tasks when pipeloom is gone, however it died (SIGKILL, a crash). Standard input is a pipe whose write
# end only pipeloom holds; a child of pipeloom holds it until its exec. So the end of the input means: pipeloom is dead, and
# it starts no more programs.
#
# Lines: `+pid` a process group has started, `-pid` it has ended, `=` nothing is left to end.
# $1: an entry of the environment that only pipeloom's programs and their children have; empty where it cannot be searched.

trap '' HUP INT QUIT TERM
groups=' '
settled=

# Sets $born to the start time of process $1 as the system reports it; empty if it is gone. A pid is reused, a pid with its
# start time is not.
look_at() {
  born=
  if [ -e /proc/self/stat ]; then
    # proc_pid_stat(5): field 22, counted after the command name, which may hold blanks.
    IFS= read -r born <"/proc/$1/stat" || return
    # shellcheck disable=SC2086
    set -- ${born##*) }
    born=${20}
  else
    born=$(ps -o lstart= -p "$1")
  fi
} 2>/dev/null

while read -r line; do
  pid=${line#?}
  case $line in
    +*)
      settled=
      look_at "$pid"
      eval "born_$pid=\$born"
      case $groups in
        *" $pid "*) ;;
        *) groups="$groups$pid " ;;
      esac
      ;;
    -*)
      case $groups in
        *" $pid "*) groups="${groups%% "$pid" *} ${groups#* "$pid" }" ;;
      esac
      unset "born_$pid"
      ;;
    =) settled=yes ;;
  esac
done
[ -z "$settled" ] || exit 0

for pid in $groups; do
  look_at "$pid"
  eval "[ \"\$born\" = \"\$born_$pid\" ] || [ -z \"\$born\" ]" && kill -9 "-$pid" 2>/dev/null
done

# A process that was not in a group: it has a session of its own, or pipeloom died before it wrote the line.
marked() {
  (cd /proc && grep -lzxF -- "$1" [0-9]*/environ 2>/dev/null)
}

# Twice: the environment of a program can be read a moment after its exec.
for pause in 1 0; do
  [ -n "$1" ] || exit 0
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    found=$(marked "$1")
    [ -n "$found" ] || break
    for path in $found; do kill -9 "${path%/environ}" 2>/dev/null; done
  done
  sleep "$pause"
done
