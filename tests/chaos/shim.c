/* Preloaded into the service under test: a wall clock that can be moved, and a disk that can be slow or refuse.
 *
 * CHAOS_SHIM names a file of four 64-bit numbers that the campaign writes while the service runs. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

struct control {
    volatile int64_t clock_ns;   /* added to the wall clock */
    volatile int64_t sync_us;    /* how long a sync takes at least */
    volatile int64_t sync_error; /* errno of every sync; 0: it succeeds */
    volatile int64_t write_error; /* errno of every write to a regular file; 0: it succeeds */
};

static struct control nothing;
static struct control *control = &nothing;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("CHAOS_SHIM");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0) return;
    void *found = mmap(NULL, sizeof(struct control), PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    if (found != MAP_FAILED) control = found;
}

#define REAL(name) \
    static __typeof__(&name) real; \
    if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

int clock_gettime(clockid_t which, struct timespec *now) {
    REAL(clock_gettime);
    int answer = real(which, now);
    int64_t moved = control->clock_ns;
    if (!answer && moved && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE)) {
        int64_t ns = (int64_t)now->tv_sec * 1000000000 + now->tv_nsec + moved;
        now->tv_sec = ns / 1000000000;
        now->tv_nsec = ns % 1000000000;
    }
    return answer;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec found;
    (void)zone;
    int answer = clock_gettime(CLOCK_REALTIME, &found);
    now->tv_sec = found.tv_sec;
    now->tv_usec = found.tv_nsec / 1000;
    return answer;
}

time_t time(time_t *out) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out) *out = now.tv_sec;
    return now.tv_sec;
}

static int slow_or_broken(void) {
    if (control->sync_us) usleep((useconds_t)control->sync_us);
    if (control->sync_error) {
        errno = (int)control->sync_error;
        return -1;
    }
    return 0;
}

int fsync(int fd) {
    REAL(fsync);
    return slow_or_broken() ? -1 : real(fd);
}

int fdatasync(int fd) {
    REAL(fdatasync);
    return slow_or_broken() ? -1 : real(fd);
}

static int refused(int fd) {
    struct stat found;
    if (!control->write_error || fd <= 2 || fstat(fd, &found) || !S_ISREG(found.st_mode)) return 0;
    errno = (int)control->write_error;
    return -1;
}

ssize_t pwrite64(int fd, const void *from, size_t size, off64_t at) {
    REAL(pwrite64);
    return refused(fd) ? -1 : real(fd, from, size, at);
}

ssize_t pwrite(int fd, const void *from, size_t size, off_t at) { return pwrite64(fd, from, size, at); }

ssize_t write(int fd, const void *from, size_t size) {
    REAL(write);
    return refused(fd) ? -1 : real(fd, from, size);
}
