// tandem examples - check: a sentence and a failing exit status when something is not as promised
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdlib>
#include <iostream>

/// Ends the program unless `holds`. Examples are tests too; in your copy of one, leave the checks out.
inline void check(bool holds, const char* sentence) {
    if (holds) return;
    std::cout << std::flush;
    std::cerr << "check failed: " << sentence << '\n';
    std::exit(1);
}
