/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <net-snmp/net-snmp-config.h>
#include <net-snmp/net-snmp-includes.h>

#include <net-snmp/library/snmp_transport.h>

#include "transport.h"

enum { LIMIT_US = 300000 };

/* transportDomainLocal of RFC 3419 */
static const oid domain_name[] = { 1, 3, 6, 1, 2, 1, 100, 1, 13 };

static int connect_path(const char *path, int flags)
{
	struct timeval limit = { .tv_usec = LIMIT_US };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd, rc;

	if (strlen(path) > TRANSPORT_PATH_MAX)
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
	if (fd < 0)
		return -errno;
	/* It limits connect() as well. */
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0 ||
	    connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		rc = -errno;
		close(fd);
		return rc;
	}
	return fd;
}

int transport_probe(const char *path)
{
	int fd = connect_path(path, SOCK_NONBLOCK);

	if (fd >= 0)
		close(fd);
	return fd < 0 ? fd : 0;
}

static int receive(netsnmp_transport *transport, void *buf, int size, void **opaque, int *opaque_len)
{
	ssize_t n;

	*opaque = NULL;
	*opaque_len = 0;
	do
		n = recv(transport->sock, buf, (size_t)size, MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	return (int)n;
}

/* A message that went out in part leaves nothing to do but to end the connection. */
static int send_all(netsnmp_transport *transport, const void *buf, int size, void **opaque, int *opaque_len)
{
	const char *rest = buf;
	int left = size;

	(void)opaque;
	(void)opaque_len;
	while (left > 0) {
		ssize_t n = send(transport->sock, rest, (size_t)left, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			if (left < size)
				shutdown(transport->sock, SHUT_RDWR);
			return -1;
		}
		rest += n;
		left -= (int)n;
	}
	return size;
}

static int close_socket(netsnmp_transport *transport)
{
	int rc = transport->sock >= 0 ? close(transport->sock) : -1;

	transport->sock = -1;
	return rc;
}

static netsnmp_transport *open_transport(netsnmp_tdomain_spec *spec)
{
	netsnmp_transport *transport;
	int fd = connect_path(spec->target, 0);

	if (fd < 0)
		return NULL;
	transport = calloc(1, sizeof(*transport));
	if (!transport) {
		close(fd);
		return NULL;
	}
	transport->sock = fd;
	transport->domain = domain_name;
	transport->domain_length = (int)OID_LENGTH(domain_name);
	transport->flags = NETSNMP_TRANSPORT_FLAG_STREAM;
	transport->msgMaxSize = SNMP_MAX_PACKET_LEN;
	transport->f_recv = receive;
	transport->f_send = send_all;
	transport->f_close = close_socket;
	return transport;
}

void transport_register(void)
{
	static netsnmp_tdomain domain = {
		.name = domain_name,
		.name_length = OID_LENGTH(domain_name),
		.f_create_from_tspec = open_transport,
	};

	domain.prefix = calloc(2, sizeof(*domain.prefix));	/* Net-SNMP frees it */
	if (!domain.prefix)
		return;
	domain.prefix[0] = TRANSPORT_PREFIX;
	netsnmp_tdomain_register(&domain);
}
