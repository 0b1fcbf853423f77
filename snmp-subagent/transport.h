/* SPDX-License-Identifier: MIT */
/* transport.h - connect to snmpd's socket without blocking */
#ifndef KVMSTAT_AGENTX_TRANSPORT_H
#define KVMSTAT_AGENTX_TRANSPORT_H

/* A socket that is connected and does not block, or -errno: -EAGAIN if snmpd's queue of connections is full. */
int transport_connect(const char *path);

/* The longest path of a socket. */
enum { TRANSPORT_PATH_MAX = 107 };

#endif
