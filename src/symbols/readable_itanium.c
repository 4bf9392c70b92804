// SPDX-License-Identifier: MIT
// Names that gcc and clang decorate for mingw: "_ZN3Foo1fEv".
//
// Source of the grammar: itanium-cxx-abi.github.io/cxx-abi/abi.html#mangling.
#include "symbols/readable_internal.h"

#include <string.h>

enum { MAX_KNOWN = 128 };

struct itanium {
    struct seep_reading_name *r;
    struct seep_piece known[MAX_KNOWN]; // what S_, S0_, ... stand for
    unsigned n_known;
};

static struct seep_piece read_type(struct itanium *t);
static struct seep_piece read_name(struct itanium *t, bool is_type);
static struct seep_piece read_encoding(struct itanium *t);
static struct seep_piece read_arguments(struct itanium *t);

static struct seep_piece text(struct itanium *t, const char *text)
{
    return seep_piece_make(t->r, text, NULL);
}

static bool starts(struct itanium *t, const char *with)
{
    size_t len = strlen(with);
    if (t->r->failed || strncmp(t->r->p, with, len) != 0)
        return false;
    t->r->p += len;
    return true;
}

static void know(struct itanium *t, struct seep_piece piece)
{
    if (t->n_known < MAX_KNOWN)
        t->known[t->n_known++] = piece;
    else
        t->r->failed = true;
}

static bool enter(struct itanium *t)
{
    if (t->r->failed || ++t->r->depth > SEEP_READABLE_DEPTH)
        t->r->failed = true;
    return !t->r->failed;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

// A length and that many characters.
static struct seep_piece read_identifier(struct itanium *t)
{
    size_t len = 0;
    while (is_digit(*t->r->p) && len < SEEP_READABLE_POOL)
        len = len * 10 + (size_t)(*t->r->p++ - '0');
    if (!len || len > SEEP_READABLE_POOL || strnlen(t->r->p, len) < len)
        return seep_not_understood(t->r);
    if (len >= 10 && strncmp(t->r->p, "_GLOBAL__N", 10) == 0) {
        t->r->p += len;
        return text(t, "(anonymous namespace)");
    }
    struct seep_piece name = seep_piece_begin(t->r);
    seep_piece_text(t->r, t->r->p, len);
    t->r->p += len;
    return seep_piece_end(t->r, name);
}

// The digits of a number in base 36 up to '_': none is 0, "0" is 1.
static unsigned read_sequence(struct itanium *t)
{
    unsigned value = 0;
    if (seep_take(t->r, '_'))
        return 0;
    for (; value < MAX_KNOWN; t->r->p++) {
        char c = *t->r->p;
        if (is_digit(c))
            value = value * 36 + (unsigned)(c - '0');
        else if (c >= 'A' && c <= 'Z')
            value = value * 36 + (unsigned)(c - 'A') + 10;
        else
            break;
    }
    if (!seep_take(t->r, '_'))
        t->r->failed = true;
    return value + 1;
}

// After 'S'. `*is_std` becomes true where it is the namespace std, in which a name follows.
static struct seep_piece read_substitution(struct itanium *t, bool *is_std)
{
    static const char *const names[] = {
        ['a'] = "std::allocator", ['b'] = "std::basic_string", ['s'] = "std::string",
        ['i'] = "std::istream",   ['o'] = "std::ostream",      ['d'] = "std::iostream",
    };
    char c = *t->r->p;
    *is_std = c == 't';
    if (*is_std) {
        t->r->p++;
        return text(t, "std");
    }
    if (c >= 'a' && c <= 's' && names[(size_t)c]) {
        t->r->p++;
        return text(t, names[(size_t)c]);
    }
    unsigned i = read_sequence(t);
    return !t->r->failed && i < t->n_known ? t->known[i] : seep_not_understood(t->r);
}

static const struct {
    char code[3];
    const char *name;
} operators[] = {
    { "nw", "operator new" },      { "na", "operator new[]" }, { "dl", "operator delete" },
    { "da", "operator delete[]" }, { "ps", "operator+" },      { "ng", "operator-" },
    { "ad", "operator&" },         { "de", "operator*" },      { "co", "operator~" },
    { "pl", "operator+" },         { "mi", "operator-" },      { "ml", "operator*" },
    { "dv", "operator/" },         { "rm", "operator%" },      { "an", "operator&" },
    { "or", "operator|" },         { "eo", "operator^" },      { "aS", "operator=" },
    { "pL", "operator+=" },        { "mI", "operator-=" },     { "mL", "operator*=" },
    { "dV", "operator/=" },        { "rM", "operator%=" },     { "aN", "operator&=" },
    { "oR", "operator|=" },        { "eO", "operator^=" },     { "ls", "operator<<" },
    { "rs", "operator>>" },        { "lS", "operator<<=" },    { "rS", "operator>>=" },
    { "eq", "operator==" },        { "ne", "operator!=" },     { "lt", "operator<" },
    { "gt", "operator>" },         { "le", "operator<=" },     { "ge", "operator>=" },
    { "nt", "operator!" },         { "aa", "operator&&" },     { "oo", "operator||" },
    { "pp", "operator++" },        { "mm", "operator--" },     { "cm", "operator," },
    { "pm", "operator->*" },       { "pt", "operator->" },     { "cl", "operator()" },
    { "ix", "operator[]" },        { "ss", "operator<=>" },    { "aw", "operator co_await" },
};

// A lambda ("Ul...E_") or an unnamed type ("Ut_"), after 'U'.
static struct seep_piece read_unnamed(struct itanium *t)
{
    bool lambda = seep_take(t->r, 'l');
    if (!lambda && !seep_take(t->r, 't'))
        return seep_not_understood(t->r);
    while (lambda && !t->r->failed && !seep_take(t->r, 'E'))
        (void)read_type(t); // of its parameters
    unsigned n = 1;
    if (!seep_take(t->r, '_')) {
        n = 2;
        while (is_digit(*t->r->p) && n < MAX_KNOWN)
            n = (n - 2) * 10 + (unsigned)(*t->r->p++ - '0') + 2;
        if (!seep_take(t->r, '_'))
            return seep_not_understood(t->r);
    }
    struct seep_piece name = seep_piece_begin(t->r);
    seep_buf_addf(&t->r->pool, lambda ? "{lambda#%u}" : "{unnamed#%u}", n);
    t->r->failed |= t->r->pool.failed;
    return seep_piece_end(t->r, name);
}

// The last part of a qualified name, without its template arguments: what constructors are called.
static struct seep_piece last_part(const struct seep_reading_name *r, struct seep_piece whole)
{
    unsigned angle = 0;
    size_t end = whole.len;
    const char *s = whole.len ? r->pool.data + whole.at : "";
    if (end && s[end - 1] == '>') {
        while (end) {
            end--;
            angle += s[end] == '>';
            angle -= s[end] == '<' && angle;
            if (!angle)
                break;
        }
    }
    size_t start = end;
    while (start && !(s[start - 1] == ':'))
        start--;
    return (struct seep_piece){ .at = whole.at + start, .len = end - start };
}

// One part of a name, in `scope`.
static struct seep_piece read_part(struct itanium *t, struct seep_piece scope)
{
    struct seep_piece part;
    const char *p = t->r->p;
    (void)seep_take(t->r, 'L'); // of this file alone
    if (is_digit(*t->r->p)) {
        part = read_identifier(t);
    } else if (*p == 'C' && p[1] && strchr("123I", p[1])) {
        t->r->p += 2;
        if (p[1] == 'I')
            return seep_not_understood(t->r);
        part = last_part(t->r, scope);
    } else if (*p == 'D' && p[1] && strchr("0124", p[1])) {
        t->r->p += 2;
        struct seep_piece class = last_part(t->r, scope);
        part = seep_piece_make(t->r, "~%p", &class);
    } else if (seep_take(t->r, 'U')) {
        part = read_unnamed(t);
    } else if (starts(t, "cv")) {
        struct seep_piece type = read_type(t);
        part = seep_piece_make(t->r, "operator %p", &type);
    } else if (starts(t, "li")) {
        struct seep_piece suffix = read_identifier(t);
        part = seep_piece_make(t->r, "operator\"\" %p", &suffix);
    } else {
        size_t i = 0, n = sizeof operators / sizeof *operators;
        while (i < n && !starts(t, operators[i].code))
            i++;
        part = i < n ? text(t, operators[i].name) : seep_not_understood(t->r);
    }
    while (seep_take(t->r, 'B')) { // tags of a version of the ABI
        struct seep_piece both[2] = { part, read_identifier(t) };
        part = seep_piece_make(t->r, "%p[abi:%p]", both);
    }
    return part;
}

static struct seep_piece with_arguments(struct itanium *t, struct seep_piece name)
{
    struct seep_piece both[2] = { name, read_arguments(t) };
    return seep_piece_make(t->r, "%p%p", both);
}

// After 'N': parts up to 'E'.
static struct seep_piece read_nested(struct itanium *t)
{
    struct seep_piece whole = { 0 };
    while (!t->r->failed && *t->r->p && strchr("rVKRO", *t->r->p))
        t->r->p++;
    while (!t->r->failed && !seep_take(t->r, 'E')) {
        bool is_std = false, known = false;
        if (*t->r->p == 'I') {
            whole = with_arguments(t, whole);
        } else if (*t->r->p == 'S') {
            t->r->p++;
            whole = read_substitution(t, &is_std);
            known = true;
        } else if (*t->r->p == 'T' || starts(t, "Dt") || starts(t, "DT")) {
            return seep_not_understood(t->r); // depends on arguments that are not shown
        } else {
            struct seep_piece both[2] = { whole, read_part(t, whole) };
            whole = whole.len ? seep_piece_make(t->r, "%p::%p", both) : both[1];
        }
        if (!known && !t->r->failed && *t->r->p != 'E')
            know(t, whole);
    }
    return whole;
}

// After 'Z': a function, and what is in it.
static struct seep_piece read_local(struct itanium *t)
{
    struct seep_piece both[2] = { read_encoding(t) };
    if (!seep_take(t->r, 'E'))
        return seep_not_understood(t->r);
    if (seep_take(t->r, 's')) {
        both[1] = text(t, "string literal");
    } else {
        if (seep_take(t->r, 'd'))
            (void)read_sequence(t);
        both[1] = read_name(t, false);
    }
    if (seep_take(t->r, '_')) { // which of several of that name
        bool many = seep_take(t->r, '_');
        while (is_digit(*t->r->p) && !t->r->failed) {
            t->r->p++;
            if (!many)
                break;
        }
        if (many && !seep_take(t->r, '_'))
            return seep_not_understood(t->r);
    }
    return seep_piece_make(t->r, "%p::%p", both);
}

// A name. Of a type, all of it can be referred to later.
static struct seep_piece read_plain_name(struct itanium *t, bool is_type)
{
    struct seep_piece name;
    bool known = false, is_std = false;
    if (seep_take(t->r, 'N')) {
        name = read_nested(t);
        if (is_type)
            know(t, name);
        return name;
    }
    if (seep_take(t->r, 'Z')) {
        name = read_local(t);
        if (is_type)
            know(t, name);
        return name;
    }
    if (*t->r->p == 'S') {
        t->r->p++;
        name = read_substitution(t, &is_std);
        known = !is_std;
        if (is_std) {
            struct seep_piece both[2] = { name, read_part(t, name) };
            name = seep_piece_make(t->r, "%p::%p", both);
        }
    } else {
        name = read_part(t, (struct seep_piece){ 0 });
    }
    if (!t->r->failed && *t->r->p == 'I') {
        if (!known)
            know(t, name);
        known = false;
        name = with_arguments(t, name);
    }
    if (is_type && !known)
        know(t, name);
    return name;
}

static struct seep_piece read_name(struct itanium *t, bool is_type)
{
    if (!enter(t))
        return (struct seep_piece){ 0 };
    struct seep_piece name = read_plain_name(t, is_type);
    t->r->depth--;
    return name;
}

// A value as a template argument, after 'L': "Lb1E", "Li42E", "L_Z...E".
static struct seep_piece read_literal(struct itanium *t)
{
    struct seep_piece value;
    if (starts(t, "_Z")) {
        value = read_encoding(t);
        if (!seep_take(t->r, 'E'))
            return seep_not_understood(t->r);
        return value;
    }
    bool is_bool = *t->r->p == 'b';
    (void)read_type(t);
    const char *sign = seep_take(t->r, 'n') ? "-" : "";
    const char *end = t->r->failed ? NULL : strchr(t->r->p, 'E');
    if (!end)
        return seep_not_understood(t->r);
    size_t len = (size_t)(end - t->r->p);
    value = seep_piece_begin(t->r);
    if (is_bool && len == 1) {
        seep_buf_adds(&t->r->pool, *t->r->p == '0' ? "false" : "true");
    } else {
        seep_piece_text(t->r, sign, strlen(sign));
        seep_piece_text(t->r, t->r->p, len);
    }
    t->r->p = end + 1;
    return seep_piece_end(t->r, value);
}

// "I" arguments "E", written with their angle brackets; packs ("J" arguments "E") are part of it.
static struct seep_piece read_arguments(struct itanium *t)
{
    struct seep_piece list = { 0 };
    unsigned packs = 0;
    if (!seep_take(t->r, 'I') || !enter(t))
        return seep_not_understood(t->r);
    for (;;) {
        struct seep_piece one;
        if (t->r->failed || !*t->r->p)
            return seep_not_understood(t->r);
        if (seep_take(t->r, 'J')) {
            packs++;
            continue;
        }
        if (seep_take(t->r, 'E')) {
            if (!packs)
                break;
            packs--;
            continue;
        }
        if (*t->r->p == 'X') // an expression
            return seep_not_understood(t->r);
        one = seep_take(t->r, 'L') ? read_literal(t) : read_type(t);
        struct seep_piece both[2] = { list, one };
        list = list.len ? seep_piece_make(t->r, "%p,%p", both) : one;
    }
    t->r->depth--;
    bool nested = list.len && t->r->pool.data[list.at + list.len - 1] == '>';
    return seep_piece_make(t->r, nested ? "<%p >" : "<%p>", &list);
}

static const char *const basic_types[] = {
    ['v'] = "void",        ['w'] = "wchar_t",
    ['b'] = "bool",        ['c'] = "char",
    ['a'] = "signed char", ['h'] = "unsigned char",
    ['s'] = "short",       ['t'] = "unsigned short",
    ['i'] = "int",         ['j'] = "unsigned int",
    ['l'] = "long",        ['m'] = "unsigned long",
    ['x'] = "long long",   ['y'] = "unsigned long long",
    ['n'] = "__int128",    ['o'] = "unsigned __int128",
    ['f'] = "float",       ['d'] = "double",
    ['e'] = "long double", ['g'] = "__float128",
    ['z'] = "...",
};

// After 'F': what it returns, parameters, up to 'E'.
static struct seep_piece read_function(struct itanium *t)
{
    (void)seep_take(t->r, 'Y');
    struct seep_piece both[2] = { read_type(t) }, list = { 0 };
    while (!t->r->failed && !seep_take(t->r, 'E')) {
        if (seep_take(t->r, 'R') || seep_take(t->r, 'O'))
            continue;
        struct seep_piece pair[2] = { list, read_type(t) };
        list = list.len ? seep_piece_make(t->r, "%p,%p", pair) : pair[1];
    }
    both[1] = list;
    return seep_piece_make(t->r, "%p (%p)", both);
}

static struct seep_piece read_array(struct itanium *t)
{
    struct seep_piece both[2], size = seep_piece_begin(t->r);
    for (; is_digit(*t->r->p); t->r->p++)
        seep_piece_text(t->r, t->r->p, 1);
    size = seep_piece_end(t->r, size);
    if (!seep_take(t->r, '_'))
        return seep_not_understood(t->r);
    both[0] = read_type(t);
    both[1] = size;
    return seep_piece_make(t->r, "%p[%p]", both);
}

// After 'D': types of two letters.
static struct seep_piece read_other(struct itanium *t)
{
    char c = *t->r->p ? *t->r->p++ : '\0';
    switch (c) {
    case 'i':
        return text(t, "char32_t");
    case 's':
        return text(t, "char16_t");
    case 'u':
        return text(t, "char8_t");
    case 'n':
        return text(t, "std::nullptr_t");
    case 'p': // the parts of a pack
        return read_type(t);
    default:
        return seep_not_understood(t->r);
    }
}

static struct seep_piece read_one_type(struct itanium *t)
{
    const char *format = NULL;
    struct seep_piece of[2];
    char c = *t->r->p;
    if (c > 0 && (size_t)c < sizeof basic_types / sizeof *basic_types && basic_types[(size_t)c]) {
        t->r->p++;
        return text(t, basic_types[(size_t)c]);
    }
    switch (c) {
    case 'P':
        format = "%p*";
        break;
    case 'R':
        format = "%p&";
        break;
    case 'O':
        format = "%p&&";
        break;
    case 'K':
        format = "%p const";
        break;
    case 'V':
        format = "%p volatile";
        break;
    case 'F':
        t->r->p++;
        of[0] = read_function(t);
        know(t, of[0]);
        return of[0];
    case 'A':
        t->r->p++;
        of[0] = read_array(t);
        know(t, of[0]);
        return of[0];
    case 'M':
        t->r->p++;
        of[0] = read_type(t);
        of[1] = read_type(t);
        of[0] = seep_piece_make(t->r, "%p::*%p", of);
        know(t, of[0]);
        return of[0];
    case 'D':
        t->r->p++;
        return read_other(t);
    default:
        return read_name(t, true);
    }
    t->r->p++;
    of[0] = read_type(t);
    of[0] = seep_piece_make(t->r, format, of);
    know(t, of[0]);
    return of[0];
}

static struct seep_piece read_type(struct itanium *t)
{
    if (!enter(t))
        return (struct seep_piece){ 0 };
    struct seep_piece type = read_one_type(t);
    t->r->depth--;
    return type;
}

// A name and the types of its parameters, which end with the symbol or at 'E'.
static struct seep_piece read_encoding(struct itanium *t)
{
    if (!enter(t))
        return (struct seep_piece){ 0 };
    struct seep_piece name = read_name(t, false);
    while (!t->r->failed && *t->r->p && *t->r->p != 'E' && *t->r->p != '.')
        (void)read_type(t);
    t->r->depth--;
    return name;
}

// A tag before a name: tables of a class, guards, thunks.
static struct seep_piece read_tagged(struct itanium *t, bool *tagged)
{
    static const struct {
        const char *code, *format;
        bool type;
    } tags[] = {
        { "TV", "%p::`vftable'", true },        { "TT", "%p::`VTT'", true },
        { "TI", "%p::`typeinfo'", true },       { "TS", "%p::`typeinfo name'", true },
        { "GV", "`guard of %p'", false },       { "TH", "`TLS init of %p'", false },
        { "TW", "`TLS wrapper of %p'", false }, { "GR", "`reference temporary of %p'", false },
    };
    *tagged = true;
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++) {
        if (starts(t, tags[i].code)) {
            struct seep_piece of = tags[i].type ? read_type(t) : read_name(t, false);
            return seep_piece_make(t->r, tags[i].format, &of);
        }
    }
    // thunks that adjust `this`: offsets, then the function
    unsigned offsets = starts(t, "Th") ? 1 : starts(t, "Tv") ? 2 : 0;
    *tagged = offsets > 0;
    for (; offsets; offsets--) {
        (void)seep_take(t->r, 'n');
        while (is_digit(*t->r->p))
            t->r->p++;
        if (!seep_take(t->r, '_'))
            return seep_not_understood(t->r);
    }
    return *tagged ? read_name(t, false) : (struct seep_piece){ 0 };
}

struct seep_piece seep_readable_itanium(struct seep_reading_name *r)
{
    struct itanium t = { .r = r };
    bool tagged;
    r->p += 2; // "_Z"
    struct seep_piece name = read_tagged(&t, &tagged);
    return tagged ? name : read_name(&t, false);
}
