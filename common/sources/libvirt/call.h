/* SPDX-License-Identifier: MIT */
/*
 * call.h - ask libvirt's daemon for all guests; every function but the first may hang as long as the daemon does
 */
#ifndef KVMSTAT_LIBVIRT_CALL_H
#define KVMSTAT_LIBVIRT_CALL_H

#include "sources/libvirt/thread.h"

struct libvirt_call;

/* Once, before any thread uses the rest. 0 or -errno. */
int libvirt_call_init(void);

/*
 * Make a call object without connecting. note() is called before a connection is made, and before
 * each question.
 * NULL without memory.
 */
struct libvirt_call *libvirt_call_new(const char *uri, void (*note)(void *data, bool connects), void *data);
void libvirt_call_free(struct libvirt_call *call);

/* 0 with the answer, valid until the next call. -EACCES: refused. Or another -errno. */
int libvirt_call_make(struct libvirt_call *call, const struct libvirt_answer **answer);

/* Why the last one failed. */
const char *libvirt_call_error(const struct libvirt_call *call);

#endif
