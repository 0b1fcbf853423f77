/* SPDX-License-Identifier: MIT */
/* A vCPU with a thread of its own, as every real VMM has it. */
#include "vmm.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>

static void nothing(int signal)
{
	(void)signal;
}

static void *vcpu_thread(void *arg)
{
	struct vcpu *vcpu = arg;
	char name[16];

	snprintf(name, sizeof(name), "CPU %u/KVM", vcpu->id);
	pthread_setname_np(pthread_self(), name);
	pthread_mutex_lock(&vcpu->lock);
	for (;;) {
		while (!vcpu->busy && !vcpu->quit)
			pthread_cond_wait(&vcpu->changed, &vcpu->lock);
		if (!vcpu->busy)
			break;
		pthread_mutex_unlock(&vcpu->lock);
		vcpu->result = vcpu_run(vcpu, vcpu->program, vcpu->todo);
		pthread_mutex_lock(&vcpu->lock);
		vcpu->busy = false;
		pthread_cond_broadcast(&vcpu->changed);
	}
	pthread_mutex_unlock(&vcpu->lock);
	return NULL;
}

int vcpu_thread_create(struct vcpu *vcpu)
{
	struct sigaction wake = { .sa_handler = nothing };
	pthread_attr_t attr;
	int rc;

	sigaction(SIGUSR1, &wake, NULL);
	pthread_mutex_init(&vcpu->lock, NULL);
	pthread_cond_init(&vcpu->changed, NULL);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 64 << 10);
	rc = pthread_create(&vcpu->thread, &attr, vcpu_thread, vcpu);
	pthread_attr_destroy(&attr);
	if (rc)
		vcpu->thread = 0;
	return -rc;
}

int vcpu_thread_start(struct vcpu *vcpu, enum program program, uint64_t count)
{
	int rc = -EBUSY;

	pthread_mutex_lock(&vcpu->lock);
	if (!vcpu->busy) {
		vcpu->program = program;
		vcpu->todo = count;
		vcpu->busy = true;
		pthread_cond_broadcast(&vcpu->changed);
		rc = 0;
	}
	pthread_mutex_unlock(&vcpu->lock);
	return rc;
}

int vcpu_thread_wait(struct vcpu *vcpu)
{
	pthread_mutex_lock(&vcpu->lock);
	while (vcpu->busy)
		pthread_cond_wait(&vcpu->changed, &vcpu->lock);
	pthread_mutex_unlock(&vcpu->lock);
	return vcpu->result;
}

/* The kernel looks at immediate_exit when KVM_RUN begins, at the signal while it runs. */
void vcpu_thread_stop(struct vcpu *vcpu)
{
	__atomic_store_n(&vcpu->stop, true, __ATOMIC_RELEASE);
	__atomic_store_n(&vcpu->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
	pthread_kill(vcpu->thread, SIGUSR1);
	vcpu_thread_wait(vcpu);
	vcpu->run->immediate_exit = 0;
	vcpu->stop = false;
}

void vcpu_thread_end(struct vcpu *vcpu)
{
	if (!vcpu->thread)
		return;
	vcpu_thread_stop(vcpu);
	pthread_mutex_lock(&vcpu->lock);
	vcpu->quit = true;
	pthread_cond_broadcast(&vcpu->changed);
	pthread_mutex_unlock(&vcpu->lock);
	pthread_join(vcpu->thread, NULL);
	vcpu->thread = 0;
}
