/* Threads of whom each takes a thing, and then wants that of another one: told by its arguments, as written by
   standoff_program.py. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#define MAX 64

static pthread_mutex_t mutexes[MAX];
static pthread_rwlock_t rwlocks[MAX];
static sem_t semaphores[MAX];
static int ready, go;

struct member {
    int number, own_pipe, wanted, wanted_pipe, limit, delay, slow;
    char *holds, *wants;
};

static void set_up(int number) {
    pthread_mutexattr_t how;
    pthread_mutexattr_init(&how);
    switch (number % 5) {
    case 1: pthread_mutexattr_settype(&how, PTHREAD_MUTEX_RECURSIVE); break;
    case 2: pthread_mutexattr_settype(&how, PTHREAD_MUTEX_ERRORCHECK); break;
    case 3: pthread_mutexattr_setrobust(&how, PTHREAD_MUTEX_ROBUST); break;
    case 4: pthread_mutexattr_setprotocol(&how, PTHREAD_PRIO_INHERIT); break;
    }
    pthread_mutex_init(&mutexes[number], &how);
    pthread_rwlock_init(&rwlocks[number], NULL);
    sem_init(&semaphores[number], 0, 1);
}

static void nap(int ms) { usleep(ms * 1000); }

static int file(int number) {
    char name[32];
    snprintf(name, sizeof name, "thing%d", number);
    return open(name, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
}

static void until(struct timespec *at, int ms) {
    clock_gettime(CLOCK_REALTIME, at);
    at->tv_sec += ms / 1000;
    at->tv_nsec += ms % 1000 * 1000000L;
    if (at->tv_nsec >= 1000000000L) at->tv_nsec -= 1000000000L, at->tv_sec++;
}

static void want(struct member *me) {
    struct timespec at;
    char byte;
    int limited = me->limit >= 0, other = me->wanted;
    if (limited) until(&at, me->limit);
    if (!strcmp(me->wants, "mutex")) {
        if (!(limited ? pthread_mutex_timedlock(&mutexes[other], &at) : pthread_mutex_lock(&mutexes[other])))
            pthread_mutex_unlock(&mutexes[other]);
    } else if (!strcmp(me->wants, "rwlock")) {
        if (!(limited ? pthread_rwlock_timedwrlock(&rwlocks[other], &at) : pthread_rwlock_wrlock(&rwlocks[other])))
            pthread_rwlock_unlock(&rwlocks[other]);
    } else if (!strcmp(me->wants, "sem")) {
        if (!(limited ? sem_timedwait(&semaphores[other], &at) : sem_wait(&semaphores[other])))
            sem_post(&semaphores[other]);
    } else if (!strcmp(me->wants, "flock")) {
        int wanted = file(other);
        flock(wanted, LOCK_EX);
        close(wanted);
    } else if (!strcmp(me->wants, "pipe")) {
        if (read(me->wanted_pipe, &byte, 1) < 0) perror("read");
    }
}

static void *live(void *argument) {
    struct member *me = argument;
    int own = -1;
    char byte, plenty[128];
    if (!strcmp(me->holds, "mutex")) pthread_mutex_lock(&mutexes[me->number]);
    if (!strcmp(me->holds, "rwlock")) pthread_rwlock_wrlock(&rwlocks[me->number]);
    if (!strcmp(me->holds, "sem")) sem_wait(&semaphores[me->number]);
    if (!strcmp(me->holds, "flock")) flock(own = file(me->number), LOCK_EX);
    if (write(ready, "x", 1) < 0) perror("ready");
    while (read(go, &byte, 1) > 0);
    nap(me->delay);
    if (me->wanted >= 0) want(me);
    else nap(me->slow);
    if (!strcmp(me->holds, "mutex")) pthread_mutex_unlock(&mutexes[me->number]);
    if (!strcmp(me->holds, "rwlock")) pthread_rwlock_unlock(&rwlocks[me->number]);
    if (!strcmp(me->holds, "sem")) sem_post(&semaphores[me->number]);
    if (own >= 0) close(own);
    memset(plenty, '\n', sizeof plenty);
    if (me->own_pipe >= 0 && write(me->own_pipe, plenty, sizeof plenty) < 0) perror("give");
    return NULL;
}

int main(int count, char **words) {
    static struct member members[MAX];
    pthread_t threads[MAX];
    int number = 0;
    ready = atoi(words[1]);
    go = atoi(words[2]);
    for (int at = 3; at + 8 < count && number < MAX; at += 9, number++) {
        char **my = words + at;
        members[number] = (struct member){atoi(my[0]), atoi(my[2]), atoi(my[4]), atoi(my[5]), atoi(my[6]), atoi(my[7]),
                                          atoi(my[8]), my[1], my[3]};
        set_up(members[number].number);
    }
    for (int each = 0; each < number; each++) pthread_create(&threads[each], NULL, live, &members[each]);
    for (int each = 0; each < number; each++) pthread_join(threads[each], NULL);
    return 0;
}
