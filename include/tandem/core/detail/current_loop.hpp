// tandem - the loop that runs on this thread
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <tandem/base/config.hpp>

namespace tandem::inline TANDEM_ABI {

class loop_core;

namespace detail {

TANDEM_PROCESS_WIDE inline constinit thread_local loop_core* current_loop = nullptr;

/// Makes a loop the current one of this thread for a scope.
class current_loop_scope {
public:
    explicit current_loop_scope(loop_core& loop) noexcept : outer_(current_loop) { current_loop = &loop; }
    current_loop_scope(const current_loop_scope&) = delete;
    current_loop_scope& operator=(const current_loop_scope&) = delete;
    ~current_loop_scope() { current_loop = outer_; }

private:
    loop_core* outer_;
};

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
