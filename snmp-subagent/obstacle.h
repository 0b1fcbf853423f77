/* SPDX-License-Identifier: MIT */
/*
 * obstacle.h - what keeps this process from snmpd's socket, and what helps
 */
#ifndef KVMSTAT_AGENTX_OBSTACLE_H
#define KVMSTAT_AGENTX_OBSTACLE_H

/* What obstacle_describe() writes at most, its NUL included. */
enum { OBSTACLE_SIZE = 512 };

/* Cause and remedy, "cause; remedy": rc is what connect() gave for this absolute path, 0 or -errno. */
void obstacle_describe(const char *path, int rc, char text[OBSTACLE_SIZE]);

#endif
