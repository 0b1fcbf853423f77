# SPDX-License-Identifier: MIT
# bash completion for kvmstat; the words come from kvmstat itself

# Values of a column of a report, unless they need quoting: such guests have a UUID or pid:NUMBER.
_kvmstat_column() {
	kvmstat "${root[@]}" --csv "${@:2}" 0.1 1 2>/dev/null | tr -d '\r' |
		awk -F, -v key="$1" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == key) column = i; next }
			column && $column ~ /^[A-Za-z0-9_.:-]+$/ { print $column }'
}

# Commands, and options of the command line or of -o.
_kvmstat_commands() {
	kvmstat --help | awk '/^  [a-z]+  / { print $1 }'
}

_kvmstat_options() {
	kvmstat --help | grep -oE '^ +(-., +)?--[a-z-]+=?' | grep -oE -- '--[a-z-]+=?'
}

_kvmstat_core_options() {
	kvmstat --help | awk '/^  [A-Z][A-Za-z]*=/ { sub(/=.*/, "="); print $1 }'
}

# _kvmstat_propose ARGUMENT...: of compgen
_kvmstat_propose() {
	mapfile -t COMPREPLY < <(compgen "$@" -- "$current")
	# A value follows.
	[[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace 2>/dev/null
}

# After a word of a command.
_kvmstat_argument() {
	case ${words[0]-}:${#words[@]} in
	:0) _kvmstat_propose -W "$(_kvmstat_commands)" ;;
	events:1 | vcpus:1 | histogram:1 | top:1 | check:*) _kvmstat_propose -W "$(_kvmstat_column name guests)" ;;
	histogram:2) _kvmstat_propose -W "$(_kvmstat_column event -o ReportHistograms=true --all events | grep _hist)" ;;
	baseline:1) _kvmstat_propose -W 'save compare list show forget rename' ;;
	record:1) _kvmstat_propose -f ;;
	capture:1) _kvmstat_propose -d ;;
	esac
}

# The words before the current one without options, and the root; bash breaks NAME=VALUE at the sign.
_kvmstat_read_words() {
	local -i i
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		--root) root=("--root=${COMP_WORDS[i + 2]-}") ;;
		-o | -n | =) i+=1 ;;
		-*) ;;
		*) words+=("${COMP_WORDS[i]}") ;;
		esac
	done
}

_kvmstat() {
	local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} before=${COMP_WORDS[COMP_CWORD - 2]-}
	local -a words=() root=()
	COMPREPLY=()
	_kvmstat_read_words
	[[ $current != = ]] || before=$previous previous='=' current=
	case $previous:$before in
	-o:*) _kvmstat_propose -W "$(_kvmstat_core_options)" ;;
	=:--color) _kvmstat_propose -W 'auto always never' ;;
	=:--from) _kvmstat_propose -f ;;
	=:--root | =:--state-dir) _kvmstat_propose -d ;;
	=:Event | =:ExcludeEvent) _kvmstat_propose -W "$(_kvmstat_column event --all events)" ;;
	=:*) ;;
	*)
		if [[ $current == -* ]]; then
			_kvmstat_propose -W "$(_kvmstat_options)"
		else
			_kvmstat_argument
		fi
		;;
	esac
}

complete -F _kvmstat kvmstat
