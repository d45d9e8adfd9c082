// tandem benchmarks - keeps a result alive that nobody reads
// SPDX-License-Identifier: BSL-1.0
#pragma once

namespace bench {

/// Makes the compiler believe that `value` is read here.
template <class T>
inline void do_not_optimize(const T& value) {
    asm volatile("" : : "g"(&value) : "memory");
}

}  // namespace bench
