# Completion of pipeloom for bash (3.2 and later). In ~/.bashrc:
#
#   eval "$(pipeloom completions bash)"

_pipeloom() {
  # Bash also breaks words at = and :. Join the parts that no blank separates.
  local rest=${COMP_LINE:0:COMP_POINT} words=() current='' word gap index
  for ((index = 0; index <= COMP_CWORD; index++)); do
    gap=${rest%%[![:blank:]]*}
    rest=${rest#"$gap"}
    if ((index == COMP_CWORD)); then word=$rest; else word=${COMP_WORDS[index]}; fi
    rest=${rest#"$word"}
    if ((index > 0)) && [[ -z $gap ]]; then
      words[${#words[@]} - 1]+=$word
    else
      words+=("$word")
    fi
  done
  current=${words[${#words[@]} - 1]}
  local before=("${words[@]:1:${#words[@]}-2}")

  # What bash believes the current word to be; it replaces only that.
  local tail=$current
  [[ $COMP_WORDBREAKS != *=* ]] || tail=${tail##*=}
  [[ $COMP_WORDBREAKS != *:* ]] || tail=${tail##*:}
  local head=${current%"$tail"}

  COMPREPLY=()
  local line text
  while IFS= read -r line; do
    case $line in
      :words) ;;
      :folders) _pipeloom_files "$tail" -d ;;
      :files*)
        # Words, for each is an extension.
        # shellcheck disable=SC2086
        _pipeloom_files "$tail" -f ${line#:files}
        ;;
      *)
        text=${line%%$'\t'*}
        COMPREPLY+=("${text#"$head"}")
        [[ $text != *= ]] || compopt -o nospace 2>/dev/null
        ;;
    esac
  done < <("${words[0]/#\~/$HOME}" __complete "--current=$current" -- ${before[@]+"${before[@]}"} 2>/dev/null)
}

# The beginning, -f or -d, and the extensions that fit.
_pipeloom_files() {
  local beginning=$1 kind=$2 path extension
  shift 2
  beginning=${beginning#[\"\']}
  beginning=${beginning//\\/}
  compopt -o filenames 2>/dev/null
  while IFS= read -r path; do
    if [[ $kind == -d || $# -eq 0 || -d ${path/#\~/$HOME} ]]; then
      COMPREPLY+=("$path")
      continue
    fi
    for extension in "$@"; do
      [[ $path != *.$extension ]] || COMPREPLY+=("$path")
    done
  done < <(compgen "$kind" -- "$beginning")
}

complete -o nosort -F _pipeloom pipeloom 2>/dev/null || complete -F _pipeloom pipeloom
