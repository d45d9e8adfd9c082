// tandem - run_options: how tandem::run runs
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <tandem/base/config.hpp>

namespace tandem::inline TANDEM_ABI {

/// How `run` runs.
class run_options {
public:
    run_options() {}

    /// Whether SIGINT and SIGTERM cancel the main task. Default: yes. A second one ends the process.
    run_options& handle_signals(bool yes) noexcept {
        handle_signals_ = yes;
        return *this;
    }
    bool handle_signals() const noexcept { return handle_signals_; }

private:
    bool handle_signals_ = true;
};

}  // namespace tandem::inline TANDEM_ABI
