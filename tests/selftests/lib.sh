# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# What the guest tests share: KTAP, preconditions, and where things of a disk are.
#
# A test is a shell function; ktap_test runs it in a subshell with set -e, so that the first command
# that fails fails the test. What it prints becomes KTAP comments. fail and skip say why.

# A variable such as TEST_DEV may come from the environment or as an argument: TEST_DEV=/dev/xvdb.
for argument; do
	case $argument in
	TEST_*=*) export "${argument?}" ;;
	*) echo "$0: $argument is not TEST_<variable>=<value>" >&2; exit 1 ;;
	esac
done

KSFT_PASS=0
KSFT_FAIL=1
KSFT_SKIP=4

ktap_count=0
ktap_failed=0
ktap_skipped=0
ktap_dir=$(mktemp -d) || exit $KSFT_FAIL
cleanup_commands=
trap 'cleanup' EXIT
trap 'exit 130' INT TERM

cleanup()
{
	# The latest first: a file system before the disk it is on.
	eval "$cleanup_commands"
	rm -rf "$ktap_dir"
}

# at_exit COMMAND: one word, run when the script ends, however it ends
at_exit()
{
	cleanup_commands="$1; $cleanup_commands"
}

skip_all()
{
	echo "KTAP version 1"
	echo "1..0 # SKIP $*"
	exit $KSFT_SKIP
}

ktap_begin()
{
	echo "KTAP version 1"
}

# ktap_test NAME COMMAND...
ktap_test()
{
	ktap_name=$1
	shift
	ktap_count=$((ktap_count + 1))
	: > "$ktap_dir/why"
	{
		( set -e; "$@" ) 2>&1 </dev/null
		echo $? > "$ktap_dir/rc"
	} | sed -u 's/^/# /'
	ktap_why=$(cat "$ktap_dir/why")
	case $(cat "$ktap_dir/rc") in
	"$KSFT_PASS")
		echo "ok $ktap_count $ktap_name"
		;;
	"$KSFT_SKIP")
		ktap_skipped=$((ktap_skipped + 1))
		echo "ok $ktap_count $ktap_name # SKIP $ktap_why"
		;;
	*)
		ktap_failed=$((ktap_failed + 1))
		[ -z "$ktap_why" ] || echo "# $ktap_why"
		echo "not ok $ktap_count $ktap_name"
		;;
	esac
}

ktap_end()
{
	echo "1..$ktap_count"
	echo "# Totals: pass:$((ktap_count - ktap_failed - ktap_skipped)) fail:$ktap_failed skip:$ktap_skipped"
	[ $ktap_failed -eq 0 ] || exit $KSFT_FAIL
	[ $ktap_skipped -lt $ktap_count ] || exit $KSFT_SKIP
	exit $KSFT_PASS
}

fail()
{
	echo "$*" > "$ktap_dir/why"
	exit $KSFT_FAIL
}

skip()
{
	echo "$*" > "$ktap_dir/why"
	exit $KSFT_SKIP
}

# equal WHAT FOUND EXPECTED
equal()
{
	[ "$2" = "$3" ] || fail "$1 is \"$2\", not \"$3\""
}

# between WHAT FOUND LEAST MOST
between()
{
	case $2 in
	''|*[!0-9]*) fail "$1 is \"$2\", not a number" ;;
	esac
	if [ "$2" -lt "$3" ] || [ "$2" -gt "$4" ]; then
		fail "$1 is $2, not from $3 to $4"
	fi
}

refused()
{
	if "$@"; then
		fail "this should have been refused: $*"
	fi
}

# until_true SECONDS COMMAND...
until_true()
{
	until_end=$(($(date +%s) + $1))
	shift
	until "$@"; do
		[ "$(date +%s)" -lt $until_end ] || return 1
		sleep 0.2
	done
}

need_tools()
{
	for need_tool; do
		command -v "$need_tool" > /dev/null || skip_all "no $need_tool here"
	done
}

need_xen_root()
{
	[ "$(id -u)" -eq 0 ] || skip_all "must be run as root"
	[ "$(cat /sys/hypervisor/type 2> /dev/null)" = xen ] || skip_all "this is no Xen guest"
}

# --- disks ---------------------------------------------------------------------------------------

# The disk under test, whose contents are lost: TEST_DEV=/dev/xvdb.
need_disk()
{
	need_xen_root
	[ -n "$TEST_DEV" ] || skip_all "TEST_DEV does not name a disk; its contents would be lost"
	[ -b "$TEST_DEV" ] || skip_all "$TEST_DEV is no block device"
	disk=$(basename "$(readlink -f "$TEST_DEV")")
	queue=/sys/block/$disk/queue
	[ -d "$queue" ] || skip_all "$TEST_DEV is no whole disk"
	if disk_used "$disk"; then
		skip_all "$TEST_DEV is in use"
	fi
	vbd=$(basename "$(readlink -f "/sys/block/$disk/device")")
	state=/sys/kernel/debug/xenfront/$vbd/state
	mountpoint -q /sys/kernel/debug || mount -t debugfs debugfs /sys/kernel/debug || :
	disk_bytes=$(blockdev --getsize64 "$TEST_DEV")
	# shellcheck disable=SC2034 # used by the tests
	sector=$(cat "$queue/logical_block_size")
}

# need_size MEGABYTES
need_size()
{
	[ "$disk_bytes" -ge $(($1 << 20)) ] || skip_all "$TEST_DEV is smaller than $1 MiB"
}

need_writable()
{
	[ "$(cat "/sys/block/$disk/ro")" = 0 ] || skip_all "$TEST_DEV is read-only"
}

# Is the disk, or one of its partitions, mounted, swapped to, or part of something?
disk_used()
{
	grep -q "^/dev/$1[0-9]* " /proc/mounts /proc/swaps && return 0
	for used_holder in "/sys/block/$1/holders/"* "/sys/block/$1/$1"*/holders/*; do
		[ ! -e "$used_holder" ] || return 0
	done
	return 1
}

# state_value KEY: of the driver's own account of the disk
state_value()
{
	sed -n "s/^$1: //p" "$state"
}

# state_sum WORD: a counter of every ring, added up
state_sum()
{
	awk -v word="$1" '/^ring / { for (i = 3; i < NF; i++) if ($i == word) sum += $(i + 1) }
		END { print sum + 0 }' "$state"
}

driver_dir=/sys/bus/xen/drivers/xen-blkfront

# Every vbd that our driver has.
bound_vbds()
{
	for bound in "$driver_dir"/vbd-*; do
		[ ! -e "$bound" ] || basename "$bound"
	done
}

block_of_vbd()
{
	ls "/sys/bus/xen/devices/$1/block" 2> /dev/null
}

connected()
{
	grep -q '^phase: connected' "/sys/kernel/debug/xenfront/$1/state" 2> /dev/null
}

# usable VBD: connected, and its disk is there to open
usable()
{
	connected "$1" && usable_disk=$(block_of_vbd "$1") && [ -n "$usable_disk" ] && [ -b "/dev/$usable_disk" ]
}

flushes_of()
{
	awk '{ print $16 }' "/sys/block/$1/stat"
}

# fio with what all calls have in common: the file is the disk, errors are fatal, no chatter
disk_fio()
{
	fio --filename="$TEST_DEV" --direct=1 --group_reporting --exitall_on_error --minimal \
		--output="$ktap_dir/fio" "$@" || {
		cat "$ktap_dir/fio"
		return 1
	}
}

# io_uring where the kernel has it and lets us, libaio where not
disk_engine()
{
	if fio --name=probe --ioengine=io_uring --filename="$TEST_DEV" --readonly --rw=read --bs=4k --size=4k \
		> /dev/null 2>&1; then
		echo io_uring
	else
		echo libaio
	fi
}

# --- network interfaces --------------------------------------------------------------------------

# The interface under test, TEST_IF=eth0. It is set up and down and has other addresses for a while, so it
# should not be the one by which you are here.
need_interface()
{
	need_xen_root
	need_tools ip ethtool
	[ -n "$TEST_IF" ] || skip_all "TEST_IF does not name an interface"
	net=/sys/class/net/$TEST_IF
	[ -d "$net" ] || skip_all "there is no interface $TEST_IF"
	vif=$(basename "$(readlink -f "$net/device")")
	case $vif in
	vif-*) ;;
	*) skip_all "$TEST_IF is no interface of a Xen guest" ;;
	esac
	# shellcheck disable=SC2034 # used by the tests
	net_driver=$(readlink -f "$net/device/driver")
	# shellcheck disable=SC2034
	state=/sys/kernel/debug/xenfront/$vif/state
	mountpoint -q /sys/kernel/debug || mount -t debugfs debugfs /sys/kernel/debug || :
	ip -o addr show dev "$TEST_IF" scope global | awk '{ print $4 }' > "$ktap_dir/addresses"
}

# TEST_PEER=192.168.77.1 (and TEST_PEER6) answers to pings through the interface.
need_peer()
{
	need_tools ping
	[ -n "$TEST_PEER" ] || skip_all "TEST_PEER does not name a neighbour that answers to pings"
	until_true 10 peer_answers || skip_all "$TEST_PEER does not answer through $TEST_IF"
}

peer_answers()
{
	ping -c 1 -W 1 -q -I "$TEST_IF" "$TEST_PEER" > /dev/null 2>&1
}

# The interface as it was when the test began: up, with the same addresses.
net_restore()
{
	ip link set "$TEST_IF" up
	while read -r net_address; do
		case $net_address in
		*:*) ip addr replace "$net_address" dev "$TEST_IF" nodad ;;
		*) ip addr replace "$net_address" dev "$TEST_IF" ;;
		esac
	done < "$ktap_dir/addresses"
}

# works WHEN: the peer answers, and the payload is what was sent
works()
{
	until_true 20 peer_answers || fail "$TEST_PEER does not answer $1"
	# Sizes below 16 carry no time and so no check either way.
	for works_size in 56 1400 8000; do
		ping_once "$works_size" || fail "ping of $works_size bytes $1: $(cat "$ktap_dir/ping")"
	done
}

# ping_once SIZE [OPTIONS]: one ping whose answer has the same data (ping itself only prints when it has not)
ping_once()
{
	ping_size=$1
	shift
	ping -c 1 -W 3 -I "$TEST_IF" -s "$ping_size" -p a55a0f "$@" "${ping_peer:-$TEST_PEER}" > "$ktap_dir/ping" 2>&1 ||
		return 1
	! grep -q 'wrong data' "$ktap_dir/ping"
}

# With this project's driver what the test asks for must be there; another driver may lack it.
lacking()
{
	[ "$(basename "$net_driver")" != xen-netfront ] || fail "$*"
	skip "$* (this is not our driver)"
}

net_counter()
{
	cat "$net/statistics/$1"
}
