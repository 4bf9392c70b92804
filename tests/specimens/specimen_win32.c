// SPDX-License-Identifier: MIT
// The specimens' system calls on Windows.
#include "specimen.h"

#include <windows.h>

void *specimen_commit(size_t size_bytes)
{
    return VirtualAlloc(NULL, size_bytes, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
}

void specimen_release(void *memory, size_t size_bytes)
{
    (void)size_bytes;
    (void)VirtualFree(memory, 0, MEM_RELEASE);
}

// At addresses of its own choice: Wine has reserved a range for itself, and what is given out of it
// does not show in the size of the process.
bool specimen_reserve(size_t size_bytes)
{
    static uintptr_t next = (uintptr_t)1 << 44;
    void *at = VirtualAlloc((void *)next, size_bytes, MEM_RESERVE, PAGE_NOACCESS);
    if (!at)
        at = VirtualAlloc(NULL, size_bytes, MEM_RESERVE, PAGE_NOACCESS);
    next += size_bytes;
    return at != NULL;
}

bool specimen_leak_handle(void)
{
    return CreateEventW(NULL, TRUE, FALSE, NULL) != NULL;
}

static DWORD WINAPI wait_for_ever(void *unused)
{
    (void)unused;
    Sleep(INFINITE);
    return 0;
}

bool specimen_leak_thread(void)
{
    enum { STACK_BYTES = 65536 };
    HANDLE thread = CreateThread(NULL, STACK_BYTES, wait_for_ever, NULL,
                                 STACK_SIZE_PARAM_IS_A_RESERVATION, NULL);
    if (!thread)
        return false;
    (void)CloseHandle(thread);
    return true;
}

// The handle to the child is what keeps it after its end.
bool specimen_leak_zombie(void)
{
    wchar_t program[MAX_PATH], line[] = L"specimen --child";
    STARTUPINFOW start = { .cb = sizeof start };
    PROCESS_INFORMATION child;
    DWORD len = GetModuleFileNameW(NULL, program, MAX_PATH);
    if (!len || len == MAX_PATH ||
        !CreateProcessW(program, line, NULL, NULL, FALSE, 0, NULL, NULL, &start, &child))
        return false;
    (void)CloseHandle(child.hThread);
    return true;
}

double specimen_now_s(void)
{
    LARGE_INTEGER now, frequency;
    (void)QueryPerformanceCounter(&now);
    (void)QueryPerformanceFrequency(&frequency);
    return (double)now.QuadPart / (double)frequency.QuadPart;
}

void specimen_sleep_ms(unsigned ms)
{
    Sleep(ms);
}
