// SPDX-License-Identifier: MIT
// The program.
#include "os/os.h"

int main(void)
{
    seep_os_console_init();
    return 2;
}
