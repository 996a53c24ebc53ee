# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash

_xenfront()
{
	[[ $COMP_CWORD -ne 1 ]] || mapfile -t COMPREPLY < <(compgen -W 'status check help' -- "${COMP_WORDS[1]}")
}
complete -F _xenfront xenfront
