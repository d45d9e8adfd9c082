// expect: tandem: task<T&&> dangles; return the value
// SPDX-License-Identifier: BSL-1.0
#include <string>

#include <tandem/core/task.hpp>

tandem::task<std::string&&> f(std::string s) { co_return std::move(s); }
