# Read by collect.sbatch. Needs common.sh and list.sh.
# shellcheck shell=bash

# append_table RUN FROM TO: rows of FROM behind those of TO, with the run's name in a column before them. A quoted cell may
# go over several lines: a row begins where the quotes so far are closed.
append_table() {
    local with_header=
    [ -s "$3" ] || with_header=yes
    awk -v run="$1" -v with_header="$with_header" '
        { begins = quotes % 2 == 0; line = $0; quotes += gsub(/"/, "") }
        begins { ++row; line = (row == 1 ? "run" : run) "," line }
        row > 1 || with_header { print line }' "$2" >> "$3"
}

# collect LIST FOLDER: FOLDER/runs.csv, FOLDER/tables, FOLDER/comparisons. Ends with 0 where every run is complete, 75 where
# some can go on, else with what gatesweep status says of the first that cannot.
collect() {
    local list=$1 folder=$2 lines words line name status worst=0 first='' table
    read_site
    find_program
    read_list "$list"
    rm -rf "$folder/tables" "$folder/comparisons"
    mkdir -p "$folder/tables" "$folder/comparisons"
    echo 'run,status,exit_code,records' > "$folder/runs.csv"
    for line in "${lines[@]}"; do
        words_of "$line"
        name=${words[0]}
        out=$folder/$name
        status=0
        stored "$out" > /dev/null 2>&1 || status=$?
        case $status in 0) state=complete ;; 75) state=resumable ;; 66) state=missing ;; *) state=wrong ;; esac
        echo "$name,$state,$status,$(committed_records)" >> "$folder/runs.csv"
        say "$name: $state"
        [ "$status" != 0 ] && [[ $worst == 0 || $worst == 75 ]] && worst=$status
        [ "$status" = 0 ] || continue
        for table in trials class_counts overlap; do
            [ ! -f "$out/tables/$table.csv" ] || append_table "$name" "$out/tables/$table.csv" "$folder/tables/$table.csv"
        done
        if [ -z "$first" ]; then
            first=$name
        elif ! program compare "$folder/$first" "$out" > "$folder/comparisons/$first-$name.txt" 2>&1; then
            say "$first and $name cannot be compared: $(grep -m 1 '^error' "$folder/comparisons/$first-$name.txt")"
        fi
    done
    say "collected into $folder: runs.csv, tables, comparisons"
    [ "$worst" = 0 ] || say "not every run is complete: submit the array again to go on"
    exit "$worst"
}
