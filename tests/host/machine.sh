# SPDX-License-Identifier: MIT
#
# machine.sh - clean systems and whole machines of Debian, for the tests that source it. They set name, with which messages
# begin, build, where the project is built, and work, a folder. As root; needs a mirror.
mirror=$(sed -n 's/^URIs: *\([^ ]*\).*/\1/p; s/^deb \(\[[^]]*\] \)\?\([^ ]*\) .*/\2/p' /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null | head -n 1)
# libmnl0: of what collectd loads as it is installed; debootstrap leaves out what is recommended.
base=systemd-sysv,dbus,udev,kmod,linux-image-cloud-amd64,initramfs-tools,libbpf1,libvirt0,collectd,libmnl0,snmpd,snmp
limit=3600	# seconds; reached on failures only
passed=0 failed=0

die() {
	echo "$name: $*" >&2
	exit 1
}

# needs PACKAGES PROGRAM...
needs() {
	packages=$1
	shift
	for program in "$@"; do
		command -v "$program" >/dev/null || die "$program is missing; install $packages"
	done
	[ "$(id -u)" = 0 ] || die "a system can only be made by root"
}

# make_root NAME RELEASE [PACKAGES]: a Debian in $root, and an archive of it, which is kept for the next time.
make_root() {
	root=$work/$1.root
	rm -rf --one-file-system "$root"
	if [ ! -e "$work/$1.tar" ]; then
		debootstrap --variant=minbase ${3:+--include="$3"} "$2" "$root" "$mirror" >"$work/$1.log" 2>&1 || die "debootstrap $2 failed; $work/$1.log has the reason"
		rm -rf "$root"/var/cache/apt/archives/*.deb
		tar -C "$root" -cf "$work/$1.tar.new" . && mv "$work/$1.tar.new" "$work/$1.tar" && rm -rf "$root"
	fi
	mkdir "$root" && tar -C "$root" -xf "$work/$1.tar" || die "$root cannot be made"
}

# put_packages FOLDER: what an operator installs.
put_packages() {
	mkdir -p "$1"
	for deb in "$build"/packages/*.deb; do
		case $deb in *-dbgsym_*) ;; *) cp "$deb" "$1" || die "$build has no packages; make packages O=$build makes them" ;; esac
	done
}

# put_tests SCRIPT FILE...: what $root has in /kvmstat, and that SCRIPT runs when all else is up.
put_tests() {
	put_packages "$root/kvmstat"
	cp "$1" "$root/kvmstat/inside" || die "$1 cannot be copied"
	shift
	cp -r "$@" tests/trial.sh "$build/tests/vmm/kvmtestvmm" "$root/kvmstat" && cp tests/host/kvmstat-tests.service "$root/etc/systemd/system" || die "$* cannot be copied"
	mkdir -p "$root/etc/systemd/system/multi-user.target.wants"
	ln -s ../kvmstat-tests.service "$root/etc/systemd/system/multi-user.target.wants"
	echo host >"$root/etc/hostname"
	echo "127.0.0.1 localhost host" >"$root/etc/hosts"
	echo "/dev/vda / ext4 rw 0 1" >"$root/etc/fstab"
}

# The disk of $root, and its kernel: one emulated thread for all processors, and no cmpxchg16b, see tests/lab/check.
run_machine() {
	machine=$1 words=$2
	shift 2
	rm -f "$machine.img"
	truncate -s 4G "$machine.img" && mkfs.ext4 -q -d "$root" "$machine.img" || die "$machine.img cannot be made"
	cp "$root"/boot/vmlinuz-* "$machine.vmlinuz" && cp "$root"/boot/initrd.img-* "$machine.initrd" || die "$root has no kernel"
	rm -rf --one-file-system "$root"
	timeout $limit qemu-system-x86_64 -accel tcg,thread=single -cpu EPYC,-cx16 -m 2G -smp 2 -nodefaults -display none \
		-kernel "$machine.vmlinuz" -initrd "$machine.initrd" -append "root=/dev/vda rw console=ttyS0 no_timer_check panic=-1 $words" \
		-drive "file=$machine.img,if=virtio,format=raw" -serial "file:$machine.console" -serial "file:$machine.report" "$@" </dev/null >"$machine.qemu" 2>&1
	rm -f "$machine.img"
}

# boot NAME WORDS [OPTION...]: a machine of $root, WORDS for its kernel and OPTIONS for QEMU, until it switches itself off. What
# its tests report is printed and counted.
boot() {
	run_machine "$work/$@"
	sed "s/^/$1: /" "$work/$1.report"
	passed=$((passed + $(grep -c '^ok' "$work/$1.report")))
	failed=$((failed + $(grep -c '^failed' "$work/$1.report")))
	grep -q '^end' "$work/$1.report" || {
		failed=$((failed + 1))
		echo "$1: the machine did not come to an end; $work/$1.console has its messages"
	}
}
