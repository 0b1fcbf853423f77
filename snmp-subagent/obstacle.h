/* SPDX-License-Identifier: MIT */
/* obstacle.h - why this process cannot connect to snmpd's socket, and the remedy */
#ifndef KVMSTAT_AGENTX_OBSTACLE_H
#define KVMSTAT_AGENTX_OBSTACLE_H

/* Limit of bytes that obstacle_describe() writes, including the NUL. */
enum { OBSTACLE_SIZE = 512 };

/* Write "cause; remedy". rc: the result of connect() for this absolute path, 0 or -errno. */
void obstacle_describe(const char *path, int rc, char text[OBSTACLE_SIZE]);

#endif
