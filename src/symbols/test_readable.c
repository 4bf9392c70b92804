// SPDX-License-Identifier: MIT
// Tests of readable names.
#include "testkit.h"

#include "symbols/readable.h"

#include <stdlib.h>
#include <string.h>

static void expect(const char *name, const char *readable)
{
    struct seep_buf out = { 0 };
    bool understood = seep_symbol_readable(name, &out);
    assert_string_equal(seep_buf_text(&out), readable);
    assert_int_equal(understood, strcmp(name, readable) != 0);
    seep_buf_clear(&out);
}

static void names_of_microsofts_compilers(void **state)
{
    (void)state;
    expect("?f@@YAXXZ", "f");
    expect("?f@Class@@QEAAXXZ", "Class::f");
    expect("?x@ns@@3HA", "ns::x");
    expect("??0Foo@@QEAA@XZ", "Foo::Foo");
    expect("??1Foo@ns@@UEAA@XZ", "ns::Foo::~Foo");
    expect("??_7Foo@@6B@", "Foo::`vftable'");
    expect("??_7D@@6BBase@@@", "D::`vftable'");
    expect("??_R4Foo@ns@@6B@", "ns::Foo::`RTTI Complete Object Locator'");
    expect("??_R0?AVFoo@@@8", "Foo::`RTTI Type Descriptor'");
    expect("??_R1A@?0A@EA@Foo@@8", "Foo::`RTTI Base Class Descriptor'");
    expect("??_GFoo@@UEAAPEAXI@Z", "Foo::`scalar deleting destructor'");
    expect("??2@YAPEAX_K@Z", "operator new");
    expect("??4Foo@@QEAAAEAV0@AEBV0@@Z", "Foo::operator=");
    expect("??6std@@YAHH@Z", "std::operator<<");
    expect("??_C@_05CJBACGMB@hello?$AA@", "`string'");
    expect("??__Ex@@YAXXZ", "`dynamic initializer for 'x''");
    expect("??__E?x@ns@@3HA@@YAXXZ", "`dynamic initializer for 'ns::x''");
    expect("__imp_?f@@YAXXZ", "__imp_f");
    expect("_RtlUnwind@16", "RtlUnwind");
    expect("@__security_check_cookie@4", "__security_check_cookie");
    expect("_a@b", "_a@b");
    expect("_@4", "_@4");
}

static void templates_scopes_and_back_references(void **state)
{
    (void)state;
    expect("?size@?$vector@HV?$allocator@H@std@@@std@@QEBA_KXZ",
           "std::vector<int,std::allocator<int> >::size");
    expect("??0?$vector@HV?$allocator@H@std@@@std@@QEAA@XZ",
           "std::vector<int,std::allocator<int> >::vector<int,std::allocator<int> >");
    expect("??$max@H@std@@YAAEBHAEBH0@Z", "std::max<int>");
    expect("?f@?A0x1234abcd@@YAXXZ", "`anonymous namespace'::f");
    expect("?x@?1??f@@YAXXZ@4HA", "`f'::`2'::x");
    expect("?f@A@B@0@YAXXZ", "f::B::A::f");
    expect("??$f@$0CK@$0?0$00@@YAXXZ", "f<42,-1,1>");
    expect("??$f@PEBDAEAHQEAPEAX@@YAXXZ", "f<char const *,int &,void * * const>");
    expect("??$f@P6AHPEAXH@Z@@YAXXZ", "f<int (__cdecl*)(void *,int)>");
    expect("??$f@AEBQEBDAEAY06$$CBDPEAP6AXXZ@@YAXXZ",
           "f<char const * const &,char const (&)[7],void (__cdecl**)(void)>");
    expect("??B?$ptr@D@@QEBA_NXZ", "ptr<char>::operator bool");
    expect("??$f@W4Color@ns@@U?$pair@_N_W@std@@@@YAXXZ",
           "f<enum ns::Color,std::pair<bool,wchar_t> >");
    expect("??$f@$$V@@YAXXZ", "f<>");
    expect("??_7?$Holder@VFoo@@@ns@@6B@", "ns::Holder<Foo>::`vftable'");
    expect("??R<lambda_36eeb330e99a4f0bf8a7da86d0894cb9>@@QEBA@XZ",
           "<lambda_36eeb330e99a4f0bf8a7da86d0894cb9>::operator()");
    expect("??$?0H@Foo@@QEAA@H@Z", "Foo::Foo<int>");
}

static void names_of_gcc_and_clang(void **state)
{
    (void)state;
    expect("_ZTV3Foo", "Foo::`vftable'");
    expect("_ZN3Foo1fEv", "Foo::f");
    expect("__ZN3Foo1fEv", "Foo::f");
    expect("_Z4mainiPPc", "main");
    expect("_ZN2ns3FooC1Ev", "ns::Foo::Foo");
    expect("_ZN2ns3FooD0Ev", "ns::Foo::~Foo");
    expect("_ZNK3Foo3getEv", "Foo::get");
    expect("_ZNSt6vectorIiSaIiEE9push_backEOi", "std::vector<int,std::allocator<int> >::push_back");
    expect("_ZNSt6vectorIiSaIiEEC2Ev", "std::vector<int,std::allocator<int> >::vector");
    expect("_ZTVN2ns3FooIiEE", "ns::Foo<int>::`vftable'");
    expect("_ZTI3Foo", "Foo::`typeinfo'");
    expect("_ZN12_GLOBAL__N_11fEv", "(anonymous namespace)::f");
    expect("_ZZ1fvE1x", "f::x");
    expect("_ZZ4mainENKUlvE_clEv", "main::{lambda#1}::operator()");
    expect("_ZlsRSoRK3Foo", "operator<<");
    expect("_ZThn16_N3Foo1fEv", "Foo::f");
    expect("_ZGVZ1fvE1x", "`guard of f::x'");
    expect("_ZN1AIXadL_Z1fvEEE1gEv", "_ZN1AIXadL_Z1fvEEE1gEv"); // an expression
    expect("_ZN1AILi42ELb1EE1gEv", "A<42,true>::g");
    expect("_ZNSt3mapISsS_ISsiEE1fEv", "std::map<std::string,std::map<std::string,int> >::f");
}

static void what_is_not_understood_stays(void **state)
{
    (void)state;
    expect("main", "main");
    expect("", "");
    expect("_main", "_main");
    expect("?", "?");
    expect("??", "??");
    expect("?f", "?f");
    expect("?f@", "?f@");
    expect("??_", "??_");
    expect("?9@@YAXXZ", "?9@@YAXXZ"); // refers to a name that is not there
    expect("_Z", "_Z");
    expect("_ZN", "_ZN");
    expect("_Z99999999999999999999x", "_Z99999999999999999999x");
    expect("_ZS9_", "_ZS9_");
}

// Every cut and many changes of names: none reads past its end (each copy ends at the end of its
// allocation) or takes long.
static void hostile_names_end(void **state)
{
    (void)state;
    static const char *const names[] = {
        "??$f@P6AHPEAXH@ZW4Color@ns@@U?$pair@_N_W@std@@$0?0$$V@?1??g@@YAXPEAH0@Z@YAXXZ",
        "??_R1A@?0A@EA@?$Holder@VFoo@@P8Bar@@EAAXXZ$$BY02H@ns@@8",
        "_ZNSt6vectorIiSaIiEE9push_backIN2ns3FooIJLi42ELb1EEEEZ4mainENKUlvE_clEvEEvOT_S1_",
    };
    uint64_t random = 88172645463325252u;
    for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
        size_t len = strlen(names[n]);
        for (unsigned round = 0; round < 20000; round++) {
            size_t cut = round < len ? round : len;
            char *copy = malloc(cut + 1);
            assert_non_null(copy);
            memcpy(copy, names[n], cut);
            copy[cut] = '\0';
            for (int flips = 0; round >= len && flips < 3; flips++) {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                copy[random % cut] = names[(random >> 20) % 3][(random >> 32) % 40];
            }
            struct seep_buf out = { 0 };
            (void)seep_symbol_readable(copy, &out);
            seep_buf_clear(&out);
            free(copy);
        }
    }
}

static void repeated_parts_do_not_explode(void **state)
{
    (void)state;
    struct seep_buf name = { 0 }, out = { 0 };
    // each template holds the one before it twice
    seep_buf_adds(&name, "?f@");
    for (int i = 0; i < 40; i++)
        seep_buf_adds(&name, "?$T@V0@V0@@");
    seep_buf_adds(&name, "@YAXXZ");
    (void)seep_symbol_readable(seep_buf_text(&name), &out);
    seep_buf_reset(&name);
    seep_buf_reset(&out);
    seep_buf_adds(&name, "_ZN1AI1BE");
    for (int i = 0; i < 60; i++)
        seep_buf_adds(&name, "1CIS_S0_S1_S2_S3_E");
    seep_buf_adds(&name, "Ev");
    (void)seep_symbol_readable(seep_buf_text(&name), &out);
    assert_true(out.len <= 65536);
    seep_buf_clear(&name);
    seep_buf_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_microsofts_compilers),
        cmocka_unit_test(templates_scopes_and_back_references),
        cmocka_unit_test(names_of_gcc_and_clang),
        cmocka_unit_test(what_is_not_understood_stays),
        cmocka_unit_test(hostile_names_end),
        cmocka_unit_test(repeated_parts_do_not_explode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
