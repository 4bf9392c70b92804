// SPDX-License-Identifier: MIT
// A driver that passes pool tags in each way there is, for the tests of the scanner. It never runs:
// it declares what it needs itself, and is compiled for machines that have no Windows headers here.
typedef unsigned int ULONG;
typedef __SIZE_TYPE__ SIZE_T;
typedef void *PVOID;
#ifdef DRIVER_IMPORT
#define IMPORT __declspec(dllimport)
#else
#define IMPORT
#endif
#define NTAPI __stdcall

IMPORT PVOID NTAPI ExAllocatePoolWithTag(int type, SIZE_T bytes, ULONG tag);
IMPORT PVOID NTAPI ExAllocatePool2(unsigned long long flags, SIZE_T bytes, ULONG tag);
IMPORT void NTAPI ExFreePoolWithTag(PVOID memory, ULONG tag);
IMPORT void NTAPI ExInitializeNPagedLookasideList(PVOID list, PVOID allocate, PVOID free,
                                                  ULONG flags, SIZE_T bytes, ULONG tag,
                                                  unsigned short depth);

ULONG g_tag = 'raVg'; // in memory the last character comes first
static const ULONG g_table[] = { '1baT', '2baT', '3baT' };
volatile PVOID g_sink;
char g_list[256];

// A function of the driver's own around the kernel's.
__attribute__((noinline)) PVOID allocate(SIZE_T bytes, ULONG tag)
{
    PVOID memory;
    if (!bytes)
        return 0;
    memory = ExAllocatePoolWithTag(0, bytes, tag);
    if (memory)
        *(char *)memory = 0;
    return memory;
}

int NTAPI DriverEntry(PVOID driver, const unsigned short *path)
{
    (void)driver;
    g_sink = ExAllocatePoolWithTag(0, 100, '1mmI');
    g_sink = ExAllocatePool2(1, 200, '2mmI');
    ExInitializeNPagedLookasideList(g_list, 0, 0, 0, 100, 'kooL', 0);
    g_sink = ExAllocatePoolWithTag(0, *path, g_tag);
    g_sink = ExAllocatePoolWithTag(0, *path, g_table[*path % 3]);
    g_sink = allocate(*path, '1prW');
    g_sink = ExAllocatePoolWithTag(0, 1, '1nuR' ^ *path); // known only when it runs
    g_tag += *path;
    ExFreePoolWithTag(g_sink, '1reF');
    return 0;
}
