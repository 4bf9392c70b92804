// SPDX-License-Identifier: MIT
// Names as people read them: `?f@Class@@QEAAXXZ` is `Class::f`, `??_7Foo@@6B@` is
// "Foo::`vftable'", `_ZN3Foo1fEv` is `Foo::f`.
//
// Only the name: neither parameters nor what a function returns.
#ifndef SEEP_SYMBOLS_READABLE_H
#define SEEP_SYMBOLS_READABLE_H

#include "base/buf.h"

#include <stdbool.h>

// Appends the readable form of `name` to `out`, or `name` itself where it is not decorated or not
// understood; the result says whether it was. Names of Microsoft's compilers and of the Itanium ABI
// (mingw), also with what x86 and imports put around them ("_f@4", "__Z", "__imp_").
bool seep_symbol_readable(const char *name, struct seep_buf *out);

#endif
