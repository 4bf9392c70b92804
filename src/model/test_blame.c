// SPDX-License-Identifier: MIT
// Whose frames are, and the parts of frames that are text.
#include "model/blame.h"
#include "testkit.h"

#include <string.h>

static void systems_and_runtimes_pass_on(void **state)
{
    static const char *const passing[][2] = {
        { "ntdll.dll", NULL },
        { "NTDLL", "RtlAllocateHeap" },
        { "KERNELBASE.dll", NULL },
        { "ucrtbased.dll", "malloc" },
        { "MSVCR100D.dll", NULL },
        { "msvcp140.dll", NULL },
        { "VCRUNTIME140_1.dll", NULL },
        { "libstdc++-6.dll", NULL },
        { "coreclr.dll", NULL },
        { "ntoskrnl.exe", "ExAllocatePoolWithTag" },
        { "nt", NULL },
        { "app.exe", "operator new" },
        { "app.exe", "operator new[]" },
        { "app.exe", "malloc" },
        { "app.exe", "_malloc_dbg" },
        { "app.exe", "std::vector<int,std::allocator<int> >::push_back" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof passing / sizeof *passing; i++) {
        if (!seep_blame_passes_on(passing[i][0], passing[i][1]))
            fail_msg("%s!%s is blamed", passing[i][0], passing[i][1] ? passing[i][1] : "");
    }
}

static void the_application_is_blamed(void **state)
{
    static const char *const own[][2] = {
        { "app.exe", NULL },
        { "app.exe", "Cache::add" },
        { "app.exe", "mallocator::fill" }, // only what begins so
        { "ntdllx.dll", NULL },
        { "msvcr.dll", NULL },
        { "myntdll.dll", NULL },
        { "notmyfault.sys", "leak" },
        { NULL, "Cache::add" },
        { NULL, NULL },
        { "", "" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        if (seep_blame_passes_on(own[i][0], own[i][1]))
            fail_msg("%s!%s is not blamed", own[i][0] ? own[i][0] : "-",
                     own[i][1] ? own[i][1] : "-");
    }
}

static void expect(const char *text, const char *module, const char *function, const char *offset,
                   const char *file, uint32_t line)
{
    struct seep_frame_text p;
    char got[512], want[512];
    seep_frame_text_parse(text, &p);
    (void)snprintf(got, sizeof got, "%.*s|%.*s|%s%llx|%.*s|%u", (int)p.module_len,
                   p.module_len ? p.module : "", (int)p.function_len,
                   p.function_len ? p.function : "", p.has_offset ? "" : "-",
                   (unsigned long long)p.offset, (int)p.file_len, p.file_len ? p.file : "", p.line);
    (void)snprintf(want, sizeof want, "%s|%s|%s|%s|%u", module, function, offset, file, line);
    assert_string_equal(got, want);
}

static void text_of_frames_has_parts(void **state)
{
    (void)state;
    expect("ntdll!RtlAllocateHeap+0x1E", "ntdll", "RtlAllocateHeap", "1e", "", 0);
    expect("\tUSER32!CallWindowProcAorW+000000AB", "USER32", "CallWindowProcAorW", "ab", "", 0);
    expect("app!C<a>::operator++ (d:\\x, y\\a.cpp, 42)", "app", "C<a>::operator++", "-0",
           "d:\\x, y\\a.cpp", 42);
    expect("app!f+0x2 [c:\\src\\a b.cpp @ 7]", "app", "f", "2", "c:\\src\\a b.cpp", 7);
    expect("app.dll+0x1234", "app.dll", "", "1234", "", 0);
    expect("operator+", "", "operator+", "-0", "", 0);
    expect("", "", "", "-0", "", 0);
    expect("!", "", "", "-0", "", 0);
    expect("a!b+0xfffffffffffffffff", "a", "b+0xfffffffffffffffff", "-0", "", 0);
    expect("a!b [c @ 99999999999]", "a", "b [c @ 99999999999]", "-0", "", 0);
    expect(")", "", ")", "-0", "", 0);
    expect("]", "", "]", "-0", "", 0);
    expect("(,1)", "", "(,1)", "-0", "", 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(systems_and_runtimes_pass_on),
        cmocka_unit_test(the_application_is_blamed),
        cmocka_unit_test(text_of_frames_has_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
