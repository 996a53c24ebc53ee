// SPDX-License-Identifier: GPL-2.0-only
/*
 * QEMU TCG plugin: how often each translated block of code ran between two
 * moments, by virtual and by physical address.
 *
 * Two PV kernels share their virtual addresses; the physical page tells whose
 * code it was.  A client on the socket named by control= sends a line:
 *
 *   mark		forget what has been counted so far
 *   dump FILE		write what has been counted since: a line for each block
 *			with virtual address, offset in the machine's RAM (or -),
 *			instructions, executions; all but the last in hex
 *
 * and gets a line back, "ok" or "error WHY".
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "qemu-plugin.h"

QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;

#define BUCKETS	(1 << 18)

/*
 * One block.  @executions is counted up by generated code, in QEMU's one TCG
 * thread; blocks are never freed, because that code holds their addresses.
 */
struct block {
	struct block *next;
	uint64_t vaddr;
	uint64_t haddr;
	uint64_t instructions;
	uint64_t executions;
	uint64_t marked;
};

static struct block *buckets[BUCKETS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t ram_begin, ram_end;

static struct block **bucket(uint64_t vaddr, uint64_t haddr, uint64_t n)
{
	uint64_t hash = vaddr * 0x9e3779b97f4a7c15ull;

	hash ^= (haddr >> 12) * 0xc2b2ae3d27d4eb4full;
	hash ^= n * 0x165667b19e3779f9ull;
	return &buckets[(hash >> 32) % BUCKETS];
}

/* A block that is translated again goes on with its old counter. */
static struct block *find(uint64_t vaddr, uint64_t haddr, uint64_t n)
{
	struct block **head = bucket(vaddr, haddr, n);
	struct block *b;

	for (b = *head; b; b = b->next)
		if (b->vaddr == vaddr && b->haddr == haddr &&
		    b->instructions == n)
			return b;
	b = calloc(1, sizeof(*b));
	if (!b)
		abort();
	b->vaddr = vaddr;
	b->haddr = haddr;
	b->instructions = n;
	b->next = *head;
	*head = b;
	return b;
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	uint64_t n = qemu_plugin_tb_n_insns(tb);
	struct qemu_plugin_insn *first = qemu_plugin_tb_get_insn(tb, 0);
	struct block *b;

	pthread_mutex_lock(&lock);
	b = find(qemu_plugin_tb_vaddr(tb),
		 (uintptr_t)qemu_plugin_insn_haddr(first), n);
	pthread_mutex_unlock(&lock);
	qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_INLINE_ADD_U64,
						 &b->executions, 1);
}

/*
 * The machine's RAM is one mapping of a size known beforehand, so a host
 * address becomes an offset in it.
 */
static void find_ram(uint64_t size)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	uint64_t begin, end;
	char line[512];

	while (maps && fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%" SCNx64 "-%" SCNx64, &begin, &end) != 2)
			continue;
		if (end - begin >= size && end - begin > ram_end - ram_begin) {
			ram_begin = begin;
			ram_end = end;
		}
	}
	if (maps)
		fclose(maps);
}

static void mark(void)
{
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct block *b = buckets[i]; b; b = b->next)
			b->marked = b->executions;
}

static int dump(const char *path)
{
	FILE *out = fopen(path, "w");

	if (!out)
		return errno;
	fprintf(out, "# ram %" PRIx64 "-%" PRIx64 "\n", ram_begin, ram_end);
	for (size_t i = 0; i < BUCKETS; i++) {
		for (struct block *b = buckets[i]; b; b = b->next) {
			uint64_t n = b->executions - b->marked;

			if (!n)
				continue;
			fprintf(out, "%" PRIx64 " ", b->vaddr);
			if (b->haddr >= ram_begin && b->haddr < ram_end)
				fprintf(out, "%" PRIx64, b->haddr - ram_begin);
			else
				fprintf(out, "-");
			fprintf(out, " %" PRIx64 " %" PRIu64 "\n",
				b->instructions, n);
		}
	}
	return fclose(out) ? errno : 0;
}

static void serve(FILE *client)
{
	char line[4096];

	while (fgets(line, sizeof(line), client)) {
		int err = EINVAL;

		line[strcspn(line, "\n")] = 0;
		pthread_mutex_lock(&lock);
		if (!strcmp(line, "mark")) {
			mark();
			err = 0;
		} else if (!strncmp(line, "dump ", 5)) {
			err = dump(line + 5);
		}
		pthread_mutex_unlock(&lock);
		if (err)
			fprintf(client, "error %s\n", strerror(err));
		else
			fprintf(client, "ok\n");
		fflush(client);
	}
}

static void *listener(void *data)
{
	int fd = (int)(intptr_t)data;

	for (;;) {
		int connection = accept(fd, NULL, NULL);
		FILE *client;

		if (connection < 0)
			continue;
		client = fdopen(connection, "r+");
		if (client) {
			serve(client);
			fclose(client);
		}
	}
	return NULL;
}

static int listen_on(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(address.sun_path, path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) ||
	    listen(fd, 1))
		return -1;
	return fd;
}

/* RAM is mapped after plugins are installed, and before the first vCPU runs. */
static uint64_t ram_size;

static void vcpu_ready(qemu_plugin_id_t id, unsigned int vcpu)
{
	if (!ram_end)
		find_ram(ram_size);
}

QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id,
					   const qemu_info_t *info, int argc,
					   char **argv)
{
	const char *control = NULL;
	sigset_t all, before;
	pthread_t thread;
	int fd, err;

	for (int i = 0; i < argc; i++) {
		if (!strncmp(argv[i], "control=", 8))
			control = argv[i] + 8;
		else if (!strncmp(argv[i], "ram=", 4))
			ram_size = strtoull(argv[i] + 4, NULL, 0);
		else
			fprintf(stderr, "counter: unknown argument %s\n", argv[i]);
	}
	if (!control || !ram_size) {
		fprintf(stderr, "counter: control=SOCKET and ram=BYTES are needed\n");
		return -1;
	}
	fd = listen_on(control);
	if (fd < 0) {
		fprintf(stderr, "counter: %s: %s\n", control, strerror(errno));
		return -1;
	}
	/* QEMU's threads are told things by signals; this one wants none. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&thread, NULL, listener, (void *)(intptr_t)fd);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err)
		return -1;
	qemu_plugin_register_vcpu_init_cb(id, vcpu_ready);
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	return 0;
}
