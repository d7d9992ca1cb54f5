#compdef pipeloom
# Completion of pipeloom for zsh. In ~/.zshrc, after compinit:
#
#   source <(pipeloom completions zsh)
#
# or once, as a file of a folder in $fpath: pipeloom completions zsh > "${fpath[1]}/_pipeloom"

_pipeloom() {
  local program=${(Q)words[1]/#\~/$HOME} line text what directive=':words'
  local -a before lines values fields
  before=("${(@Q)words[2,CURRENT-1]}")
  lines=("${(@f)$($program __complete "--current=${(Q)PREFIX}" -- "${before[@]}" 2>/dev/null)}")
  for line in "${lines[@]}"; do
    if [[ $line == :* ]]; then
      directive=$line
      continue
    fi
    text=${line%%$'\t'*}
    what=${line#*$'\t'}
    # A colon separates a word from its description.
    [[ $line == *$'\t'* ]] && what=":$what" || what=''
    if [[ $text == *= ]]; then
      fields+=("${text//:/\\:}$what")
    else
      values+=("${text//:/\\:}$what")
    fi
  done
  (( $#values == 0 )) || _describe -V 'pipeloom' values
  (( $#fields == 0 )) || _describe -V 'pipeloom' fields -S ''

  [[ $PREFIX != --*=* ]] || compset -P '--[^=]#='
  case $directive in
    (:folders) _files -/ ;;
    (:files) _files ;;
    (:files*) _files -g "*.(${(j:|:)${(s: :)directive#:files }})(-.)" ;;
  esac
}

# As a file in $fpath this is run at the first completion; sourced, it only registers itself.
if [[ ${funcstack[1]} == _pipeloom ]]; then
  _pipeloom "$@"
else
  compdef _pipeloom pipeloom
fi
