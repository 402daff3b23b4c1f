# Read by the scripts that work on a list of runs: a run a line, `NAME JOB.toml [--set key=value ...]`; # begins a comment.
# shellcheck shell=bash disable=SC2034 # lines and words are the caller's

# Fills `lines` with the runs of a list.
read_list() { mapfile -t lines < <(sed 's/^#.*//; s/[[:space:]]#.*//; /^[[:space:]]*$/d' "$1"); }

# Fills `words` with the words of a line; quotes hold words with spaces together. Fails where a quote has no end.
words_of() {
    local text
    text=$(xargs -r printf '%s\n' <<< "$1" 2> /dev/null) && mapfile -t words <<< "$text"
}
