// SPDX-License-Identifier: MIT
// Names that Microsoft's compilers decorate: "?f@Class@@QEAAXXZ".
//
// Types are written as PDBs write them ("std::vector<int,std::allocator<int> >"), so that the name
// of a class is the one under which its layout is found.
// Source of the grammar: en.wikiversity.org/wiki/Visual_C++_name_mangling, and names in PDBs that
// carry both forms.
#include "symbols/readable_internal.h"

#include <string.h>

enum { MAX_MEMO = 10, MAX_SCOPES = 32 };

// What digits refer back to: the first ten names, and the first ten types of parameters.
struct memo {
    struct seep_piece names[MAX_MEMO], types[MAX_MEMO];
    unsigned n_names, n_types;
};

struct msvc {
    struct seep_reading_name *r;
    struct memo memo;
};

static struct seep_piece read_type(struct msvc *m);
static struct seep_piece read_qualified(struct msvc *m, bool is_type);
static struct seep_piece read_symbol(struct msvc *m);
static struct seep_piece peek_returned(struct msvc *m);

static bool equal(const struct seep_reading_name *r, struct seep_piece a, struct seep_piece b)
{
    return a.len == b.len && memcmp(r->pool.data + a.at, r->pool.data + b.at, a.len) == 0;
}

static void remember_name(struct msvc *m, struct seep_piece name)
{
    if (m->r->failed || m->memo.n_names == MAX_MEMO || !name.len)
        return;
    for (unsigned i = 0; i < m->memo.n_names; i++) {
        if (equal(m->r, m->memo.names[i], name))
            return;
    }
    m->memo.names[m->memo.n_names++] = name;
}

static struct seep_piece text(struct msvc *m, const char *text)
{
    return seep_piece_make(m->r, text, NULL);
}

// Up to '@', which is taken too.
static struct seep_piece read_identifier(struct msvc *m)
{
    const char *end = strchr(m->r->p, '@');
    if (!end || end == m->r->p)
        return seep_not_understood(m->r);
    struct seep_piece name = seep_piece_begin(m->r);
    seep_piece_text(m->r, m->r->p, (size_t)(end - m->r->p));
    m->r->p = end + 1;
    return seep_piece_end(m->r, name);
}

// "0" to "9" are 1 to 10; else hexadecimal digits A to P up to '@'. A '?' before it is a minus.
static struct seep_piece read_number(struct msvc *m, unsigned more)
{
    bool negative = seep_take(m->r, '?');
    unsigned long long value = 0;
    char c = *m->r->p;
    if (c >= '0' && c <= '9') {
        value = (unsigned)(c - '0') + 1;
        m->r->p++;
    } else {
        for (; (c = *m->r->p) >= 'A' && c <= 'P'; m->r->p++)
            value = value << 4 | (unsigned)(c - 'A');
        if (!seep_take(m->r, '@'))
            return seep_not_understood(m->r);
    }
    value += more;
    char digits[24];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    struct seep_piece number = seep_piece_begin(m->r);
    seep_piece_text(m->r, "-", negative);
    seep_piece_text(m->r, digits + at, sizeof digits - at);
    return seep_piece_end(m->r, number);
}

static const char *const operators[] = {
    ['2'] = "operator new", ['3'] = "operator delete", ['4'] = "operator=",  ['5'] = "operator>>",
    ['6'] = "operator<<",   ['7'] = "operator!",       ['8'] = "operator==", ['9'] = "operator!=",
    ['A'] = "operator[]",   ['C'] = "operator->",      ['D'] = "operator*",  ['E'] = "operator++",
    ['F'] = "operator--",   ['G'] = "operator-",       ['H'] = "operator+",  ['I'] = "operator&",
    ['J'] = "operator->*",  ['K'] = "operator/",       ['L'] = "operator%",  ['M'] = "operator<",
    ['N'] = "operator<=",   ['O'] = "operator>",       ['P'] = "operator>=", ['Q'] = "operator,",
    ['R'] = "operator()",   ['S'] = "operator~",       ['T'] = "operator^",  ['U'] = "operator|",
    ['V'] = "operator&&",   ['W'] = "operator||",      ['X'] = "operator*=", ['Y'] = "operator+=",
    ['Z'] = "operator-=",
};

// After an underscore.
static const char *const special_names[] = {
    ['0'] = "operator/=",
    ['1'] = "operator%=",
    ['2'] = "operator>>=",
    ['3'] = "operator<<=",
    ['4'] = "operator&=",
    ['5'] = "operator|=",
    ['6'] = "operator^=",
    ['7'] = "`vftable'",
    ['8'] = "`vbtable'",
    ['9'] = "`vcall'",
    ['A'] = "`typeof'",
    ['B'] = "`local static guard'",
    ['D'] = "`vbase destructor'",
    ['E'] = "`vector deleting destructor'",
    ['F'] = "`default constructor closure'",
    ['G'] = "`scalar deleting destructor'",
    ['H'] = "`vector constructor iterator'",
    ['I'] = "`vector destructor iterator'",
    ['J'] = "`vector vbase constructor iterator'",
    ['K'] = "`virtual displacement map'",
    ['L'] = "`eh vector constructor iterator'",
    ['M'] = "`eh vector destructor iterator'",
    ['N'] = "`eh vector vbase constructor iterator'",
    ['O'] = "`copy constructor closure'",
    ['S'] = "`local vftable'",
    ['T'] = "`local vftable constructor closure'",
    ['U'] = "operator new[]",
    ['V'] = "operator delete[]",
    ['X'] = "`placement delete closure'",
    ['Y'] = "`placement delete[] closure'",
};

static const char *const rtti_names[] = { "`RTTI Type Descriptor'", "`RTTI Base Class Descriptor'",
                                          "`RTTI Base Class Array'",
                                          "`RTTI Class Hierarchy Descriptor'",
                                          "`RTTI Complete Object Locator'" };

static const char *row(const char *const *rows, size_t count, char c)
{
    return c > 0 && (size_t)c < count ? rows[(size_t)c] : NULL;
}

// What a name is when it is made of the class that it belongs to, or of the type it returns.
enum made_of_class { PLAIN, CONSTRUCTOR, DESTRUCTOR, CAST };

// After two underscores.
static struct seep_piece read_rare(struct msvc *m)
{
    struct seep_piece of;
    char c = *m->r->p ? *m->r->p++ : '\0';
    switch (c) {
    case 'E':
    case 'F':
        // the variable itself is decorated, or only its name stands here
        if (*m->r->p == '?') {
            of = read_symbol(m);
            (void)seep_take(m->r, '@');
        } else {
            of = read_identifier(m);
        }
        return seep_piece_make(m->r,
                               c == 'E' ? "`dynamic initializer for '%p''"
                                        : "`dynamic atexit destructor for '%p''",
                               &of);
    case 'J':
        return text(m, "`local static thread guard'");
    case 'K':
        of = read_identifier(m);
        return seep_piece_make(m->r, "operator \"\"%p", &of);
    case 'L':
        return text(m, "operator co_await");
    case 'M':
        return text(m, "operator<=>");
    default:
        return seep_not_understood(m->r);
    }
}

static struct seep_piece read_rtti(struct msvc *m)
{
    char c = *m->r->p;
    if (c < '0' || c > '4')
        return seep_not_understood(m->r);
    m->r->p++;
    if (c == '0') {
        struct seep_piece type = read_type(m);
        return seep_piece_make(m->r, "%p::`RTTI Type Descriptor'", &type);
    }
    for (int i = 0; c == '1' && i < 4; i++)
        (void)read_number(m, 0);
    return text(m, rtti_names[c - '0']);
}

// After '?': an operator or one of the compiler's own names.
static struct seep_piece read_special(struct msvc *m, enum made_of_class *made)
{
    char c = *m->r->p ? *m->r->p++ : '\0';
    if (c == '0' || c == '1' || c == 'B') {
        *made = c == '0' ? CONSTRUCTOR : c == '1' ? DESTRUCTOR : CAST;
        return (struct seep_piece){ 0 };
    }
    const char *name = row(operators, sizeof operators / sizeof *operators, c);
    if (c == '_') {
        if (seep_take(m->r, '_'))
            return read_rare(m);
        if (seep_take(m->r, 'R'))
            return read_rtti(m);
        c = *m->r->p ? *m->r->p++ : '\0';
        name = row(special_names, sizeof special_names / sizeof *special_names, c);
    }
    return name ? text(m, name) : seep_not_understood(m->r);
}

static bool starts(struct msvc *m, const char *with)
{
    size_t len = strlen(with);
    if (m->r->failed || strncmp(m->r->p, with, len) != 0)
        return false;
    m->r->p += len;
    return true;
}

// One argument of a template; false where it stands for nothing.
static bool read_argument(struct msvc *m, struct seep_piece *argument)
{
    if (starts(m, "$$V") || starts(m, "$$$V") || starts(m, "$$Z") || starts(m, "$S"))
        return false;
    if (starts(m, "$0")) {
        *argument = read_number(m, 0);
    } else if (starts(m, "$1")) {
        // an object or function; '@' alone is a null pointer
        struct seep_piece of = { 0 };
        if (seep_take(m->r, '@'))
            *argument = text(m, "0");
        else {
            of = read_symbol(m);
            *argument = seep_piece_make(m->r, "&%p", &of);
        }
    } else if (starts(m, "$$Y")) {
        *argument = read_qualified(m, true);
    } else if (*m->r->p == '$' && m->r->p[1] != '$') {
        *argument = seep_not_understood(m->r);
    } else {
        *argument = read_type(m);
    }
    return true;
}

// After "?$": the template's name and its arguments up to '@', with memories of their own.
static struct seep_piece read_template(struct msvc *m, enum made_of_class *made)
{
    struct memo outer = m->memo;
    struct seep_piece arguments[2], name;
    m->memo = (struct memo){ 0 };
    if (++m->r->depth > SEEP_READABLE_DEPTH)
        return seep_not_understood(m->r);
    if (seep_take(m->r, '?')) {
        name = read_special(m, made);
    } else {
        name = read_identifier(m);
        remember_name(m, name);
    }
    struct seep_piece list = { 0 };
    while (!m->r->failed && !seep_take(m->r, '@')) {
        struct seep_piece argument;
        if (!*m->r->p)
            return seep_not_understood(m->r);
        if (!read_argument(m, &argument))
            continue;
        arguments[0] = list;
        arguments[1] = argument;
        list = list.len ? seep_piece_make(m->r, "%p,%p", arguments) : argument;
    }
    m->memo = outer;
    m->r->depth--;
    if (m->r->failed)
        return name;
    arguments[0] = name;
    arguments[1] = list;
    bool nested = list.len && m->r->pool.data[list.at + list.len - 1] == '>';
    return seep_piece_make(m->r, nested ? "%p<%p >" : "%p<%p>", arguments);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static struct seep_piece read_back_reference(struct msvc *m)
{
    unsigned i = (unsigned)(*m->r->p++ - '0');
    return i < m->memo.n_names ? m->memo.names[i] : seep_not_understood(m->r);
}

// A block in a function: its number, then the whole function.
static struct seep_piece read_local(struct msvc *m)
{
    struct seep_piece of[2];
    of[1] = read_number(m, 0);
    if (!seep_take(m->r, '?') || ++m->r->depth > SEEP_READABLE_DEPTH)
        return seep_not_understood(m->r);
    of[0] = read_symbol(m);
    m->r->depth--;
    return seep_piece_make(m->r, "`%p'::`%p'", of);
}

// A class, namespace or function around a name.
static struct seep_piece read_scope(struct msvc *m)
{
    enum made_of_class made = PLAIN;
    struct seep_piece scope;
    if (is_digit(*m->r->p))
        return read_back_reference(m);
    if (starts(m, "?$")) {
        scope = read_template(m, &made);
        if (made != PLAIN)
            return seep_not_understood(m->r);
    } else if (starts(m, "?A")) { // with a hash of its own
        (void)read_identifier(m);
        scope = text(m, "`anonymous namespace'");
    } else if (seep_take(m->r, '?')) {
        return read_local(m);
    } else {
        scope = read_identifier(m);
    }
    remember_name(m, scope);
    return scope;
}

// The name itself, before its scopes.
static struct seep_piece read_own(struct msvc *m, bool is_type, enum made_of_class *made)
{
    struct seep_piece name;
    if (is_digit(*m->r->p))
        return read_back_reference(m);
    if (starts(m, "?$")) {
        name = read_template(m, made);
        if (is_type)
            remember_name(m, name);
        return name;
    }
    if (!is_type && seep_take(m->r, '?'))
        return read_special(m, made);
    name = read_identifier(m);
    remember_name(m, name);
    return name;
}

// A name and its scopes, inner ones first, up to '@'.
static struct seep_piece read_qualified(struct msvc *m, bool is_type)
{
    struct seep_piece parts[MAX_SCOPES];
    size_t n = 0;
    enum made_of_class made = PLAIN;
    if (m->r->failed || ++m->r->depth > SEEP_READABLE_DEPTH)
        return seep_not_understood(m->r);
    parts[n++] = read_own(m, is_type, &made);
    while (!m->r->failed && !seep_take(m->r, '@')) {
        if (!*m->r->p || n == MAX_SCOPES)
            return seep_not_understood(m->r);
        parts[n++] = read_scope(m);
    }
    m->r->depth--;
    if (made == CAST) {
        struct seep_piece of[2] = { parts[0], peek_returned(m) };
        parts[0] = seep_piece_make(m->r, "operator%p %p", of);
        made = PLAIN;
    }
    if (m->r->failed || (made != PLAIN && n < 2))
        return seep_not_understood(m->r);
    if (made != PLAIN) {
        // a template of constructors has its arguments in its own part
        struct seep_piece of[2] = { parts[1], parts[0] };
        parts[0] = seep_piece_make(m->r, made == CONSTRUCTOR ? "%p%p" : "~%p%p", of);
    }
    struct seep_piece whole = seep_piece_begin(m->r);
    while (n-- > 0) {
        seep_piece_copy(m->r, parts[n]);
        if (n)
            seep_piece_text(m->r, "::", 2);
    }
    return seep_piece_end(m->r, whole);
}

static const char *const basic_types[] = {
    ['C'] = "signed char",    ['D'] = "char",  ['E'] = "unsigned char", ['F'] = "short",
    ['G'] = "unsigned short", ['H'] = "int",   ['I'] = "unsigned int",  ['J'] = "long",
    ['K'] = "unsigned long",  ['M'] = "float", ['N'] = "double",        ['O'] = "long double",
    ['X'] = "void",
};

static const char *const extended_types[] = {
    ['D'] = "__int8",   ['E'] = "unsigned __int8",   ['F'] = "__int16", ['G'] = "unsigned __int16",
    ['H'] = "__int32",  ['I'] = "unsigned __int32",  ['J'] = "__int64", ['K'] = "unsigned __int64",
    ['L'] = "__int128", ['M'] = "unsigned __int128", ['N'] = "bool",    ['Q'] = "char8_t",
    ['S'] = "char16_t", ['U'] = "char32_t",          ['W'] = "wchar_t",
};

// Calling conventions come in pairs (exported or not).
static struct seep_piece read_convention(struct msvc *m)
{
    static const char *const names[] = { "__cdecl",   "__pascal",   "__thiscall",
                                         "__stdcall", "__fastcall", "",
                                         "__clrcall", "__eabi",     "__vectorcall" };
    char c = *m->r->p;
    size_t i = c >= 'A' && c <= 'R' ? (size_t)(c - 'A') / 2 : sizeof names / sizeof *names;
    if (i >= sizeof names / sizeof *names)
        return seep_not_understood(m->r);
    m->r->p++;
    return text(m, names[i]);
}

// Parameters: types up to '@', or 'Z' where more may follow; "X" alone is none.
static struct seep_piece read_parameters(struct msvc *m)
{
    struct seep_piece list = { 0 };
    if (seep_take(m->r, 'X'))
        return text(m, "void");
    while (!m->r->failed && !seep_take(m->r, '@')) {
        struct seep_piece one, both[2];
        if (seep_take(m->r, 'Z')) {
            one = text(m, "...");
            both[0] = list;
            both[1] = one;
            return list.len ? seep_piece_make(m->r, "%p,%p", both) : one;
        }
        const char *start = m->r->p;
        if (is_digit(*start)) {
            unsigned i = (unsigned)(*m->r->p++ - '0');
            one = i < m->memo.n_types ? m->memo.types[i] : seep_not_understood(m->r);
        } else {
            one = read_type(m);
            if (!m->r->failed && m->r->p - start > 1 && m->memo.n_types < MAX_MEMO)
                m->memo.types[m->memo.n_types++] = one;
        }
        both[0] = list;
        both[1] = one;
        list = list.len ? seep_piece_make(m->r, "%p,%p", both) : one;
    }
    return list;
}

// A function's type after its qualifiers: convention, what it returns, parameters, exceptions.
// Pieces: what it returns, the convention, parameters.
static void read_function(struct msvc *m, struct seep_piece parts[3])
{
    parts[1] = read_convention(m);
    if (seep_take(m->r, '@')) // a constructor or destructor
        parts[0] = text(m, "void");
    else
        parts[0] = read_type(m);
    parts[2] = read_parameters(m);
    if (!starts(m, "_E") && !seep_take(m->r, 'Z'))
        (void)seep_not_understood(m->r);
}

static void skip_pointer_marks(struct msvc *m)
{
    while (!m->r->failed && (*m->r->p == 'E' || *m->r->p == 'F' || *m->r->p == 'I'))
        m->r->p++;
}

// What is const or volatile; letters from Q on say the same of members, whose class follows.
static const char *read_qualifiers(struct msvc *m, bool *member)
{
    static const char *const words[] = { "", " const", " volatile", " const volatile" };
    char c = *m->r->p;
    *member = c >= 'Q' && c <= 'T';
    if (!*member && !(c >= 'A' && c <= 'D')) {
        (void)seep_not_understood(m->r);
        return "";
    }
    m->r->p++;
    return words[*member ? c - 'Q' : c - 'A'];
}

static bool ends_with(const struct seep_reading_name *r, struct seep_piece piece, const char *end)
{
    size_t len = strlen(end);
    return !r->failed && piece.len >= len &&
           memcmp(r->pool.data + piece.at + piece.len - len, end, len) == 0;
}

// After 'Y': the count of dimensions, their sizes, the element. `mark` is that of a pointer to it,
// or NULL.
static struct seep_piece read_array(struct msvc *m, const char *qualifiers, const char *mark)
{
    struct seep_piece count = read_number(m, 0), dimensions = { 0 }, parts[4];
    unsigned n = 0;
    if (!m->r->failed && count.len == 1)
        n = (unsigned)(m->r->pool.data[count.at] - '0');
    if (!n)
        return seep_not_understood(m->r);
    for (; n && !m->r->failed; n--) {
        struct seep_piece both[2] = { dimensions, read_number(m, 0) };
        dimensions = seep_piece_make(m->r, "%p[%p]", both);
    }
    parts[0] = read_type(m);
    // "$$CB" before the element says the same again
    parts[1] = text(m, ends_with(m->r, parts[0], qualifiers) ? "" : qualifiers);
    if (!mark) {
        parts[2] = dimensions;
        return seep_piece_make(m->r, "%p%p%p", parts);
    }
    parts[2] = text(m, mark);
    struct seep_piece made = seep_piece_make(m->r, "%p%p (%p", parts);
    size_t hole = made.len;
    struct seep_piece both[2] = { made, dimensions };
    made = seep_piece_make(m->r, "%p)%p", both);
    made.hole = m->r->failed ? 0 : hole;
    return made;
}

// A function's type around a pointer's mark: "int (__cdecl*)(void)".
static struct seep_piece make_function(struct msvc *m, const struct seep_piece function[3],
                                       const char *class_format, struct seep_piece class,
                                       const char *mark)
{
    struct seep_piece parts[4] = { function[0], function[1], class, text(m, mark) };
    struct seep_piece made = seep_piece_make(m->r, class_format, parts);
    size_t hole = made.len;
    struct seep_piece both[2] = { made, function[2] };
    made = seep_piece_make(m->r, "%p)(%p)", both);
    made.hole = m->r->failed ? 0 : hole;
    return made;
}

// A pointer to what has its mark inside: to a function or an array.
static struct seep_piece fill_hole(struct msvc *m, struct seep_piece of, const char *mark)
{
    struct seep_piece parts[3] = { { .at = of.at, .len = of.hole },
                                   text(m, mark),
                                   { .at = of.at + of.hole, .len = of.len - of.hole } };
    struct seep_piece made = seep_piece_make(m->r, "%p%p%p", parts);
    made.hole = m->r->failed ? 0 : of.hole + parts[1].len;
    return made;
}

// After the letter of a pointer or reference, which is `mark`.
static struct seep_piece read_pointer(struct msvc *m, const char *mark)
{
    struct seep_piece function[3], class = { 0 };
    bool member;
    if (seep_take(m->r, '6') || seep_take(m->r, '7')) {
        read_function(m, function);
        return make_function(m, function, "%p (%p%p%p", class, mark);
    }
    if (seep_take(m->r, '8') || seep_take(m->r, '9')) {
        class = read_qualified(m, true);
        skip_pointer_marks(m);
        (void)read_qualifiers(m, &member);
        read_function(m, function);
        return make_function(m, function, "%p (%p %p::%p", class, mark);
    }
    skip_pointer_marks(m);
    const char *qualifiers = read_qualifiers(m, &member);
    if (member)
        class = read_qualified(m, true);
    if (seep_take(m->r, 'Y'))
        return read_array(m, qualifiers, mark);
    struct seep_piece of = read_type(m);
    if (of.hole)
        return fill_hole(m, of, mark);
    // a pointer that is const says so itself already
    if (ends_with(m->r, of, qualifiers))
        qualifiers = "";
    struct seep_piece all[4] = { of, text(m, qualifiers), member ? class : text(m, mark),
                                 text(m, mark) };
    return seep_piece_make(m->r, member ? "%p%p %p::%p" : "%p%p %p", all);
}

// After "$$".
static struct seep_piece read_extended(struct msvc *m)
{
    struct seep_piece parts[3];
    bool member;
    switch (*m->r->p ? *m->r->p++ : '\0') {
    case 'Q':
    case 'R':
        return read_pointer(m, "&&");
    case 'C': {
        const char *qualifiers = read_qualifiers(m, &member);
        parts[0] = read_type(m);
        parts[1] = text(m, qualifiers);
        return seep_piece_make(m->r, "%p%p", parts);
    }
    case 'B':
        return seep_take(m->r, 'Y') ? read_array(m, "", NULL) : read_type(m);
    case 'A':
        if (!seep_take(m->r, '6'))
            return seep_not_understood(m->r);
        read_function(m, parts);
        return seep_piece_make(m->r, "%p %p(%p)", parts);
    case 'T':
        return text(m, "std::nullptr_t");
    default:
        return seep_not_understood(m->r);
    }
}

static struct seep_piece read_one_type(struct msvc *m)
{
    struct seep_piece of[2];
    bool member;
    char c = *m->r->p ? *m->r->p++ : '\0';
    switch (c) {
    case 'T':
    case 'U':
    case 'V':
        return read_qualified(m, true);
    case 'W':
        if (!is_digit(*m->r->p))
            return seep_not_understood(m->r);
        m->r->p++; // the kind of its values
        of[0] = read_qualified(m, true);
        return seep_piece_make(m->r, "enum %p", of);
    case 'P':
        return read_pointer(m, "*");
    case 'Q':
        return read_pointer(m, "* const");
    case 'R':
        return read_pointer(m, "* volatile");
    case 'S':
        return read_pointer(m, "* const volatile");
    case 'A':
        return read_pointer(m, "&");
    case 'B':
        return read_pointer(m, "& volatile");
    case 'Y':
        return read_array(m, "", NULL);
    case '?': {
        const char *qualifiers = read_qualifiers(m, &member);
        of[0] = read_type(m);
        of[1] = text(m, qualifiers);
        return seep_piece_make(m->r, "%p%p", of);
    }
    case '$':
        return seep_take(m->r, '$') ? read_extended(m) : seep_not_understood(m->r);
    case '_': {
        c = *m->r->p ? *m->r->p++ : '\0';
        const char *name = row(extended_types, sizeof extended_types / sizeof *extended_types, c);
        return name ? text(m, name) : seep_not_understood(m->r);
    }
    default: {
        const char *name = row(basic_types, sizeof basic_types / sizeof *basic_types, c);
        return name ? text(m, name) : seep_not_understood(m->r);
    }
    }
}

static struct seep_piece read_type(struct msvc *m)
{
    if (m->r->failed || ++m->r->depth > SEEP_READABLE_DEPTH)
        return seep_not_understood(m->r);
    struct seep_piece type = read_one_type(m);
    m->r->depth--;
    return type;
}

// What follows a symbol's name: only its end matters.
static void skip_encoding(struct msvc *m)
{
    struct seep_piece parts[3];
    bool member;
    char c = *m->r->p ? *m->r->p++ : '\0';
    if (c >= '0' && c <= '4') { // a variable
        (void)read_type(m);
        skip_pointer_marks(m);
        (void)read_qualifiers(m, &member);
    } else if (c == 'Y' || c == 'Z') {
        read_function(m, parts);
    } else if (c >= 'A' && c <= 'X') { // of a class: three kinds of access, each eight letters
        unsigned kind = (unsigned)(c - 'A') % 8;
        if (kind >= 6) // a thunk that adjusts `this`
            (void)read_number(m, 0);
        if (kind != 2 && kind != 3) { // not static
            skip_pointer_marks(m);
            (void)read_qualifiers(m, &member);
        }
        read_function(m, parts);
    } else if (c != '9') { // extern "C"
        (void)seep_not_understood(m->r);
    }
}

// What the function whose name ends here returns; its encoding is still to be read.
static struct seep_piece peek_returned(struct msvc *m)
{
    const char *start = m->r->p;
    struct memo memo = m->memo;
    char c = *start;
    bool member;
    if (m->r->failed || c < 'A' || c > 'Z')
        return seep_not_understood(m->r);
    m->r->p++;
    if (c < 'Y') { // of a class; a cast is not static
        skip_pointer_marks(m);
        (void)read_qualifiers(m, &member);
    }
    (void)read_convention(m);
    struct seep_piece returned = read_type(m);
    m->r->p = start;
    m->memo = memo;
    return returned;
}

static struct seep_piece read_symbol(struct msvc *m)
{
    if (!seep_take(m->r, '?') || ++m->r->depth > SEEP_READABLE_DEPTH)
        return seep_not_understood(m->r);
    struct seep_piece name = read_qualified(m, false);
    skip_encoding(m);
    m->r->depth--;
    return name;
}

struct seep_piece seep_readable_msvc(struct seep_reading_name *r)
{
    struct msvc m = { .r = r };
    // a string's name holds its characters in a form of its own
    if (strncmp(r->p, "??_C@_", 6) == 0)
        return text(&m, "`string'");
    if (strncmp(r->p, "??_R0", 5) == 0) {
        r->p += 4;
        return read_rtti(&m);
    }
    if (!seep_take(r, '?'))
        return seep_not_understood(r);
    return read_qualified(&m, false);
}
