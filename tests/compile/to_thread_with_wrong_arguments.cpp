// expect: tandem::to_thread: fn can be called neither with \(args...\) nor with \(std::stop_token, args...\)
// SPDX-License-Identifier: BSL-1.0
#include <string>

#include <tandem/core/task.hpp>
#include <tandem/cpu/to_thread.hpp>

std::string contents_of(const std::string& path);

tandem::task<> f() { co_await tandem::to_thread(contents_of, 7); }
