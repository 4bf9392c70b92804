// SPDX-License-Identifier: MIT
// A program that knows what of its address space is for what, and says so: a line `WHAT ADDRESS
// BYTES` each, then "ready". For each line that it reads it commits more of what it had reserved
// and says "grown". It ends with its input.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    RESERVED = 16 << 20,
    COMMITTED = 3 << 16, // of it, behind as many bytes that stay reserved
    GROWS_BY = 5 << 20,
    SHARED = 7 << 16,
    STACK = 1 << 20,
};

static void say(const char *what, const void *address, size_t bytes)
{
    printf("%s 0x%" PRIxPTR " %zu\n", what, (uintptr_t)address, bytes);
}

#ifdef _WIN32
#include <windows.h>

static unsigned long own_pid(void)
{
    return GetCurrentProcessId();
}

static char *reserve(size_t bytes)
{
    return VirtualAlloc(NULL, bytes, MEM_RESERVE, PAGE_NOACCESS);
}

static int commit(char *address, size_t bytes)
{
    return VirtualAlloc(address, bytes, MEM_COMMIT, PAGE_READWRITE) != NULL;
}

static void *share(size_t bytes)
{
    HANDLE section =
        CreateFileMappingW(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, (DWORD)bytes, NULL);
    return section ? MapViewOfFile(section, FILE_MAP_WRITE, 0, 0, 0) : NULL;
}

static void *map_file(const char *path, size_t *bytes)
{
    LARGE_INTEGER size;
    HANDLE file = CreateFileA(path, GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL);
    HANDLE section = file == INVALID_HANDLE_VALUE || !GetFileSizeEx(file, &size)
                         ? NULL
                         : CreateFileMappingW(file, NULL, PAGE_READONLY, 0, 0, NULL);
    if (!section)
        return NULL;
    *bytes = (size_t)size.QuadPart;
    return MapViewOfFile(section, FILE_MAP_READ, 0, 0, 0);
}

static const void *heap_block(void)
{
    return HeapAlloc(GetProcessHeap(), 0, 64);
}

static DWORD WINAPI wait_on_stack(void *unused)
{
    char here = 0;
    say("stack", &here, 1);
    fflush(stdout);
    SetEvent(unused);
    Sleep(INFINITE);
    return (DWORD)here;
}

static int start_thread(void)
{
    HANDLE started = CreateEventW(NULL, TRUE, FALSE, NULL);
    return CreateThread(NULL, STACK, wait_on_stack, started, STACK_SIZE_PARAM_IS_A_RESERVATION,
                        NULL) &&
           WaitForSingleObject(started, INFINITE) == WAIT_OBJECT_0;
}

#else
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static unsigned long own_pid(void)
{
    return (unsigned long)getpid();
}

static char *reserve(size_t bytes)
{
    void *at = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return at == MAP_FAILED ? NULL : at;
}

static int commit(char *address, size_t bytes)
{
    return mprotect(address, bytes, PROT_READ | PROT_WRITE) == 0;
}

static void *share(size_t bytes)
{
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return at == MAP_FAILED ? NULL : at;
}

static void *map_file(const char *path, size_t *bytes)
{
    struct stat st;
    int fd = open(path, O_RDONLY);
    if (fd < 0 || fstat(fd, &st) != 0)
        return NULL;
    *bytes = (size_t)st.st_size;
    void *at = mmap(NULL, *bytes, PROT_READ, MAP_SHARED, fd, 0);
    return at == MAP_FAILED ? NULL : at;
}

// Not from malloc: sanitizers have theirs elsewhere.
static const void *heap_block(void)
{
    void *at = sbrk(4096);
    return at == (void *)-1 ? NULL : at;
}

static sem_t started;

static void *wait_on_stack(void *unused)
{
    char here = 0;
    say("stack", &here, 1);
    fflush(stdout);
    sem_post(&started);
    for (;;)
        (void)pause();
    return unused;
}

static int start_thread(void)
{
    pthread_attr_t attributes;
    pthread_t thread;
    return sem_init(&started, 0, 0) == 0 && pthread_attr_init(&attributes) == 0 &&
           pthread_attr_setstacksize(&attributes, STACK) == 0 &&
           pthread_create(&thread, &attributes, wait_on_stack, NULL) == 0 &&
           sem_wait(&started) == 0;
}
#endif

static int fail(const char *what)
{
    fprintf(stderr, "known_space: cannot %s\n", what);
    return 1;
}

// known_space FILE: FILE is mapped.
int main(int argc, char **argv)
{
    char line[64];
    size_t bytes = 0;
    char *base = reserve(RESERVED), *committed = base + COMMITTED;
    if (!base || !commit(committed, COMMITTED))
        return fail("reserve");
    // What was never touched counts, too; this half is.
    memset(committed, 1, COMMITTED / 2);
    printf("pid %lu 0\n", own_pid());
    say("reserved", base, RESERVED);
    say("committed", committed, COMMITTED);
    const void *shared = share(SHARED), *file = argc > 1 ? map_file(argv[1], &bytes) : NULL;
    if (!shared || !file)
        return fail("map");
    say("shared", shared, SHARED);
    say("file", file, bytes);
    say("heap", heap_block(), 64);
    say("image", (const void *)(uintptr_t)&main, 1);
    if (!start_thread())
        return fail("start a thread");
    printf("ready\n");
    fflush(stdout);
    char *more = committed + COMMITTED;
    for (; fgets(line, sizeof line, stdin); more += GROWS_BY) {
        if (!commit(more, GROWS_BY))
            return fail("grow");
        say("grown", more, GROWS_BY);
        fflush(stdout);
    }
    printf("done\n");
    return 0;
}
