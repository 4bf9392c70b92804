#include "testkit.h"
typedef int nothing;
