/* SPDX-License-Identifier: MIT */
/*
 * transport.h - a way to snmpd's socket that never waits long
 *
 * Net-SNMP's own unix transport connects and sends without a limit of time. A hung snmpd, whose queue of
 * connections is full, would block the thread for as long as it hangs.
 */
#ifndef KVMSTAT_AGENTX_TRANSPORT_H
#define KVMSTAT_AGENTX_TRANSPORT_H

/* Before init_snmp(); from then on "kvmstat:PATH" names a socket to Net-SNMP. */
#define TRANSPORT_PREFIX "kvmstat"
void transport_register(void);

/* Does somebody answer at this socket? 0 or -errno, -EAGAIN if its queue is full. */
int transport_probe(const char *path);

/* The longest path of a socket. */
enum { TRANSPORT_PATH_MAX = 107 };

#endif
