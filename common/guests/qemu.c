/* SPDX-License-Identifier: MIT */
#include "guests/words.h"

#include <stdlib.h>
#include <string.h>

/* Options of all versions and targets that take a value of any form; sorted. */
static const char *const valued[] = {
	"D", "L", "M", "accel", "acpitable", "action", "add-fd", "append", "audio", "audiodev", "balloon",
	"bios", "blockdev", "boot", "bt", "cdrom", "chardev", "chroot", "clock", "compat", "cpu", "d",
	"debugcon", "device", "dfilter", "display", "drive", "drive_add", "dtb", "dump-vmstate", "echr",
	"fda", "fdb", "fsdev", "fw_cfg", "g", "gdb", "global", "hda", "hdachs", "hdb", "hdc", "hdd",
	"icount", "id", "incoming", "initrd", "iscsi", "k", "kernel", "loadvm", "m", "machine", "mem-path",
	"mon", "monitor", "msg", "mtdblock", "name", "net", "netdev", "nic", "numa", "numa_distance",
	"object", "option-rom", "overcommit", "parallel", "pflash", "pidfile", "plugin", "prom-env", "qmp",
	"qmp-pretty", "qtest", "qtest-log", "readconfig", "realtime", "rotate", "rtc", "run-with", "runas",
	"sandbox", "sd", "seed", "semihosting-config", "serial", "set", "shim", "smbios", "smp", "spice",
	"tb-size", "tpmdev", "trace", "usbdevice", "uuid", "vga", "virtfs", "virtioconsole", "vnc",
	"watchdog", "watchdog-action", "writeconfig", "xen-domid",
};

static void take_name(struct identity *identity, const char *value)
{
	/* Several -name options are merged: one without guest= leaves the name of the others alone. */
	identity_take_name(identity, opts_value(value, "guest", "guest"));
}

static void take_memory(struct identity *identity, const char *value)
{
	char *size = opts_value(value, "size", "size");
	uint64_t bytes;

	if (size && parse_size(size, MIB, &bytes))
		identity->memory = bytes;
	free(size);
}

static const struct {
	const char *name;
	void (*take)(struct identity *identity, const char *value);
} wanted[] = {
	{ "m", take_memory },
	{ "name", take_name },
	{ "uuid", identity_set_uuid },
};

static void take_option(struct identity *identity, const char *option, const char *value)
{
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		if (strcmp(option, wanted[i].name) == 0)
			wanted[i].take(identity, value);
	}
}

static int compare_strings(const void *key, const void *element)
{
	return strcmp(key, *(const char *const *)element);
}

/*
 * Is the next argument this option's value? Flags and unknown options have no value that looks like
 * an option. If they have no value, skipping an argument that is not an option does no harm.
 */
static bool has_value(const char *option, const char *next)
{
	if (!next || *next != '-')
		return next != NULL;
	return bsearch(option, valued, sizeof(valued) / sizeof(valued[0]), sizeof(valued[0]), compare_strings);
}

void identity_from_qemu(struct identity *identity, struct args *args)
{
	const char *arg;

	while ((arg = args_next(args))) {
		const char *option = arg + 1;

		if (*arg != '-')
			continue;
		/* QEMU accepts --name as -name. */
		if (*option == '-')
			option++;
		if (has_value(option, args_peek(args)))
			take_option(identity, option, args_next(args));
	}
}
