// tandem - a second translation unit with everything: what is defined twice does not link
// SPDX-License-Identifier: BSL-1.0
#include <tandem/tandem.hpp>
#include <tandem/testing/test_loop.hpp>

tandem::task<int> other(int x) { co_return x; }

int second() { return tandem::run(other(0)); }
