# Completion of pipeloom for fish. Once:
#
#   pipeloom completions fish > ~/.config/fish/completions/pipeloom.fish

function __pipeloom_complete
    set -l before (commandline -opc)
    set -l current (commandline -ct)
    # Unquoted, as the program would get it. A word with an open quote stays as it is.
    set -l unquoted (string unescape -- $current 2>/dev/null); and set current $unquoted
    # `--db=x`: fish compares whole words, so the files get the flag in front of them.
    set -l flag (string match -r -- '^--[^=]*=' "$current")
    set -l path (string replace -- "$flag" '' "$current")
    for line in ($before[1] __complete "--current=$current" -- $before[2..] 2>/dev/null)
        switch $line
            case ':words'
            case ':folders'
                __fish_complete_directories $path | string replace -r -- '^' "$flag"
            case ':files'
                __fish_complete_path $path | string replace -r -- '^' "$flag"
            case ':files *'
                set -l endings (string split ' ' -- $line)[2..]
                set -l wanted '^[^\t]*(/|\.('(string join '|' $endings)'))(\t|$)'
                __fish_complete_path $path | string match -r --entire -- $wanted | string replace -r -- '^' "$flag"
            case '*'
                echo $line
        end
    end
end

complete -c pipeloom -f -k -a '(__pipeloom_complete)'
