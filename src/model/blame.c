// SPDX-License-Identifier: MIT
// The table of what passes allocations on, and the parts of frames that are text.
//
// Modules are those of Windows, of Microsoft's compilers, of mingw and of .NET that a HeapAlloc, a
// VirtualAlloc or a malloc goes through; functions are allocators that are linked into programs.
#include "model/blame.h"

#include <string.h>

// `*` at the end matches anything, `?` one character. Lower case; module names without their
// ending.
static const char *const modules[] = {
    "ntdll",    "kernelbase", "kernel32", "ucrtbase*",  "msvcrt*",   "msvcr??",    "msvcr??d",
    "msvcr???", "msvcr???d",  "msvcp*",   "vcruntime*", "concrt*",   "libstdc++*", "libgcc_s*",
    "libc++*",  "mscoree",    "mscoreei", "clr",        "clrjit",    "clrgc*",     "coreclr",
    "mscorwks", "wow64",      "wow64cpu", "wow64win",   "wow64base", "wow64con",   "verifier",
    "vrfcore",  "vfbasics",   "vfcompat", "vfnet",      "ole32",     "combase",    "oleaut32",
    "rpcrt4",   "cryptbase",  "sechost",  "jemalloc*",  "tcmalloc*", "mimalloc*",  "tbbmalloc*",
    "apphelp",  "aclayers",   "acgenral", "mfc???",     "mfc???u",   "mfc???d",    "mfc???ud",
    "mfc??",    "mfc??u",     "mfc??d",   "mfc??ud",    "atl???",    "atl??",
};

// Of the kernel: what every driver's allocation goes through.
static const char *const kernel_modules[] = {
    "nt",  "ntoskrnl", "ntkrnlpa",    "ntkrnlmp", "ntkrpamp",
    "hal", "verifier", "verifierext", "wdf01000",
};

// Linked into the program itself; without the arguments.
static const char *const functions[] = {
    "operator new*",
    "operator delete*",
    "malloc",
    "calloc",
    "realloc",
    "recalloc",
    "free",
    "_malloc*",
    "_calloc*",
    "_realloc*",
    "_recalloc*",
    "_free*",
    "__malloc*",
    "__calloc*",
    "__realloc*",
    "_aligned_*",
    "aligned_alloc",
    "_strdup*",
    "_wcsdup*",
    "strdup",
    "wcsdup",
    "_heap_alloc*",
    "_nh_malloc*",
    "heap_alloc_*",
    "_heap_*",
    "std::allocator<*",
    "std::_allocate*",
    "std::_default_allocate*",
    "std::vector<*",
    "std::basic_string<*",
    "std::_string_alloc*",
    "std::_compressed_pair<*",
    "std::make_unique<*",
    "std::make_shared<*",
    "std::allocate_shared<*",
    "std::_ref_count_*",
    "std::list<*",
    "std::map<*",
    "std::_tree<*",
    "std::set<*",
    "std::deque<*",
    "std::unordered_map<*",
    "std::unordered_set<*",
    "std::_hash<*",
    "std::_list_*",
    "std::_tree_*",
    "std::_vector_*",
    "std::_uninitialized_*",
    "std::_construct_*",
    "std::__cxx11::*",
    "__gnu_cxx::*",
    "std::_vector_base<*",
    "std::_rb_tree<*",
    "std::_hashtable<*",
    "std::allocator_traits<*",
    "std::__allocate_*",
    "std::__shared_*",
    "heapalloc",
    "heaprealloc",
    "heapfree",
    "rtlallocateheap",
    "rtlreallocateheap",
    "virtualalloc*",
    "virtualfree*",
    "localalloc",
    "localrealloc",
    "globalalloc",
    "globalrealloc",
    "cotaskmemalloc",
    "cotaskmemrealloc",
    "sysallocstring*",
    "exallocatepool*",
    "mallochook*",
    "je_*",
    "tc_*",
    "mi_*",
    "dlmalloc",
    "dlcalloc",
    "dlrealloc",
    "cplusplus_new",
    "ntallocatevirtualmemory*",
    "zwallocatevirtualmemory*",
    "ntcreate*",
    "zwcreate*",
    "ntopen*",
    "zwopen*",
    "ntduplicateobject",
};

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

// Whether the `len` first bytes of `text` are what `pattern` says.
static bool matches(const char *pattern, const char *text, size_t len)
{
    size_t i = 0;
    for (; pattern[i]; i++) {
        if (pattern[i] == '*')
            return true;
        if (i >= len || (pattern[i] != '?' && pattern[i] != lower(text[i])))
            return false;
    }
    return i == len;
}

static bool any(const char *const *patterns, size_t n, const char *text, size_t len)
{
    for (size_t i = 0; i < n; i++) {
        if (matches(patterns[i], text, len))
            return true;
    }
    return false;
}

static size_t without_ending(const char *module)
{
    static const char *const endings[] = { ".dll", ".exe", ".sys" };
    size_t len = strlen(module);
    for (size_t i = 0; i < 3; i++) {
        if (len > 4 && matches(endings[i], module + len - 4, 4))
            return len - 4;
    }
    return len;
}

bool seep_blame_passes_on(const char *module, const char *function)
{
    if (function &&
        any(functions, sizeof functions / sizeof *functions, function, strlen(function)))
        return true;
    if (!module)
        return false;
    size_t len = without_ending(module);
    return any(kernel_modules, sizeof kernel_modules / sizeof *kernel_modules, module, len) ||
           any(modules, sizeof modules / sizeof *modules, module, len);
}

// ---- frames as text

static bool number_at(const char *text, const char *end, int base, uint64_t *value)
{
    uint64_t sum = 0;
    if (text == end)
        return false;
    for (; text < end; text++) {
        char c = lower(*text);
        unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                         : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
                                                : 99;
        if (digit >= (unsigned)base || sum > (UINT64_MAX - digit) / (unsigned)base)
            return false;
        sum = sum * (unsigned)base + digit;
    }
    *value = sum;
    return true;
}

// Takes `[file @ line]` or `(file, line)` off the end.
static const char *parse_place(const char *text, const char *end, struct seep_frame_text *parts)
{
    char close = end > text ? end[-1] : '\0';
    if (close != ']' && close != ')')
        return end;
    char open = close == ']' ? '[' : '(', mark = close == ']' ? '@' : ',';
    const char *at = end - 1, *line = NULL;
    uint64_t value;
    while (at > text && at[-1] != mark && at[-1] != open)
        at--;
    line = at;
    while (line < end && *line == ' ')
        line++;
    if (at == text || at[-1] != mark || !number_at(line, end - 1, 10, &value) || value > UINT32_MAX)
        return end;
    const char *file_end = at - 1, *file = file_end;
    while (file > text && file[-1] != open)
        file--;
    if (file == text)
        return end;
    while (file_end > file && file_end[-1] == ' ')
        file_end--;
    if (file_end == file)
        return end;
    parts->file = file;
    parts->file_len = (size_t)(file_end - file);
    parts->line = (uint32_t)value;
    end = file - 1;
    while (end > text && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == ':'))
        end--;
    return end;
}

void seep_frame_text_parse(const char *text, struct seep_frame_text *parts)
{
    *parts = (struct seep_frame_text){ 0 };
    while (*text == ' ' || *text == '\t')
        text++;
    const char *end = text + strlen(text);
    while (end > text && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    end = parse_place(text, end, parts);
    const char *bang = memchr(text, '!', (size_t)(end - text)), *name = bang ? bang + 1 : text;
    if (bang) {
        parts->module = text;
        parts->module_len = (size_t)(bang - text);
    }
    const char *plus = end;
    while (plus > name && plus[-1] != '+')
        plus--;
    if (plus > name && plus + 2 < end && plus[0] == '0' && lower(plus[1]) == 'x' &&
        number_at(plus + 2, end, 16, &parts->offset))
        parts->has_offset = true;
    else if (plus > name && number_at(plus, end, 16, &parts->offset))
        parts->has_offset = true;
    if (parts->has_offset)
        end = plus - 1;
    parts->function = name;
    parts->function_len = (size_t)(end - name);
    // "module+0x123": no function is known.
    if (!bang && parts->has_offset) {
        parts->module = name;
        parts->module_len = parts->function_len;
        parts->function_len = 0;
    }
}
